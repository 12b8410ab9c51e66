// A collector of its own for each test file, in a temporary folder, and the contact centre's side
// of it: who resolves a call and gets the desk link.

import { execFile, spawn } from "node:child_process";
import { access, constants, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

export const APP = "com.example.shop";

const CONFIG = `[apps."${APP}"]\nscreens = "screens.toml"\n`;
const SCREENS = Object.entries({
  "home": "Home", "product/{id}": "Product page", "cart": "Cart",
  "checkout/delivery": "Delivery options", "checkout/payment": "Payment",
}).map(([name, label]) => `[[screen]]\nname = "${name}"\nlabel = "${label}"\n`).join("");

export class Collector {
  #binary;
  #folder;
  #process;

  static async start() {
    const collector = new Collector();
    collector.#binary = process.env.JALON_COLLECTOR_BIN;
    if (!collector.#binary) {
      throw new Error("JALON_COLLECTOR_BIN must name the collector's binary");
    }
    await access(collector.#binary, constants.X_OK);
    collector.#folder = await mkdtemp(join(tmpdir(), "jalon-desk-"));
    await writeFile(collector.#config, CONFIG);
    await writeFile(join(collector.#folder, "screens.toml"), SCREENS);
    collector.writeKey = await collector.#key("write");
    collector.contactCentreKey = await collector.#key("contact-centre");
    await collector.serve("127.0.0.1:0");
    return collector;
  }

  // Serves, or serves again on the same port with the same data.
  async serve(listen = new URL(this.origin).host) {
    const args = ["serve", "--listen", listen, "--data", this.#data, "--config", this.#config];
    this.#process = spawn(this.#binary, args, { stdio: ["ignore", "pipe", "pipe"] });
    let told = "";
    this.#process.stderr.on("data", (text) => { told += text; });
    const lines = createInterface({ input: this.#process.stdout });
    const address = new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const match = line.match(/listening on (http:\/\/\S+)/);
        if (match) resolve(match[1]);
      });
      this.#process.once("exit", (code) => reject(new Error(`collector ended (${code}): ${told}`)));
    });
    this.origin = await address;
  }

  async kill() {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
  }

  async stop() {
    await this.kill();
    await rm(this.#folder, { recursive: true });
  }

  async post(path, key, body) {
    const answer = await fetch(this.origin + path, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  // Takes the key that an app's backend signs proofs with.
  async addIdentityKey(secret) {
    const file = join(this.#folder, "identity-key");
    await writeFile(file, secret);
    const args = ["identity-key", "add", "--data", this.#data, "--app", APP];
    await run(this.#binary, [...args, "--algorithm", "hs256", "--key", file]);
  }

  // The same where nothing is found: the page that the agent gets all the same.
  async missed(what, more = {}) {
    const answer = await fetch(`${this.origin}/v1/contexts/resolve`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.contactCentreKey}` },
      body: JSON.stringify({ ...what, call_id: crypto.randomUUID(), agent: "agent-7", ...more }),
    });
    if (answer.ok) throw new Error("it was found");
    return new URL((await answer.json()).desk, this.origin).href;
  }

  // What the contact-centre platform does when the call rings: `what` is {token} or {code}.
  async resolve(what) {
    const question = { ...what, call_id: crypto.randomUUID(), agent: "agent-7" };
    const context = await this.post("/v1/contexts/resolve", this.contactCentreKey, question);
    return { ...context, desk: new URL(context.desk, this.origin).href };
  }

  async #key(kind) {
    const args = ["key", "create", "--data", this.#data, "--kind", kind, "--app", APP];
    const { stdout } = await run(this.#binary, args);
    return stdout.trim().split(/\s+/).at(-1);
  }

  get #config() {
    return join(this.#folder, "collector.toml");
  }

  get #data() {
    return join(this.#folder, "data");
  }
}
