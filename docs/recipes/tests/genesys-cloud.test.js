// The Genesys Cloud recipe against a collector: its data action rendered, sent and translated as
// Genesys does, and its call flow run to the queue.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import Ajv from "ajv";
import YAML from "yaml";

import {
  CALLER, Collector, NOBODY, RECIPES, callId, failing, leasedCode, mistyped, showsTheCustomer,
  sipCall, takesTheCode, within,
} from "./support/centre.js";
import { DataAction, InboundCall } from "./support/genesys.js";

// Every input is required: Velocity would print the reference of one that is not set.
const NOTHING = { caller: "", code: "", uui: "", token: "" };

// The flow's own 3 s, and a margin for a busy machine.
const PATIENCE_MS = 5_000;

let collector;
let definition;
let document;
let flow;

before(async () => {
  collector = await Collector.start();
  definition = JSON.parse(await read("resolve-call.custom.json"));
  document = YAML.parseDocument(await read("call-us.yaml"), { strict: true, uniqueKeys: true });
  flow = document.toJS().inboundCall;
});

after(async () => {
  await collector?.stop();
});

const read = (name) => readFile(join(RECIPES, "genesys-cloud", name), "utf8");

const action = (origin = collector.origin) => new DataAction(definition, {
  origin, credentials: { contactCentreKey: collector.contactCentreKey },
});

async function call({ origin, ani = `tel:${CALLER}`, ...more }) {
  const inbound = new InboundCall(flow, {
    action: action(origin), conversationId: callId(), ani, ...more,
  });
  await inbound.run();
  assert.equal(inbound.queue, "Support", "the call goes to the agents");
  return inbound;
}

const absolute = (link) => link && new URL(link, collector.origin).href;

// Every value under a key, anywhere in the flow.
function all(key, node = flow) {
  if (node === null || typeof node !== "object") return [];
  return Object.entries(node).flatMap(([name, value]) => [
    ...(name === key ? [value] : []), ...all(key, value),
  ]);
}

test("the data action has the form of an export", () => {
  const check = new Ajv({ strict: true }).compile({
    type: "object", additionalProperties: false,
    required: ["name", "integrationType", "actionType", "config", "contract", "secure"],
    properties: {
      name: { type: "string", maxLength: 256 }, integrationType: { const: "custom-rest-actions" },
      actionType: { const: "custom" }, secure: { type: "boolean" },
      config: {
        type: "object", additionalProperties: false, required: ["request", "response"],
        properties: {
          request: {
            type: "object", additionalProperties: false,
            required: ["requestUrlTemplate", "requestType", "headers", "requestTemplate"],
            properties: {
              requestUrlTemplate: { type: "string", pattern: "^https://" },
              requestType: { enum: ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] },
              headers: { type: "object", additionalProperties: { type: "string" } },
              requestTemplate: { type: "string" },
            },
          },
          response: {
            type: "object", additionalProperties: false,
            required: ["translationMap", "translationMapDefaults", "successTemplate"],
            properties: {
              translationMap: { type: "object", additionalProperties: { type: "string" } },
              translationMapDefaults: { type: "object", additionalProperties: { type: "string" } },
              successTemplate: { type: "string" },
            },
          },
        },
      },
      contract: {
        type: "object", additionalProperties: false, required: ["input", "output"],
        properties: {
          input: {
            type: "object", additionalProperties: false, required: ["inputSchema"],
            properties: { inputSchema: { type: "object" } },
          },
          output: {
            type: "object", additionalProperties: false, required: ["successSchema"],
            properties: { successSchema: { type: "object" } },
          },
        },
      },
    },
  });
  assert.ok(check(definition), JSON.stringify(check.errors));
});

test("the contracts are flat JSON Schema, and agree with templates and maps", () => {
  const { input, output } = definition.contract;
  const ajv = new Ajv({ strict: true });
  for (const schema of [input.inputSchema, output.successSchema]) {
    assert.ok(ajv.validateSchema(schema), JSON.stringify(ajv.errors));
    for (const { type } of Object.values(schema.properties)) {
      assert.ok(["string", "boolean", "integer", "number"].includes(type), "an Architect type");
    }
  }
  const { translationMap, translationMapDefaults, successTemplate } = definition.config.response;
  const outputs = Object.keys(output.successSchema.properties).sort();
  assert.deepEqual(Object.keys(translationMap).sort(), outputs);
  assert.deepEqual(Object.keys(translationMapDefaults).sort(), outputs);
  const filled = successTemplate.match(/\$\{\w+\}/g).map((one) => one.slice(2, -1));
  assert.deepEqual(filled.sort(), outputs);
  const used = definition.config.request.requestTemplate.match(/input\.\w+/g);
  assert.deepEqual(
    used.map((one) => one.slice("input.".length)).sort(),
    Object.keys(input.inputSchema.properties).sort(),
  );
});

