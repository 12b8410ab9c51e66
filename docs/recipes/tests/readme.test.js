// What the READMEs say is there: files, headings, settings.

import assert from "node:assert/strict";
import { readFile, readdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { before, test } from "node:test";

import { RECIPES } from "./support/centre.js";

const OURS = ["freeswitch", "twilio", "amazon-connect", "genesys-cloud"];

let readmes;

before(async () => {
  const folders = (await readdir(RECIPES, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && entry.name !== "tests");
  readmes = ["README.md", ...folders.map((folder) => join(folder.name, "README.md"))];
});

const read = (name) => readFile(join(RECIPES, name), "utf8");

async function files(folder) {
  const root = join(RECIPES, folder);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)));
}

// As a forge names a heading.
const anchor = (heading) => heading.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-");

const anchors = (text) => text.match(/^#+ .+$/gm).map((one) => anchor(one.replace(/^#+ /, "")));

test("every link of every README leads to a file, and to a heading of it", async () => {
  let links = 0;
  for (const readme of readmes) {
    // What stands in a code span is no link: Asterisk writes its templates like one.
    const text = (await read(readme)).replace(/`[^`\n]*`/g, (code) => code.replaceAll("](", "] ("));
    for (const [, target] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      links += 1;
      const [path, heading] = target.split("#");
      const file = path ? resolve(RECIPES, dirname(readme), path) : join(RECIPES, readme);
      assert.ok((await stat(file)).isFile(), `${readme}: ${target}`);
      if (heading) {
        assert.ok(anchors(await readFile(file, "utf8")).includes(heading), `${readme}: ${target}`);
      }
    }
  }
  assert.ok(links > 20, "links were found");
});

test("every file of a recipe is named in its README", async () => {
  for (const folder of OURS) {
    const text = await read(join(folder, "README.md"));
    for (const file of await files(folder)) {
      if (file === "README.md" || file.startsWith("node_modules")) continue;
      assert.ok(text.includes(`](${file})`), `${folder}/README.md does not name ${file}`);
    }
  }
});

test("every setting of a recipe is explained in its README, and is one", async () => {
  for (const folder of OURS) {
    const text = await read(join(folder, "README.md"));
    const sources = (await files(folder)).filter((file) => file !== "README.md");
    const code = (await Promise.all(sources.map((file) => read(join(folder, file))))).join("\n");
    const names = (from) => new Set(from.match(/\bJALON_[A-Z_]+\b/g));
    assert.deepEqual([...names(text)].sort(), [...names(code)].sort(), folder);
  }
  const vars = (await read("freeswitch/jalon-vars.xml")).matchAll(/data="(jalon_\w+)=/g);
  const text = await read("freeswitch/README.md");
  for (const [, name] of vars) assert.ok(text.includes(`| \`${name}\` |`), name);
});

test("every recipe says what was checked and what was not", async () => {
  for (const folder of OURS) {
    const text = await read(join(folder, "README.md"));
    for (const heading of [
      "What you need", "Limits and times", "What the agent sees", "Try it",
      "When something is off", "What was checked and what was not",
    ]) {
      assert.ok(text.includes(`\n## ${heading}\n`), `${folder}: ${heading}`);
    }
  }
});
