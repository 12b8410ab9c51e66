// What every recipe is tried against: a collector that runs, a customer with a leased code, and a
// collector that is down or does not answer.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Collector } from "../../../../collector/tests/browser/support/collector.js";
import {
  Phone, code, customer, failure, screen,
} from "../../../../collector/tests/browser/support/phone.js";

export { Collector };

export const CUSTOMER = "515136153";
export const CALLER = "+33612345678";
// A right check digit, and nobody's.
export const NOBODY = code("412907384");
export const RECIPES = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

// Without digits, so that no digit in a log is one of these.
export const callId = () => `call-${randomUUID().replace(/\d/g, (digit) => "ghijklmnop"[digit])}`;

// Thirteen digits that lead to a customer who failed to pay, as the phone would dial them.
export async function leasedCode(collector) {
  const phone = new Phone(collector);
  const { codes } = await phone.record(
    customer(CUSTOMER), screen("checkout/payment"), failure("card_declined", "checkout/payment"),
  );
  return code(codes[0].locator);
}

// A call that a SIP client placed: its token, in the form of the header User-to-User too.
export async function sipCall(collector) {
  const phone = new Phone(collector);
  await phone.record(customer(CUSTOMER), screen("checkout/payment"));
  const token = await phone.call({ customer: CUSTOMER });
  const hex = Buffer.from(token, "ascii").toString("hex");
  return { token, uui: `00${hex};encoding=hex;purpose=isdn-uui;content=isdn-uui` };
}

export function mistyped(digits) {
  return digits.slice(0, -1) + ((Number(digits.at(-1)) + 1) % 10);
}

// The page behind a desk link, as an agent's browser gets it.
async function page(link) {
  const answer = await fetch(link);
  assert.equal(answer.status, 200, `${answer.status} for a desk link`);
  return answer.text();
}

export async function showsTheCustomer(link) {
  assert.ok(link, "there is a desk link");
  assert.ok((await page(link)).includes(CUSTOMER), "the desk shows the customer");
}

// What a miss brings: the page where the agent types the code that the customer reads aloud.
export async function takesTheCode(link) {
  assert.ok(link, "there is a desk link");
  assert.match(await page(link), /Nothing is known of this call/);
}

// A test for each way in which a collector fails: it is down, does not answer, or something else
// answers in its place.
export function failing(what, check) {
  const respond = (status, text) => (request, response) => {
    response.writeHead(status, { "content-type": "text/html" }).end(text);
  };
  for (const [how, listener] of [
    ["down", null],
    ["silent", () => {}],
    ["behind a proxy that says 502", respond(502, "<html>Bad gateway</html>")],
    ["behind a portal that says 200", respond(200, "<html>Sign in</html>")],
    ["cut off", respond(200, '{"desk":"https://calls.exa')],
    ["not ours", respond(200, "null")],
  ]) {
    test(`a collector that is ${how} ${what}`, async () => {
      const server = createServer(listener ?? (() => {}));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const origin = `http://127.0.0.1:${server.address().port}`;
      if (!listener) server.close();
      try {
        await check(origin);
      } finally {
        server.closeAllConnections();
        server.close();
      }
    });
  }
}

// Runs the work to its end, within this time.
export async function within(patienceMs, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${patienceMs} ms`)), patienceMs);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}
