// The desk as an agent finds it when a call comes in: the first glance, its looks, its keys.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NARROW, WIDE } from "./support/agent.js";
import {
  CASE, PHONE, Phone, cart, code, customer, failure, location, order, screen, view,
} from "./support/phone.js";
import { agent, collector } from "./support/stage.js";

// A customer who looked, chose, and whose card was declined.
async function declinedAtPayment() {
  const phone = new Phone(collector);
  await phone.record(
    customer("515136153"), location(48.86, 2.35), order("A-20391", "shipped", 108198),
    screen("home"), screen("product/{id}", { previous: "home", dwell_ms: 4000 }), view(PHONE),
    screen("product/{id}"), view(PHONE), screen("product/{id}"), view(PHONE),
    screen("product/{id}"), view(CASE), cart(PHONE),
    screen("checkout/payment", { previous: "cart", dwell_ms: 9000 }),
    failure("card_declined", "checkout/payment"),
  );
  const token = await phone.call({ topic: "billing", customer: "515136153" });
  return { phone, ...(await collector.resolve({ token })) };
}

test("the first glance says who, stuck on, about and how fresh, in this order", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk);
  await page.streaming();
  const [who, on, about, fresh, ...rest] = await page.glance();
  assert.equal(who, "Who 515136153 Not verified");
  assert.match(on, /^Stuck on Payment for \d+ s Card declined, just now$/);
  assert.equal(about, "About Galaxy A10 Billing");
  assert.equal(fresh, "How fresh Live");
  assert.deepEqual(rest, []);
  await page.leave();
});

test("the first glance fits a side panel without scrolling, and nothing else is open", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk, { viewport: NARROW });
  const box = await page.page.locator(".glance").boundingBox();
  assert.ok(box.y + box.height <= NARROW.height, `the glance ends at ${box.y + box.height} px`);
  assert.equal(await page.page.locator("details[open]").count(), 0);
  assert.equal(await page.page.locator(".visit, details li").filter({ visible: true }).count(), 0);
  await page.leave();
});

test("steps, products, orders and place are one click away, repeats collapsed", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk);
  await page.streaming();
  await page.openAll();
  const steps = await page.steps();
  const looked = steps.filter((text) => text.startsWith("I looked at Galaxy A10"));
  assert.deepEqual(looked, ["I looked at Galaxy A10 ×3"], steps.join(" | "));
  const read = (id) => page.page.locator(id).innerText();
  assert.match(
    await read("#products"),
    /Galaxy A10\s+electronics › smartphone · samsung\s+130\.76\sEUR/,
  );
  assert.match(await read("#orders"), /A-20391\s+Shipped, just now\s+1,081\.98\sEUR/);
  assert.match(await read("#place"), /48\.86°\sN, 2\.35°\sE/);
  await page.leave();
});

test("a leased code whose call has not arrived says that the app did not confirm it", async () => {
  const phone = new Phone(collector);
  const { codes } = await phone.record(customer("77"), screen("home"));
  const { desk } = await collector.resolve({ code: code(codes[0].locator) });
  const page = await agent.open(desk);
  const [who, , , fresh] = await page.glance();
  assert.match(who, /Not confirmed by the app/);
  assert.match(fresh, /pending/);
  await page.screenshot("not-confirmed-360-light");
  await page.leave();
});

test("a call that shares only its screen says so, and shows nothing else", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("78"), view(PHONE), screen("checkout/delivery"));
  const token = await phone.call({ scope: "screen", customer: "78" });
  const { desk } = await collector.resolve({ token });
  const page = await agent.open(desk);
  const text = await page.page.locator("main").innerText();
  assert.match(text, /The customer chose to share only this screen\./);
  assert.match(text, /Delivery options/);
  assert.doesNotMatch(await page.page.content(), /Galaxy/);
  await page.screenshot("this-screen-only-360-light");
  await page.leave();
});

test("names that are markup, endless or right to left harm nothing", async () => {
  const phone = new Phone(collector);
  const id = "x".repeat(120);
  const markup = "<img src=x onerror=alert(1)>";
  const names = [markup, "Ultra ".repeat(40), "قميص قطني أزرق", "👩‍👩‍👧‍👦 🇫🇷"];
  const products = names.map((name, n) => ({ ...PHONE, id: `${n}`, name }));
  await phone.record(customer(id), ...products.map(view), screen("<b>checkout</b>"));
  const token = await phone.call({ topic: "</div><script>alert(2)</script>", customer: id });
  const { desk } = await collector.resolve({ token });
  const page = await agent.open(desk);
  await page.streaming();
  await page.openAll();
  await page.fitsItsWidth();
  // A page of 1280 px zoomed to 400 % (WCAG 2.2, 1.4.10).
  await page.page.setViewportSize({ width: 320, height: 256 });
  await page.fitsItsWidth();
  await page.page.setViewportSize(NARROW);
  assert.match(await page.page.locator("#products").innerText(), /<img src=x onerror/);
  assert.equal(await page.page.locator("main img, main script, main b:not(.times)").count(), 0);
  await page.screenshot("hostile-360-light");
  await page.leave();
});

for (const viewport of [NARROW, WIDE]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`at ${viewport.width} px in ${colorScheme} it fits, and axe finds nothing`, async () => {
      const { desk } = await declinedAtPayment();
      const page = await agent.open(desk, { viewport, colorScheme });
      await page.streaming();
      await page.fitsItsWidth();
      await page.isAccessible();
      await page.screenshot(`glance-${viewport.width}-${colorScheme}`);
      await page.openAll();
      await page.fitsItsWidth();
      await page.isAccessible();
      await page.page.setViewportSize({ ...viewport, height: 1400 });
      await page.screenshot(`open-${viewport.width}-${colorScheme}`);
      await page.leave();
    });
  }
}

test("in forced colours and with reduced motion it still reads", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk, { forcedColors: "active", reducedMotion: "reduce" });
  await page.streaming();
  await page.openAll();
  await page.isAccessible();
  const animations = await page.page.evaluate(() => document.getAnimations().length);
  assert.equal(animations, 0);
  await page.screenshot("forced-colours-360");
  await page.leave();
});

test("the keyboard alone opens and closes everything", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk);
  await page.streaming();
  const focused = () => page.page.evaluate(() => document.activeElement?.parentElement?.id);
  for (const id of ["steps", "products", "orders", "place"]) {
    await page.page.keyboard.press("Tab");
    assert.equal(await focused(), id);
    await page.page.keyboard.press("Enter");
    assert.ok(await page.page.locator(`#${id}`).evaluate((section) => section.open), `${id} opens`);
  }
  await page.page.keyboard.press("Space");
  assert.ok(!(await page.page.locator("#place").evaluate((section) => section.open)));
  await page.leave();
});

test("without JavaScript it shows everything once, and says that it stands still", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk, { javaScriptEnabled: false });
  assert.equal((await page.glance())[0], "Who 515136153 Not verified");
  assert.match(await page.page.locator("main").innerText(), /does not update by itself/);
  await page.leave();
});

test("the page is kept nowhere, framed nowhere, and its address is told to nobody", async () => {
  const { desk } = await declinedAtPayment();
  const page = await agent.open(desk);
  const headers = await page.answer.allHeaders();
  assert.match(headers["cache-control"], /no-store/);
  assert.equal(headers["referrer-policy"], "no-referrer");
  assert.match(headers["content-security-policy"], /default-src 'none'/);
  assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
  assert.doesNotMatch(headers["content-security-policy"], /unsafe/);
  assert.doesNotMatch(await page.page.title(), /515136153/);
  await page.leave();
});
