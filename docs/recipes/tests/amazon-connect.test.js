// The Amazon Connect recipe against a collector: its function as Connect invokes it, its flows run
// to their end and held to the Flow language.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import Ajv from "ajv";

import { showDesk } from "../amazon-connect/desk-panel.js";
import {
  CALLER, CUSTOMER, Collector, NOBODY, RECIPES, callId, failing, leasedCode, mistyped,
  showsTheCustomer, sipCall, takesTheCode, within,
} from "./support/centre.js";
import { Contact } from "./support/connect.js";

const SESSION_TOKEN = "a-session-token";
const SECRET = "jalon/contact-centre";
// What the flow gives the function, in seconds.
let limit;

let collector;
let extension;
let flow;
let guide;
// What the function writes to its log.
let log;
console.warn = (text) => { log += text; };

before(async () => {
  collector = await Collector.start();
  flow = await read("inbound-flow.json");
  guide = await read("agent-guide.json");
  limit = Number(flow.Actions.find((action) => action.Type === "InvokeLambdaFunction")
    .Parameters.InvocationTimeLimitSeconds);
  // The Parameters and Secrets Lambda Extension, as AWS documents it.
  extension = createServer((request, response) => {
    const url = new URL(request.url, "http://localhost");
    const known = request.headers["x-aws-parameters-secrets-token"] === SESSION_TOKEN
      && url.pathname === "/secretsmanager/get" && url.searchParams.get("secretId") === SECRET;
    extension.asked += 1;
    response.writeHead(known ? 200 : 400).end(known && JSON.stringify({
      Name: SECRET, SecretString: `${extension.key}\n`,
    }));
  });
  extension.listen(0, "localhost");
  await once(extension, "listening");
});

beforeEach(() => {
  log = "";
  Object.assign(extension, { asked: 0, key: collector.contactCentreKey });
});

after(async () => {
  extension?.close();
  await collector?.stop();
});

const read = async (name) => {
  return JSON.parse(await readFile(join(RECIPES, "amazon-connect", name), "utf8"));
};

// A function that has just started.
let cold = 0;
async function lambda(more = {}) {
  Object.assign(process.env, {
    JALON_COLLECTOR: collector.origin, JALON_KEY_SECRET: SECRET, AWS_SESSION_TOKEN: SESSION_TOKEN,
    PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: String(extension.address().port), ...more,
  });
  cold += 1;
  return (await import(`../amazon-connect/lambda/index.mjs?cold=${cold}`)).handler;
}

async function contact({ settings, ...more }) {
  const handler = await lambda(settings);
  return new Contact({ id: callId(), address: CALLER, lambda: handler, ...more }).run(flow);
}

// What the guide says of a contact, by its labels.
async function shown({ attributes }) {
  const agent = await new Contact({ id: callId(), attributes }).run(guide);
  return agent.view.AttributeBar.map((one) => one.Label);
}

