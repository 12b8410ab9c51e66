// Each state of the desk, as an agent meets it: what it says, and that it can be read.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { before, test } from "node:test";

import { NARROW, WIDE } from "./support/agent.js";
import { APP } from "./support/collector.js";
import { PHONE, Phone, cart, code, customer, failure, screen, view } from "./support/phone.js";
import { agent, collector } from "./support/stage.js";

const SECRET = "0123456789abcdef0123456789abcdef";

before(() => collector.addIdentityKey(SECRET));

// What the app's backend signs.
function proof(customerId) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { sub: customerId, aud: APP, iat, exp: iat + 600 };
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

const journey = [
  screen("home"), screen("product/{id}"), view(PHONE), cart(PHONE), screen("checkout/payment"),
  failure("card_declined", "checkout/payment"),
];

// Opens a state in a side panel and on a wide screen, light and dark, and says what it told first.
async function look(name, desk, more = {}) {
  let glance;
  for (const viewport of [NARROW, WIDE]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await agent.open(desk, { viewport, colorScheme, ...more });
      await page.streaming();
      if (more.setTime) {
        await page.page.clock.fastForward("26:00");
        await page.says(".fresh .value", "Synced");
      }
      glance ??= await page.glance();
      await page.fitsItsWidth();
      await page.isAccessible();
      await page.screenshot(`state-${name}-${viewport.width}-${colorScheme}`);
      if (!more.setTime) assert.deepEqual(await page.glance(), glance);
      await page.leave();
    }
  }
  return glance;
}

test("live and verified: who is proven, and everything up to the tap is here", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("515136153", proof("515136153")), ...journey);
  const token = await phone.call({ topic: "billing", customer: "515136153" });
  const [who, on, about, fresh] = await look("live", (await collector.resolve({ token })).desk);
  assert.equal(who, "Who 515136153 Verified");
  assert.match(on, /^Stuck on Payment .*Card declined/);
  assert.equal(about, "About Galaxy A10 Billing");
  assert.equal(fresh, "How fresh Live");
});

test("unverified: a forged proof proves nothing", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("515136153", proof("another customer")), ...journey);
  const token = await phone.call({ customer: "515136153" });
  const [who] = await look("unverified", (await collector.resolve({ token })).desk);
  assert.equal(who, "Who 515136153 Not verified");
});

test("synced: nothing is missing, and it says from when it is", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("515136153"), ...journey);
  const token = await phone.call({ customer: "515136153" });
  const { desk } = await collector.resolve({ token });
  const fresh = (await look("synced", desk, { setTime: true }))[3];
  assert.match(fresh, /^How fresh Synced (26|27) min ago$/);
});

test("pending: no data at the tap, so who and the code's own screen, and newer steps to come", async () => {
  const phone = new Phone(collector);
  const { codes } = await phone.record(customer("515136153"), screen("home"), screen("cart"));
  const { desk } = await collector.resolve({ code: code(codes[0].locator, 5) });
  const [who, on, , fresh] = await look("pending", desk);
  assert.equal(who, "Who 515136153 Not verified Not confirmed by the app");
  assert.equal(on, "Stuck on Payment");
  assert.match(fresh, /^How fresh Synced just now newer steps pending$/);
});

test("scope limited: the screen alone, and that the customer chose so", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("515136153"), ...journey);
  const token = await phone.call({ scope: "screen", topic: "billing" });
  const { desk } = await collector.resolve({ token });
  const [who, on, about] = await look("scope-limited", desk);
  assert.equal(who, "Who Not shared");
  assert.match(on, /^Stuck on Payment .*Card declined/);
  assert.equal(about, "About Billing");
  const page = await agent.open(desk);
  await page.says("main", "The customer chose to share only this screen.");
  const text = await page.page.locator("main").innerText();
  assert.doesNotMatch(text, /515136153|Galaxy|Home|Cart/);
  await page.leave();
});

test("scope limited without data: the code itself says so", async () => {
  const phone = new Phone(collector);
  const { codes } = await phone.record(customer("515136153"), ...journey);
  const odd = String(Number(codes[0].locator) + 1).padStart(9, "0");
  const { desk } = await collector.resolve({ code: code(odd, 3) });
  const [who, on] = await look("scope-limited-pending", desk);
  assert.equal(who, "Who Not shared Not confirmed by the app");
  assert.equal(on, "Stuck on Cart");
});
