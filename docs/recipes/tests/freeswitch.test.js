// The FreeSWITCH recipe against a collector: its dialplan and its script, run by the Lua that
// FreeSWITCH embeds, with a stand-in for the switch itself.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { XMLParser } from "fast-xml-parser";

import {
  CALLER, Collector, NOBODY, RECIPES, callId, failing, leasedCode, mistyped, showsTheCustomer,
  sipCall, takesTheCode, within,
} from "./support/centre.js";

const run = promisify(execFile);
const RECIPE = join(RECIPES, "freeswitch");
const STAND_IN = join(RECIPES, "tests", "support", "freeswitch.lua");
// The script's own 2 s, and a margin for a busy machine.
const PATIENCE_MS = 4_000;

let collector;
let folder;
let dialplan;
let globals;

before(async () => {
  collector = await Collector.start();
  folder = await mkdtemp(join(tmpdir(), "jalon-freeswitch-"));
  await writeFile(join(folder, "jalon.key"), `${collector.contactCentreKey}\n`);
  await chmod(join(folder, "jalon.key"), 0o600);
  const xml = await read("dialplan/jalon.xml");
  dialplan = xml.include.extension.condition;
  const vars = await read("jalon-vars.xml");
  globals = Object.fromEntries(vars.include["X-PRE-PROCESS"].map(({ data }) => {
    const [, name, value] = data.match(/^([^=]+)=(.*)$/);
    return [name, value];
  }));
});

after(async () => {
  await collector?.stop();
  if (folder) await rm(folder, { recursive: true });
});

async function read(name) {
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: "" });
  return parser.parse(await readFile(join(RECIPE, name), "utf8"));
}

