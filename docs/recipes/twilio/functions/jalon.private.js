// What both steps of the call share: asking the collector, and the TwiML. Owns no HTTP of its own,
// so that it runs as a Twilio Function and in server.js alike.

const { twiml } = require("twilio");

// One try, then the agent: the caller hears silence meanwhile.
const COLLECTOR_TIMEOUT_MS = 1_500;
// Phones wait 4 to 6 s (two commas) from when they learn of the answer, up to a second after it,
// then dial. The greeting takes about 3 s; Twilio counts its timeout from the greeting's end, then
// between two digits. Greeting and timeout together: 8 s.
const GATHER_TIMEOUT_S = 5;
const CODE_DIGITS = 13;
// What Twilio sends as `From` where the number is withheld. These callers must not share one
// caller's throttle at the collector.
const NO_NUMBER = new Set([
  "+266696687", "+7378742883", "+2562533", "+8566", "+8656696", "+86282452253", "+464",
  "anonymous", "restricted", "unavailable", "unknown", "",
]);

// `environment` is the Function's context, or process.env.
function settings(environment) {
  const needed = (name) => {
    if (!environment[name]) throw new Error(`${name} is not set`);
    return environment[name];
  };
  const workflow = environment.JALON_WORKFLOW;
  return {
    collector: needed("JALON_COLLECTOR"),
    key: needed("JALON_KEY"),
    greeting: environment.JALON_GREETING || "Welcome. One moment, we are connecting you.",
    workflow,
    sip: workflow ? undefined : needed("JALON_SIP"),
  };
}

// The first request of a call. A SIP call that carries its context needs no digits; what another
// application wrote into the header does not count.
async function answer(call, options) {
  const uui = call["SipHeader_User-to-User"];
  const token = call["SipHeader_X-Jalon-Context"];
  if (uui || token) {
    const found = await resolve(uui ? { uui } : { token }, call, options);
    if (found.lookup !== "unknown") return handOver(found, options);
  }
  return gather(options);
}

function gather(options) {
  const response = new twiml.VoiceResponse();
  const digits = response.gather({
    input: "dtmf", numDigits: CODE_DIGITS, finishOnKey: "", timeout: GATHER_TIMEOUT_S,
    action: "/code", method: "POST",
  });
  digits.say(options.greeting);
  // Reached only where the caller dialled nothing.
  response.redirect({ method: "POST" }, "/code");
  return response;
}

// The second: the digits are there, or the time is up.
async function code(call, options) {
  return handOver(await resolve({ code: call.Digits || "" }, call, options), options);
}

// Asks the collector. Whatever happens, the call goes on: without a link, `lookup` is `unavailable`.
async function resolve(handle, call, { collector, key }) {
  const question = { ...handle, call_id: call.CallSid };
  const caller = (call.From || "").toLowerCase();
  if (!NO_NUMBER.has(caller)) question.caller = call.From;
  try {
    const answer = await fetch(new URL("/v1/contexts/resolve", collector), {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(question),
      redirect: "error",
      signal: AbortSignal.timeout(COLLECTOR_TIMEOUT_MS),
    });
    // A miss carries a link too: to the page where the agent types the code.
    const found = await answer.json();
    // Never the code, the link or the number.
    if (!answer.ok) console.warn(`jalon: ${call.CallSid}: ${answer.status}`);
    if (!found.desk) return { lookup: "unavailable" };
    return {
      lookup: answer.ok ? "found" : "unknown",
      desk: new URL(found.desk, collector).href,
      customer: found.customer?.id ?? undefined,
      verified: found.customer?.verified ?? undefined,
      topic: found.call?.topic ?? undefined,
    };
  } catch (error) {
    console.warn(`jalon: ${call.CallSid}: no answer from the collector (${error.name})`);
    return { lookup: "unavailable" };
  }
}

// Where calls go. A centre with neither Flex nor SIP changes this.
function handOver({ lookup, desk, customer, verified, topic }, { workflow, sip }) {
  const response = new twiml.VoiceResponse();
  if (workflow) {
    const attributes = {
      jalon_desk: desk, jalon_customer: customer, jalon_verified: verified, jalon_topic: topic,
    };
    response.enqueue({ workflowSid: workflow }).task({}, JSON.stringify(attributes));
  } else {
    const separator = sip.includes("?") ? "&" : "?";
    const header = desk ? `&X-Jalon-Desk=${encodeURIComponent(desk)}` : "";
    response.dial().sip(`${sip}${separator}X-Jalon-Lookup=${lookup}${header}`);
  }
  return response;
}

module.exports = { answer, code, settings };
