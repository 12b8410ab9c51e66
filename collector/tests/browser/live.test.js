// The desk while an agent looks at it: what arrives, what stays in their hands, how it ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CASE, PHONE, Phone, customer, failure, screen, view } from "./support/phone.js";
import { agent, collector } from "./support/stage.js";

// Forty different products, more than one click shows.
const many = [...Array(40).keys()].map((n) => view({ ...CASE, id: `c${n}`, name: `Case ${n}` }));

async function calling() {
  const phone = new Phone(collector);
  await phone.record(customer("515136153"), screen("home"), screen("product/{id}"), view(PHONE));
  const token = await phone.call({ topic: "billing", customer: "515136153" });
  const { desk } = await collector.resolve({ token });
  const page = await agent.open(desk);
  await page.streaming();
  return { phone, page, desk };
}

test("what happens next appears without a reload, and repeats are counted up", async () => {
  const { phone, page } = await calling();
  await page.openAll();
  await page.page.evaluate(() => { window.sameDocument = true; });
  await phone.record(screen("product/{id}"), view(PHONE));
  await page.says("#steps li", "Galaxy A10 ×2");
  await phone.record(view(CASE));
  await page.says("#steps li", "Silicone case, black");
  await page.says(".about", "Silicone case, black");
  await phone.record(screen("checkout/payment"), failure("card_declined", "checkout/payment"));
  await page.says(".on .failure", "Card declined");
  assert.match((await page.steps())[0], /card.declined/i);
  assert.ok(await page.page.evaluate(() => window.sameDocument));
  await page.leave();
});

test("after any number of updates the page is what a fresh one would be", async () => {
  const { phone, page, desk } = await calling();
  await page.openAll();
  await phone.record(view(CASE), failure("sold_out", "cart"), screen("cart"), screen("cart"));
  await page.says("#steps li", "Cart ×2");
  await phone.record(...many);
  await page.says("#steps li", "Case 39");
  await phone.record(view({ ...CASE, id: "c7", name: "Case 7" }), view(PHONE), screen("help"));
  await page.says("#steps li", "I opened help");
  const fresh = await agent.open(desk);
  await fresh.streaming();
  assert.equal(await page.content(), await fresh.content());
  await fresh.leave();
  await page.leave();
});

test("an open page ages truthfully, by the collector's clock", async () => {
  const { page: first, desk } = await calling();
  await first.leave();
  const page = await agent.open(desk, { setTime: true });
  await page.streaming();
  assert.match((await page.glance())[3], /Live$/);
  // The next picture from the collector would set the clock right again, so each text is kept.
  await page.page.evaluate(() => {
    window.said = [];
    const keep = () => window.said.push(document.querySelector("main").innerText);
    new MutationObserver(keep).observe(document.querySelector("main"), {
      subtree: true, childList: true, characterData: true, attributes: true,
    });
  });
  await page.page.clock.fastForward("03:00");
  await page.page.waitForFunction(() => window.said.length > 0);
  const said = await page.page.evaluate(() => window.said[0]);
  assert.match(said, /Synced 3\smin ago/);
  assert.match(said, /tapped to call 3\smin ago/);
  assert.doesNotMatch(said, /Live/);
  await page.leave();
});

test("an update takes neither focus, nor open sections, nor the place in the page", async () => {
  const { phone, page } = await calling();
  await phone.record(...many);
  await page.says("#steps li", "Case 39");
  await page.openAll();
  await page.page.locator("#products > summary").focus();
  const before = await page.page.evaluate(() => {
    document.activeElement.marked = true;
    document.activeElement.scrollIntoView({ block: "center" });
    return {
      open: document.querySelectorAll("details[open]").length,
      top: document.querySelector("#products").getBoundingClientRect().top,
    };
  });
  const more = view({ ...CASE, id: "new", name: "One more case" });
  await phone.record(more, failure("sold_out", "cart"));
  await page.says("#steps li", "One more case");
  const now = await page.page.evaluate(() => ({
    open: document.querySelectorAll("details[open]").length,
    top: document.querySelector("#products").getBoundingClientRect().top,
    kept: document.activeElement.marked === true,
    scrolled: scrollY > 0,
  }));
  assert.ok(now.kept, "the focused element is the same element, and still focused");
  assert.equal(now.open, before.open);
  assert.ok(now.scrolled);
  const moved = Math.abs(now.top - before.top);
  assert.ok(moved < 2, `what the agent reads moved by ${moved} px`);
  await page.leave();
});