const isQueued = (one) => assert.match(one.queue ?? "", /:instance\/INSTANCE\/queue\//);

test("both flows are of the Flow language", async () => {
  const schema = JSON.parse(await readFile(
    join(RECIPES, "tests", "support", "connect-flow.schema.json"), "utf8",
  ));
  const check = new Ajv({ allErrors: true, strict: false }).compile(schema);
  for (const one of [flow, guide]) assert.ok(check(one), JSON.stringify(check.errors, null, 1));
});

test("every transition of the flows leads to an action, and every action is led to", () => {
  for (const { StartAction, Actions, Metadata } of [flow, guide]) {
    const names = Actions.map((action) => action.Identifier);
    assert.equal(new Set(names).size, names.length, "identifiers are unique");
    const targets = Actions.flatMap(({ Transitions }) => [
      Transitions.NextAction, ...[...(Transitions.Conditions ?? []), ...(Transitions.Errors ?? [])]
        .map((one) => one.NextAction),
    ]).filter((name) => name !== undefined);
    for (const name of [StartAction, ...targets]) assert.ok(names.includes(name), name);
    for (const name of names) assert.ok(name === StartAction || targets.includes(name), name);
    assert.deepEqual(Object.keys(Metadata.ActionMetadata), names);
  }
});

test("the guide shows only what the flow keeps", () => {
  const kept = flow.Actions.find((action) => action.Type === "UpdateContactAttributes");
  const shown = JSON.stringify(guide).match(/\$\.Attributes\.\w+/g);
  assert.ok(shown.includes("$.Attributes.jalon_desk"));
  for (const path of shown) assert.ok(path.split(".")[2] in kept.Parameters.Attributes, path);
});

test("a call is asked for at most thirteen digits, and waits as long as a slow phone needs", () => {
  const { Parameters } = flow.Actions.find((action) => action.Type === "GetParticipantInput");
  assert.equal(Parameters.InputValidation.CustomValidation.MaximumLength, "13");
  assert.equal(Parameters.InputTimeLimitSeconds, "5", "8 s with the greeting");
});

test("the code of a call leads the agent to the customer", async () => {
  const dialled = await leasedCode(collector);
  const one = await contact({ dialled });
  isQueued(one);
  assert.equal(one.attributes.jalon_customer, CUSTOMER);
  assert.equal(one.attributes.jalon_verified, "no");
  assert.deepEqual(await shown(one), ["Customer", "Verified", "About", "Desk"]);
  assert.match(one.guide, /contact-flow/);
  await showsTheCustomer(one.attributes.jalon_desk);
  assert.ok(!JSON.stringify(one.attributes).includes(dialled), "the code is not kept");
  assert.equal(log, "", "nothing is logged of a contact that was found");
});

test("a chat or a call inside the app brings its token, and is asked for no digits", async () => {
  const { token } = await sipCall(collector);
  const attributes = { jalon_carrier: "token", jalon_token: token };
  const one = await contact({ channel: "CHAT", address: undefined, attributes });
  isQueued(one);
  assert.ok(!one.steps.includes("code"));
  await showsTheCustomer(one.attributes.jalon_desk);
});

test("any other chat goes on without digits", async () => {
  const one = await contact({ channel: "CHAT", address: undefined });
  isQueued(one);
});

for (const [what, dialled] of [
  ["a wrong check digit", mistyped(NOBODY)], ["a code that nobody has", NOBODY],
  ["twelve digits", NOBODY.slice(1)], ["nothing dialled", undefined], ["a star", "*"],
]) {
  test(`${what}: the call goes to the queue, and the agent can type the code`, async () => {
    const address = `+3360002${Math.random().toString().slice(2, 6)}`;
    const one = await contact({ dialled, address });
    isQueued(one);
    await takesTheCode(one.attributes.jalon_desk);
    assert.deepEqual(await shown(one), ["Desk"], "nothing is said of a customer nobody knows");
    assert.ok(!log.includes(dialled ?? address) && !log.includes(address), log);
  });
}

test("withheld numbers share no caller's throttle", async () => {
  for (const _ of Array(7)) await contact({ dialled: NOBODY, address: "anonymous" });
  assert.ok(!log.includes("429"), log);
});

failing("does not keep a call from the queue", async (origin) => {
  const settings = { JALON_COLLECTOR: origin };
  const one = await within(limit * 1_000, () => contact({ dialled: NOBODY, settings }));
  isQueued(one);
  assert.equal(one.attributes.jalon_desk, undefined);
  assert.match(log, /no answer/);
});

test("whatever block fails, the call is queued, or told that it cannot be", async () => {
  for (const name of ["code", "look-up", "keep", "guide"]) {
    isQueued(await contact({ dialled: await leasedCode(collector), failing: [name] }));
  }
  for (const name of ["queue", "transfer"]) {
    const one = await contact({ dialled: undefined, failing: [name] });
    assert.deepEqual(one.steps.slice(-2), ["sorry", "end"]);
  }
});

test("a warm function asks for its key once, and again when the key was replaced", async () => {
  const handler = await lambda();
  const one = () => new Contact({ id: callId(), lambda: handler, dialled: NOBODY }).run(flow);
  await one();
  await one();
  assert.equal(extension.asked, 1);
  extension.key = "replaced";
  const restarted = await lambda();
  const two = (dialled) => new Contact({ id: callId(), lambda: restarted, dialled }).run(flow);
  isQueued(await two(NOBODY));
  assert.match(log, /401/);
  extension.key = collector.contactCentreKey;
  await showsTheCustomer((await two(await leasedCode(collector))).attributes.jalon_desk);
});

test("the README's event shows that the function works", async () => {
  const readme = await readFile(join(RECIPES, "amazon-connect", "README.md"), "utf8");
  const [, event] = readme.match(/```json\n(.*?)```/s);
  const answer = await (await lambda())(JSON.parse(event));
  assert.equal(answer.jalon_linked, "true");
  await takesTheCode(answer.jalon_desk);
});

test("a secret that cannot be read does not keep a call either", async () => {
  isQueued(await contact({ dialled: NOBODY, settings: { JALON_KEY_SECRET: "other" } }));
  isQueued(await contact({
    dialled: NOBODY, settings: { PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: "9" },
  }));
});

test("the panel around the CCP shows the desk of the contact that comes in, until it goes", () => {
  const frame = { src: "about:blank" };
  const events = {};
  const on = (name) => (handler) => { events[name] = handler; };
  const desk = "https://calls.example.com/desk/x";
  const attributes = { jalon_desk: { name: "jalon_desk", value: desk } };
  const offered = {
    getAttributes: () => attributes, onConnecting: on("connecting"), onConnected: on("connected"),
    onDestroy: on("destroy"),
  };
  showDesk({ contact: (handler) => handler(offered) }, frame);
  events.connecting();
  assert.equal(frame.src, desk);
  events.destroy();
  assert.equal(frame.src, "about:blank");
});