test("the key stands in the credentials alone, and no value breaks out of the request", () => {
  const text = JSON.stringify(definition);
  assert.match(text, /Bearer \$\{credentials\.contactCentreKey\}/);
  const hostile = `4129","call_id":"other\\`;
  const { body } = action().render({ ...NOTHING, callId: "c", code: hostile });
  assert.deepEqual(JSON.parse(body), {
    call_id: "c", caller: "", code: hostile, uui: "", token: "",
  });
});

test("the flow parses, and everything it names is there", () => {
  assert.deepEqual([...document.errors, ...document.warnings], []);
  assert.deepEqual(Object.keys(document.toJS()), ["inboundCall"]);
  const tasks = flow.tasks.map(({ task }) => `/inboundCall/tasks/task[${task.refId}]`);
  assert.ok(tasks.includes(flow.startUpRef));
  assert.ok(flow.defaultLanguage in flow.supportedLanguages);
  const declared = flow.variables.map((one) => Object.values(one)[0].name);
  assert.equal(new Set(declared).size, declared.length);
  const named = [
    ...all("var"), ...all("variable"),
    ...all("exp").flatMap((text) => text.match(/\bFlow\.\w+/g) ?? []),
  ];
  for (const name of named) assert.ok(declared.includes(name), name);
  for (const name of declared) assert.ok(named.includes(name), `${name} is used`);
});

test("the flow calls the data action by its name and its contracts", () => {
  const [{ category }, ...others] = all("callData").filter((one) => one.category);
  assert.deepEqual(others, []);
  const [[integration, { dataAction }]] = Object.entries(category);
  assert.equal(integration, "Jalon");
  const { inputs, successOutputs } = dataAction[definition.name];
  const { input, output } = definition.contract;
  assert.deepEqual(Object.keys(inputs).sort(), Object.keys(input.inputSchema.properties).sort());
  assert.deepEqual(
    Object.keys(successOutputs).sort(), Object.keys(output.successSchema.properties).sort(),
  );
});

test("a call is asked for exactly thirteen digits, and waits as long as a slow phone needs", () => {
  const [collect, ...others] = all("collectInput").filter((one) => one.digits);
  assert.deepEqual(others, []);
  assert.deepEqual(collect.digits, { exact: 13 });
  for (const { lit } of all("noEntryTimeout")) assert.equal(lit.seconds, 5, "8 s with the greeting");
  const [{ timeout }] = all("callData").filter((one) => one.category);
  assert.ok(timeout.lit.seconds <= 3);
});

test("the code of a call leads the agent to the customer", async () => {
  const dialled = await leasedCode(collector);
  const { action: { defaulted }, participant } = await call({ dialled });
  assert.deepEqual(defaulted, [], "every path of the translation map leads to something");
  await showsTheCustomer(absolute(participant.jalon_desk));
  assert.ok(!JSON.stringify(participant).includes(dialled), "the code is not kept");
});

test("a SIP call that carries its context is asked for no digits", async () => {
  // With UUI passthrough, Genesys strips the leading 00 and decodes the hexadecimal.
  const { token } = await sipCall(collector);
  const { participant, steps } = await call({ uui: token });
  assert.ok(!steps.includes("collectInput"));
  await showsTheCustomer(absolute(participant.jalon_desk));
});

test("a chat or a callback asks by its token", async () => {
  const { token } = await sipCall(collector);
  const { desk } = await action().execute({ ...NOTHING, callId: callId(), token });
  await showsTheCustomer(absolute(desk));
});

for (const [what, dialled] of [
  ["a wrong check digit", mistyped(NOBODY)], ["a code that nobody has", NOBODY],
  ["twelve digits", NOBODY.slice(1)], ["nothing dialled", undefined],
]) {
  test(`${what}: the agent gets the page that takes the code`, async () => {
    const ani = `tel:+3360003${Math.random().toString().slice(2, 6)}`;
    const { participant } = await call({ dialled, ani });
    await takesTheCode(absolute(participant.jalon_desk));
  });
}

test("withheld numbers share no caller's throttle", async () => {
  const ani = "sip:anonymous@anonymous.invalid";
  for (const _ of Array(7)) await call({ dialled: NOBODY, ani });
  const { participant } = await call({ dialled: await leasedCode(collector), ani });
  await showsTheCustomer(absolute(participant.jalon_desk));
});

failing("does not keep a call from its agent", async (origin) => {
  const { participant } = await within(PATIENCE_MS, () => call({ dialled: NOBODY, origin }));
  assert.ok(!participant.jalon_desk);
});
