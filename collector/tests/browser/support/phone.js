// A phone as the collector sees it: an installation with its own order, that sends batches and
// calls in the wire's form. What the SDK does between tap and socket is tested in Rust.

import { randomBytes } from "node:crypto";
import { APP } from "./collector.js";

// H. M. Damm's quasigroup, as in src/call.rs.
const DAMM = [
  "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
  "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
];

export const PHONE = {
  id: "1004856", name: "Galaxy A10", category: "electronics.smartphone", brand: "samsung",
  price: { minor: 13076, currency: "EUR" },
};
export const CASE = {
  id: "9100213", name: "Silicone case, black", category: "accessories.case", brand: "samsung",
  price: { minor: 1490, currency: "EUR" },
};

export const screen = (name, more = {}) => ({ type: "screen_view", screen: name, ...more });
export const view = (product) => ({ type: "product_view", screen: "product/{id}", product });
export const cart = (product) => ({ type: "cart_change", screen: "cart", product, delta: 1 });
export const order = (id, status, minor) => ({
  type: "order", screen: "order/{id}", order: { id, status, total: { minor, currency: "EUR" } },
});
export const failure = (code, name) => ({
  type: "failure", screen: name, failure: { code, screen: name },
});
export const customer = (id, proof = null) => ({ type: "customer", customer: { id, proof } });
export const location = (latitude, longitude) => ({
  type: "location", location: { latitude, longitude },
});

export class Phone {
  #collector;
  #next = 1;
  installation = randomBytes(16).toString("hex");

  constructor(collector) {
    this.#collector = collector;
  }

  // Gives each event its place and its time, without sending it: the last is now, each before it
  // a second earlier.
  hold(events) {
    const now = Date.now();
    return events.map((event, place) => ({
      seq: this.#next++, at: now - (events.length - 1 - place) * 1_000, session: 1, ...event,
    }));
  }

  async send(stamped, oldest) {
    return this.#collector.post("/v1/batches", this.#collector.writeKey, {
      ...this.#header(oldest ?? stamped[0]?.seq), events: stamped,
    });
  }

  async record(...events) {
    return this.send(this.hold(events));
  }

  // The tap: the call and the snapshot that overtakes the backlog. Answers with the token.
  async call({ topic = null, scope = "everything", customer: id = null, ...held } = {}) {
    const { snapshot = [], oldest } = held;
    const token = randomBytes(16).toString("base64url");
    const seq = this.#next++;
    await this.#collector.post("/v1/calls", this.#collector.writeKey, {
      ...this.#header(oldest ?? snapshot[0]?.seq ?? seq),
      call: { seq, token, code: null, tapped_at: Date.now(), scope, topic },
      customer: id === null ? null : { id, proof: null },
      events: snapshot,
    });
    return token;
  }

  async erase() {
    const answer = await fetch(`${this.#collector.origin}/v1/installations/${this.installation}`, {
      method: "DELETE", headers: { authorization: `Bearer ${this.#collector.writeKey}` },
    });
    if (answer.status !== 204) throw new Error(`erase: ${answer.status} ${await answer.text()}`);
  }

  #header(oldest) {
    return {
      sdk: "jalon-test/0.1.0", installation: this.installation, epoch: 1, sent_at: Date.now(),
      oldest: oldest ?? this.#next, next: this.#next, dropped: {}, codes_left: 0,
      app: { id: APP, version: "8.2.0", os: "Android 15", device: "Pixel 8", locale: "fr-FR" },
    };
  }
}

// The 13 digits of a leased locator and a screen's number (0: none), as the customer's phone would
// dial them.
export function code(locator, screen = 0) {
  const digits = `${locator}${String(screen).padStart(3, "0")}`;
  const check = [...digits].reduce((interim, digit) => DAMM[interim][digit], 0);
  return digits + check;
}
