// An agent's browser, and what must hold on every page it opens: no script error, no breach of the
// content security policy, no request to anywhere else, no cookie.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.JALON_CHROMIUM ?? "/usr/bin/chromium";
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const PATIENCE_MS = 15_000;

export const NARROW = { width: 360, height: 640 };
export const WIDE = { width: 1280, height: 800 };

export class Agent {
  #browser;

  static async start() {
    const agent = new Agent();
    agent.#browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
    return agent;
  }

  async stop() {
    await this.#browser.close();
  }

  // Opens a page in a fresh profile. Close the answer with `leave`, which says what was wrong.
  // `setTime` lets the test turn the page's clock.
  async open(url, { viewport = NARROW, colorScheme = "light", setTime = false, ...more } = {}) {
    const profile = await this.#browser.newContext({ viewport, colorScheme, ...more });
    profile.setDefaultTimeout(PATIENCE_MS);
    const page = await profile.newPage();
    if (setTime) await page.clock.install();
    const wrong = [];
    const origin = new URL(url).origin;
    page.on("pageerror", (error) => wrong.push(`script error: ${error.message}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) wrong.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (new URL(request.url()).origin !== origin) wrong.push(`request to ${request.url()}`);
    });
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    const answer = await page.goto(url);
    return new Desk(page, answer, wrong);
  }
}

export class Desk {
  constructor(page, answer, wrong) {
    this.page = page;
    this.answer = answer;
    this.wrong = wrong;
  }

  // `expected` names by pattern what the test itself provoked.
  async leave({ expected } = {}) {
    const cookies = await this.page.context().cookies();
    await this.page.context().close();
    assert.deepEqual(cookies, [], "the desk sets no cookie");
    assert.deepEqual(this.wrong.filter((text) => !expected?.test(text)), [], "the page is clean");
  }

  streaming() {
    return this.page.waitForSelector("html[data-stream=open]");
  }

  // Waits until the element's text holds `text`.
  async says(selector, text) {
    try {
      await this.page.locator(selector, { hasText: text }).first().waitFor({ state: "attached" });
    } catch (cause) {
      const now = await this.page.locator(selector).allInnerTexts();
      throw new Error(`${selector} never said ${text}, but: ${now.join(" | ")}`, { cause });
    }
  }

  // The words of the first glance, one string an answer.
  async glance() {
    const answers = await this.page.locator(".glance > div").allInnerTexts();
    return answers.map((text) => text.replace(/\s+/g, " ").trim());
  }

  steps() {
    return this.page.locator("#steps > .body > .visit li .text").allInnerTexts();
  }

  async openAll() {
    for (const id of ["steps", "products", "orders", "place", "earlier"]) {
      const summary = this.page.locator(`#${id}:not([open]) > summary`);
      if (await summary.count()) await summary.click();
    }
  }

  async fitsItsWidth() {
    const { page, screen } = await this.page.evaluate(() => ({
      page: document.documentElement.scrollWidth, screen: window.innerWidth,
    }));
    assert.ok(page <= screen, `${page} px of content on a screen of ${screen} px`);
  }

  // The page's content as the collector last said it: without what is the agent's own (what is
  // open), what only shows for a moment, and what the clock changes.
  content() {
    return this.page.locator("#context").evaluate((context) => {
      const copy = context.cloneNode(true);
      for (const element of [copy, ...copy.querySelectorAll("*")]) {
        for (const name of ["open", "data-new", "data-now", "data-live-until"]) {
          element.removeAttribute(name);
        }
        if (element.localName === "time") element.textContent = "";
      }
      return copy.outerHTML.replace(/\s+/g, " ").replaceAll("> <", "><");
    });
  }

  // Stricter than the promise, which is "nothing serious or critical".
  async isAccessible() {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => window.axe.run());
    const found = violations.map(({ id, impact, nodes }) => {
      return `${impact}: ${id} at ${nodes.map((node) => node.target).join(", ")}`;
    });
    assert.deepEqual(found, [], "axe-core finds nothing");
  }

  async screenshot(name) {
    const folder = process.env.JALON_SCREENSHOTS;
    if (!folder) return;
    await mkdir(folder, { recursive: true });
    // The flash of what is new would tint the picture.
    await this.page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
  }
}