test("what a screen reader hears of an update is one short line", async () => {
  const { phone, page } = await calling();
  assert.equal(await page.page.locator("#news").innerText(), "");
  await phone.record(view(CASE));
  await page.says("#news", "Silicone case, black");
  const news = await page.page.locator("#news").innerText();
  assert.ok(news.length < 80, news);
  assert.equal(await page.page.locator("#news").getAttribute("role"), "status");
  await page.leave();
});

test("a backlog that is still on the phone is pending, until it arrives", async () => {
  const phone = new Phone(collector);
  await phone.record(customer("80"), screen("home"));
  const backlog = phone.hold([view(PHONE), view(CASE), view(PHONE)]);
  const snapshot = phone.hold([screen("checkout/payment")]);
  const token = await phone.call({ customer: "80", snapshot, oldest: backlog[0].seq });
  const { desk } = await collector.resolve({ token });
  const page = await agent.open(desk);
  await page.streaming();
  await page.says(".on", "Payment");
  await page.says(".fresh", /3\snewer steps pending/);
  await phone.send(backlog);
  await page.says(".fresh", "Live");
  assert.doesNotMatch((await page.glance())[3], /pending/);
  // What arrived late stands where it happened: the screen is still the last.
  await page.says(".on", "Payment");
  await page.leave();
});

test("a lost connection is said, and ends by itself", async () => {
  const { phone, page } = await calling();
  await collector.kill();
  await page.says("#connection", "Connection lost, retrying");
  await page.says(".fresh", "Synced just now");
  await page.isAccessible();
  await page.screenshot("connection-lost-360-light");
  await collector.serve();
  await page.streaming();
  await page.page.waitForFunction(() => document.getElementById("connection").textContent === "");
  await phone.record(view(CASE));
  await page.says(".about", "Silicone case, black");
  await page.leave({ expected: /ERR_|net::/ });
});

test("an erase empties the open page and says so", async () => {
  const { phone, page, desk } = await calling();
  await page.openAll();
  await phone.erase();
  await page.says("h1", "The customer erased their data");
  const content = await page.page.content();
  assert.doesNotMatch(content, /515136153|Galaxy|billing/i);
  await page.isAccessible();
  await page.screenshot("erased-360-light");
  await page.leave();
  const again = await agent.open(desk);
  assert.ok(again.answer.status() >= 400);
  assert.doesNotMatch(await again.page.content(), /515136153|Galaxy/);
  await again.leave({ expected: /Failed to load resource/ });
});

test("a link whose time is over while the page is open says so, and empties it", async () => {
  const { page } = await calling();
  await page.page.route(/\/live/, (route) => route.fulfill({ status: 403, body: "" }));
  await collector.kill();
  await page.says("h1", "This link has expired");
  assert.doesNotMatch(await page.page.content(), /515136153|Galaxy/);
  await page.leave({ expected: /ERR_|net::|Failed to load resource|MIME/ });
  await collector.serve();
});

test("a link that was changed shows a plain page that says what to do", async () => {
  const { page, desk } = await calling();
  await page.leave();
  const cut = new URL(desk);
  const at = cut.pathname.length - 8;
  const other = cut.pathname[at] === "A" ? "B" : "A";
  cut.pathname = cut.pathname.slice(0, at) + other + cut.pathname.slice(at + 1);
  const plain = await agent.open(cut.href);
  assert.ok(plain.answer.status() >= 400 && plain.answer.status() < 500);
  await plain.says("h1", "This link is not valid");
  await plain.says("p", "Open the call again in your contact-centre platform");
  await plain.fitsItsWidth();
  await plain.isAccessible();
  await plain.screenshot("not-valid-360-light");
  await plain.leave({ expected: /Failed to load resource/ });
});
