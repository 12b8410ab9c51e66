// A call of which nothing is known: the agent types the code that the customer reads aloud.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NARROW, WIDE } from "./support/agent.js";
import { Phone, code, customer, screen } from "./support/phone.js";
import { agent, collector } from "./support/stage.js";

// A phone with a code to read aloud, and the page of a call that came without it.
async function readAloud() {
  const phone = new Phone(collector);
  const { codes } = await phone.record(customer("515136153"), screen("cart"));
  return { digits: code(codes[0].locator, 5), desk: await collector.missed({}) };
}

const SAYS = "#says";

test("it says that nothing is known, and waits for the code with the keyboard in the field", async () => {
  const { desk } = await readAloud();
  for (const viewport of [NARROW, WIDE]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await agent.open(desk, { viewport, colorScheme });
      assert.equal(await page.page.locator("h1").innerText(), "Nothing is known of this call yet");
      assert.equal(await page.page.evaluate(() => document.activeElement.id), "code");
      await page.fitsItsWidth();
      await page.isAccessible();
      await page.screenshot(`nothing-known-${viewport.width}-${colorScheme}`);
      await page.leave();
    }
  }
});

test("a slip is told as it is typed, before anything is sent", async () => {
  const { digits, desk } = await readAloud();
  const page = await agent.open(desk);
  const field = page.page.locator("#code");
  const asked = [];
  page.page.on("request", (request) => {
    if (!request.url().includes("/desk/assets/")) asked.push(request.url());
  });
  await field.pressSequentially(digits.slice(0, 9));
  await page.says(SAYS, "9 of 13 digits");
  const slip = digits.slice(9, 12) + (Number(digits[12]) + 1) % 10;
  await field.pressSequentially(` ${slip}`);
  await page.says(SAYS, "A digit is wrong: ask for the code again.");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await page.isAccessible();
  await page.screenshot("entry-slip");
  await field.press("Enter");
  await field.pressSequentially("7");
  await page.says(SAYS, "14 digits: a code has 13.");
  await field.fill(`${digits.slice(0, 12)}O`);
  await page.says(SAYS, "A code has digits only.");
  await field.fill(digits);
  await page.says(SAYS, "The digits fit together.");
  assert.equal(await field.getAttribute("aria-invalid"), "false");
  assert.deepEqual(asked, [], "nothing was sent meanwhile");
  await page.leave();
});

test("every wrong last digit and every swap of neighbours is told", async () => {
  const { digits, desk } = await readAloud();
  const page = await agent.open(desk);
  const slips = [];
  for (let at = 0; at < 13; at++) {
    for (let digit = 0; digit < 10; digit++) {
      slips.push(digits.slice(0, at) + digit + digits.slice(at + 1));
    }
    if (at) slips.push(digits.slice(0, at - 1) + digits[at] + digits[at - 1] + digits.slice(at + 1));
  }
  const states = await page.page.locator("#code").evaluate((field, texts) => texts.map((text) => {
    field.value = text;
    field.dispatchEvent(new Event("input"));
    return document.getElementById("says").className;
  }), slips);
  const wrong = slips.map((slip) => (slip === digits ? "right" : "wrong"));
  assert.deepEqual(states, wrong);
  await page.leave();
});

test("the right code opens the call's own page", async () => {
  const { digits, desk } = await readAloud();
  const page = await agent.open(desk);
  const groups = [0, 3, 6, 9, 12].map((at) => digits.slice(at, at + 3)).join(" ");
  await page.page.locator("#code").fill(groups);
  await page.page.locator("#code").press("Enter");
  await page.streaming();
  const [who, on] = await page.glance();
  assert.match(who, /^Who 515136153 Not verified Not confirmed by the app$/);
  assert.match(on, /^Stuck on Payment/);
  await page.leave();
});

test("a code that opens nothing says so, and keeps what was typed", async () => {
  const page = await agent.open(await collector.missed({}));
  const field = page.page.locator("#code");
  const unknown = code("412907384");
  await field.fill(unknown);
  await page.page.getByRole("button", { name: "Open" }).click();
  await page.says(SAYS, "No call can be opened with this code");
  assert.equal(await field.inputValue(), unknown);
  await page.isAccessible();
  await page.screenshot("entry-not-found");
  await page.page.keyboard.type("4129");
  await page.says(SAYS, "4 of 13 digits");
  assert.equal(await field.inputValue(), "4129", "typed over the last one");
  await page.leave({ expected: /404/ });
});

test("without JavaScript the collector catches the slip", async () => {
  const { digits, desk } = await readAloud();
  const page = await agent.open(desk, { javaScriptEnabled: false });
  await page.page.locator("#code").fill(digits.slice(0, 12));
  await page.page.getByRole("button", { name: "Open" }).click();
  await page.says(SAYS, "That is no code");
  await page.page.locator("#code").fill(digits);
  await page.page.getByRole("button", { name: "Open" }).click();
  assert.match((await page.glance())[0], /515136153/);
  await page.leave({ expected: /422/ });
});
