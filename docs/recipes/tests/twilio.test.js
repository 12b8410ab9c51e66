// The Twilio recipe against a collector: the server as Twilio calls it, signed; the Functions as
// Twilio's runtime calls them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import twilio from "twilio";

import {
  CALLER, CUSTOMER, Collector, NOBODY, RECIPES, callId, failing, leasedCode, mistyped,
  showsTheCustomer, sipCall, takesTheCode, within,
} from "./support/centre.js";
import { parse } from "./support/twiml.js";

const AUTH_TOKEN = "an-auth-token";
const PUBLIC_URL = "https://ivr.example.com";
const WORKFLOW = "WW0123456789abcdef0123456789abcdef";
const SIP = "sip:agents@pbx.example.com;transport=tls";
// The recipe's own 1.5 s, and a margin for a busy machine.
const PATIENCE_MS = 3_500;

let collector;
let folder;
const servers = [];

before(async () => {
  collector = await Collector.start();
  // The folder as somebody would copy it, with what `npm install` brings.
  folder = await mkdtemp(join(tmpdir(), "jalon-twilio-"));
  await cp(join(RECIPES, "twilio"), folder, { recursive: true });
  await symlink(join(RECIPES, "tests", "node_modules"), join(folder, "node_modules"));
});

after(async () => {
  for (const server of servers) server.kill();
  await collector?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const settings = (more = {}) => ({
  JALON_COLLECTOR: collector.origin, JALON_KEY: collector.contactCentreKey,
  JALON_WORKFLOW: WORKFLOW, ...more,
});

async function start(more) {
  const environment = { ...settings(more), TWILIO_AUTH_TOKEN: AUTH_TOKEN, PUBLIC_URL, PORT: "0" };
  const server = spawn(process.execPath, ["server.js"], {
    cwd: folder, env: { PATH: process.env.PATH, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  servers.push(server);
  server.log = "";
  server.stderr.on("data", (text) => { server.log += text; });
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  server.origin = `http://127.0.0.1:${line.match(/\d+$/)[0]}`;
  return server;
}

// Everything the server wrote to its log, once it has ended.
async function logOf(server) {
  const closed = once(server, "close");
  server.kill();
  await closed;
  return server.log;
}

const ring = (more = {}) => ({
  CallSid: callId(), AccountSid: "AC0", From: CALLER, To: "+33123456789", CallStatus: "ringing",
  Direction: "inbound", ApiVersion: "2010-04-01", ...more,
});

async function post(server, path, call, { token = AUTH_TOKEN } = {}) {
  const signature = twilio.getExpectedTwilioSignature(token, PUBLIC_URL + path, call);
  return fetch(server.origin + path, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature,
    },
    body: new URLSearchParams(call),
  });
}

async function step(server, path, call) {
  const answer = await post(server, path, call);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("content-type"), /^text\/xml/);
  return parse(await answer.text());
}

// What the agent's task carries.
function task(verbs) {
  assert.deepEqual(verbs.map((verb) => verb.name), ["Enqueue"]);
  assert.equal(verbs[0].attributes.workflowSid, WORKFLOW);
  assert.deepEqual(verbs[0].children.map((child) => child.name), ["Task"]);
  return JSON.parse(verbs[0].children[0].text);
}

test("the recipe asks for the version of Twilio's library that is tried here", async () => {
  const { dependencies } = JSON.parse(await readFile(join(RECIPES, "twilio", "package.json")));
  const here = JSON.parse(await readFile(join(RECIPES, "tests", "package.json")));
  assert.equal(dependencies.twilio, here.devDependencies.twilio);
});

test("a call is asked for exactly thirteen digits, and for no end key", async () => {
  const server = await start();
  const verbs = await step(server, "/answer", ring());
  assert.deepEqual(verbs.map((verb) => verb.name), ["Gather", "Redirect"]);
  const { attributes, children } = verbs[0];
  assert.equal(attributes.numDigits, "13");
  assert.equal(attributes.finishOnKey, "");
  assert.equal(attributes.action, "/code");
  assert.equal(attributes.timeout, "5", "8 s with the greeting, and no longer");
  assert.deepEqual(children.map((child) => child.name), ["Say"]);
  assert.equal(verbs[1].text, "/code", "who dials nothing goes on");
});

test("the code of a call leads the agent to the customer", async () => {
  const server = await start();
  const call = ring({ Digits: await leasedCode(collector) });
  const attributes = task(await step(server, "/code", call));
  assert.equal(attributes.jalon_customer, CUSTOMER);
  assert.equal(attributes.jalon_verified, false);
  await showsTheCustomer(attributes.jalon_desk);
  // Twilio repeats a request that it saw no answer of.
  await showsTheCustomer(task(await step(server, "/code", call)).jalon_desk);
  assert.equal(await logOf(server), "", "nothing is logged of a call that was found");
});

test("agents behind a SIP trunk get the link as a header", async () => {
  const server = await start({ JALON_WORKFLOW: "", JALON_SIP: SIP });
  const call = ring({ Digits: await leasedCode(collector) });
  const [dial] = await step(server, "/code", call);
  assert.equal(dial.name, "Dial");
  const [address, query] = dial.children[0].text.split("?");
  assert.equal(address, SIP);
  assert.ok(query.length < 1_024, "within Twilio's limit for SIP headers");
  const headers = new URLSearchParams(query);
  assert.equal(headers.get("X-Jalon-Lookup"), "found");
  await showsTheCustomer(headers.get("X-Jalon-Desk"));
});

test("agents behind a SIP trunk hear of a miss, and of a collector that refuses", async () => {
  const headers = async (more, call) => {
    const server = await start({ JALON_WORKFLOW: "", JALON_SIP: `${SIP}?X-Own=1`, ...more });
    const [dial] = await step(server, "/code", ring(call));
    const query = new URLSearchParams(dial.children[0].text.slice(SIP.length + 1));
    assert.equal(query.get("X-Own"), "1");
    return query;
  };
  const missed = await headers({}, { Digits: "" });
  assert.equal(missed.get("X-Jalon-Lookup"), "unknown");
  await takesTheCode(missed.get("X-Jalon-Desk"));
  const refused = await headers({ JALON_KEY: "none" }, { Digits: await leasedCode(collector) });
  assert.equal(refused.get("X-Jalon-Lookup"), "unavailable");
  assert.equal(refused.get("X-Jalon-Desk"), null);
});

test("a SIP call that carries its context is asked for no digits", async () => {
  const server = await start();
  const { token, uui } = await sipCall(collector);
  const call = ring({ From: "sip:app@example.sip.twilio.com", "SipHeader_User-to-User": uui });
  await showsTheCustomer(task(await step(server, "/answer", call)).jalon_desk);
  const again = { ...ring({ "SipHeader_X-Jalon-Context": token }), CallSid: call.CallSid };
  await showsTheCustomer(task(await step(server, "/answer", again)).jalon_desk);
});

test("another application's header does not keep a call from its code", async () => {
  const server = await start();
  const foreign = ring({ "SipHeader_User-to-User": "00ff4a6f;encoding=hex" });
  assert.equal((await step(server, "/answer", foreign))[0].name, "Gather");
  const call = { ...foreign, Digits: await leasedCode(collector) };
  await showsTheCustomer(task(await step(server, "/code", call)).jalon_desk);
});

for (const [what, digits] of [
  ["a wrong check digit", () => mistyped(NOBODY)],
  ["a code that nobody has", () => NOBODY],
  ["twelve digits", () => NOBODY.slice(1)],
  ["nothing dialled", () => ""],
]) {
  test(`${what}: the call goes to an agent, who can type the code`, async () => {
    const server = await start();
    const call = ring({ From: `+3360000${Math.random().toString().slice(2, 6)}` });
    const attributes = task(await step(server, "/code", { ...call, Digits: digits() }));
    assert.equal(attributes.jalon_customer, undefined);
    await takesTheCode(attributes.jalon_desk);
    const log = await logOf(server);
    assert.match(log, /jalon: call-[a-z-]+: 4\d\d/);
    if (digits()) assert.ok(!log.includes(digits()), "no digits in the log");
    assert.ok(!log.includes(call.From), "no number in the log");
  });
}

test("withheld numbers share no caller's throttle", async () => {
  const server = await start();
  for (const _ of Array(7)) {
    await step(server, "/code", ring({ From: "+266696687", Digits: NOBODY }));
  }
  const call = ring({ From: "+266696687", Digits: await leasedCode(collector) });
  await showsTheCustomer(task(await step(server, "/code", call)).jalon_desk);
  const log = await logOf(server);
  assert.ok(!log.includes("429"), log);
});

failing("does not keep a call from its agent", async (origin) => {
  const server = await start({ JALON_COLLECTOR: origin });
  const call = ring({ Digits: NOBODY, "SipHeader_User-to-User": "00ff4a6f;encoding=hex" });
  for (const path of ["/answer", "/code"]) {
    assert.deepEqual(task(await within(PATIENCE_MS, () => step(server, path, call))), {});
  }
  assert.match(await logOf(server), /no answer from the collector/);
});

test("who is not Twilio gets nothing", async () => {
  const server = await start();
  const call = ring({ Digits: NOBODY });
  assert.equal((await post(server, "/code", call, { token: "guessed" })).status, 403);
  assert.equal((await fetch(`${server.origin}/code`, { method: "POST" })).status, 403);
  assert.equal((await fetch(`${server.origin}/`)).status, 404);
});

test("the Functions do the same in Twilio's runtime", async () => {
  const require = createRequire(join(folder, "server.js"));
  const path = join(folder, "functions", "jalon.private.js");
  globalThis.Runtime = { getFunctions: () => ({ jalon: { path } }) };
  const run = (name, event) => new Promise((resolve, reject) => {
    const { handler } = require(join(folder, "functions", `${name}.protected.js`));
    handler(settings(), event, (error, response) => (error ? reject(error) : resolve(response)));
  });
  const first = await run("answer", ring());
  assert.equal(first.constructor.name, "VoiceResponse", "Twilio sends it as text/xml");
  assert.equal(parse(first.toString())[0].name, "Gather");
  const call = ring({ Digits: await leasedCode(collector) });
  await showsTheCustomer(task(parse((await run("code", call)).toString())).jalon_desk);
});
