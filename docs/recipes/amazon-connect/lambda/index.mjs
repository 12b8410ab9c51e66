// Amazon Connect asks this function which customer is on a contact. It asks the collector, and
// answers with a flat map of strings, always: whatever fails, the flow goes on to the queue.

const COLLECTOR_TIMEOUT_MS = 1_500;
const SECRET_TIMEOUT_MS = 1_000;

// The last key read, so that a warm function asks for it once.
let key;

export async function handler(event) {
  const { ContactData: contact, Parameters: parameters = {} } = event.Details;
  try {
    return await resolve(contact, parameters);
  } catch (error) {
    // Never the code, the link or the number.
    console.warn(`jalon: ${contact.ContactId}: no answer (${error.name})`);
    return { jalon_linked: "false" };
  }
}

async function resolve(contact, { code, token }) {
  const { JALON_COLLECTOR: collector } = process.env;
  key ??= await secret();
  const answer = await fetch(new URL("/v1/contexts/resolve", collector), {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ ...handle(code, token), ...who(contact) }),
    redirect: "error",
    signal: AbortSignal.timeout(COLLECTOR_TIMEOUT_MS),
  });
  // A key that was replaced: the next call reads the new one.
  if (answer.status === 401) key = undefined;
  if (!answer.ok) console.warn(`jalon: ${contact.ContactId}: ${answer.status}`);
  // A miss carries a link too: to the page where the agent types the code.
  const found = await answer.json();
  if (!found.desk) return { jalon_linked: "false" };
  return {
    jalon_linked: "true",
    // As the guide asks: found, or unknown, where the desk takes the code.
    jalon_lookup: answer.ok ? "found" : "unknown",
    jalon_desk: new URL(found.desk, collector).href,
    jalon_customer: found.customer?.id ?? "unknown",
    jalon_verified: found.customer?.verified ? "yes" : "no",
    jalon_topic: found.call?.topic ?? "none",
  };
}

// A token, from a chat or a call inside the app, or what was dialled. Connect says "Timeout" where
// nothing was.
function handle(code, token) {
  if (token) return { token };
  return { code: /^\d+$/.test(code ?? "") ? code : "" };
}

// The first contact's id outlives transfers, and so does the claim. A withheld number is no number:
// such callers must not share one caller's throttle.
function who(contact) {
  const id = { call_id: contact.InitialContactId ?? contact.ContactId };
  const address = contact.CustomerEndpoint?.Address ?? "";
  return /^\+?\d+$/.test(address) ? { ...id, caller: address } : id;
}

// From Secrets Manager, through the AWS Parameters and Secrets Lambda Extension on loopback.
async function secret() {
  const {
    JALON_KEY_SECRET, AWS_SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: port = "2773",
  } = process.env;
  const url = new URL(`http://localhost:${port}/secretsmanager/get`);
  url.searchParams.set("secretId", JALON_KEY_SECRET);
  const answer = await fetch(url, {
    headers: { "X-Aws-Parameters-Secrets-Token": AWS_SESSION_TOKEN },
    signal: AbortSignal.timeout(SECRET_TIMEOUT_MS),
  });
  if (!answer.ok) throw new Error("no secret");
  return (await answer.json()).SecretString.trim();
}