async function call({ digits = "", variables = {}, more = {}, ...scenario } = {}) {
  const child = spawn("lua5.2", [STAND_IN], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(JSON.stringify({
    uuid: callId(), digits, scripts: join(RECIPE, "scripts"), actions: dialplan.action,
    variables: { caller_id_number: CALLER, ...variables },
    globals: {
      ...globals, jalon_collector: collector.origin, jalon_key_file: join(folder, "jalon.key"),
      ...more,
    },
    ...scenario,
  }));
  let text = "";
  for await (const part of child.stdout) text += part;
  return JSON.parse(text);
}

const link = (happened) => happened.bridged.headers["X-Jalon-Desk"];
const lookup = (happened) => happened.bridged.headers["X-Jalon-Lookup"];

test("the script compiles, and the XML is well-formed", async () => {
  await run("luac5.2", ["-p", join(RECIPE, "scripts", "jalon.lua")]);
  for (const name of [
    "dialplan/jalon.xml", "jalon-vars.xml", "autoload_configs/curl.conf.xml",
  ]) {
    await run("xmllint", ["--noout", "--nonet", join(RECIPE, name)]);
  }
});

test("the dialplan matches the number with and without its plus, and no other", () => {
  const number = new RegExp(dialplan.expression);
  assert.equal(dialplan.field, "destination_number");
  assert.ok(number.test("33123456789") && number.test("+33123456789"));
  assert.ok(!number.test("331234567890") && !number.test("133123456789"));
});

test("a call is asked for exactly thirteen digits, and for no end key", async () => {
  const { gathered } = await call();
  assert.deepEqual([gathered.min, gathered.max, gathered.tries], [13, 13, 1]);
  assert.equal(gathered.ends, "", "no end key");
  assert.equal(gathered.variable, "", "digits stay out of the call's records");
  assert.equal(gathered.regex, "\\d{13}");
  assert.equal(gathered.first_ms, 6_000, "8 s with the greeting, and no longer");
  const longer = { jalon_first_digit_ms: "3000" };
  assert.equal((await call({ more: longer })).gathered.first_ms, 3_000);
  assert.equal((await call({ more: { jalon_first_digit_ms: "" } })).gathered.first_ms, 6_000);
});

test("the code of a call leads the agent to the customer", async () => {
  const digits = await leasedCode(collector);
  const uuid = callId();
  const happened = await call({ digits, uuid });
  assert.equal(happened.bridged.to, globals.jalon_agents);
  assert.equal(lookup(happened), "found");
  await showsTheCustomer(link(happened));
  assert.equal(happened.log, "", "nothing is logged of a call that was found");
  assert.ok(!JSON.stringify(happened.variables).includes(digits), "no digits in a variable");
  await showsTheCustomer(link(await call({ digits, uuid })));
});

test("a SIP call that carries its context is asked for no digits", async () => {
  const { token, uui } = await sipCall(collector);
  const uuid = callId();
  const first = await call({ uuid, variables: { "sip_h_User-to-User": uui } });
  assert.equal(first.gathered, null);
  assert.equal(lookup(first), "found");
  await showsTheCustomer(link(first));
  const spaced = `"${uui.split(";")[0]}" ;encoding=hex`;
  await showsTheCustomer(link(await call({ uuid, variables: { "sip_h_User-to-User": spaced } })));
  const again = await call({ uuid, variables: { "sip_h_X-Jalon-Context": token } });
  await showsTheCustomer(link(again));
});

test("another application's header does not keep a call from its code", async () => {
  const variables = { "sip_h_User-to-User": "00ff4a6f;encoding=hex" };
  const happened = await call({ digits: await leasedCode(collector), variables });
  assert.equal(happened.gathered.max, 13);
  await showsTheCustomer(link(happened));
});

test("no header of the caller's own reaches the agent, in any case of letters", async () => {
  const spoofed = "https://evil.example/";
  for (const name of ["X-Jalon-Desk", "x-jalon-desk", "X-JALON-DESK", "x-jalon-lookup"]) {
    const variables = { [`sip_h_${name}`]: spoofed };
    const found = await call({ digits: await leasedCode(collector), variables });
    assert.deepEqual(Object.keys(found.bridged.headers).sort(), ["X-Jalon-Desk", "X-Jalon-Lookup"]);
    await showsTheCustomer(link(found));
    const missed = await call({ digits: "", variables, more: { jalon_collector: "" } });
    assert.deepEqual(missed.bridged.headers, { "X-Jalon-Lookup": "unavailable" });
  }
});

test("nothing a caller sends ends the line of arguments", async () => {
  const { uui } = await sipCall(collector);
  const hostile = `${uui}' post {} timeout 60 "x":"`;
  const happened = await call({ variables: {
    "sip_h_User-to-User": hostile, caller_id_number: "1' insecure '",
  } });
  assert.equal(happened.requests, 1);
  await showsTheCustomer(link(happened));
});

for (const [what, digits] of [
  ["a wrong check digit", mistyped(NOBODY)], ["a code that nobody has", NOBODY],
  ["twelve digits", NOBODY.slice(1)], ["nothing dialled", ""],
]) {
  test(`${what}: the call goes to an agent, who can type the code`, async () => {
    const caller = `+3360001${Math.random().toString().slice(2, 6)}`;
    const happened = await call({ digits, variables: { caller_id_number: caller } });
    assert.equal(happened.bridged.to, globals.jalon_agents);
    assert.equal(lookup(happened), "unknown");
    await takesTheCode(link(happened));
    if (digits) assert.ok(!happened.log.includes(digits), "no digits in the log");
    assert.ok(!happened.log.includes(caller), "no number in the log");
  });
}

test("withheld numbers share no caller's throttle", async () => {
  const variables = { caller_id_number: "anonymous" };
  for (const _ of Array(7)) {
    const { log } = await call({ digits: NOBODY, variables });
    assert.ok(!log.includes("429"), log);
  }
});

failing("does not keep a call from its agent", async (origin) => {
  const more = { jalon_collector: origin };
  for (const variables of [{}, { "sip_h_User-to-User": "00ff4a6f;encoding=hex" }]) {
    const scenario = { digits: NOBODY, more, variables };
    const { bridged, log, requests } = await within(PATIENCE_MS, () => call(scenario));
    assert.deepEqual(bridged, {
      to: globals.jalon_agents, headers: { "X-Jalon-Lookup": "unavailable" },
    });
    assert.equal(requests, 1, "asked once");
    assert.match(log, /the collector answered/);
  }
});

test("a key that is missing does not keep a call either", async () => {
  const { bridged, log } = await call({ more: { jalon_key_file: join(folder, "none") } });
  assert.equal(bridged.to, globals.jalon_agents);
  assert.match(log, /no key/);
});

test("a caller who hangs up leaves nothing behind", async () => {
  const { requests, bridged } = await call({ hangs_up: true });
  assert.equal(requests, 0);
  assert.equal(bridged, null);
});
