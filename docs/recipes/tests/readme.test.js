// What the papers say is there: links of every page of the repository; files, headings and settings of
// the recipes.

import assert from "node:assert/strict";
import { readFile, readdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";

import { RECIPES } from "./support/centre.js";

const OURS = ["freeswitch", "twilio", "amazon-connect", "genesys-cloud"];

const ROOT = join(RECIPES, "..", "..");

// Every Markdown file of the repository, but what builds and package managers put there.
async function pages(folder) {
  const found = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || ["target", "node_modules"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...await pages(path));
    else if (entry.name.endsWith(".md")) found.push(path);
  }
  return found;
}

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

test("every link of every page leads to a file, and to a heading of it", async () => {
  let links = 0;
  for (const page of await pages(ROOT)) {
    // What stands in code is no link: Asterisk writes its templates like one.
    const text = (await readFile(page, "utf8")).replace(/^```.*?^```$/gms, "").replace(/`[^`\n]*`/g, "``");
    for (const [, target] of text.matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      links += 1;
      const [path, heading] = target.split("#");
      const where = `${relative(ROOT, page)}: ${target}`;
      const file = path ? resolve(dirname(page), path) : page;
      const found = await stat(file).catch(() => assert.fail(where));
      assert.ok(found.isFile() || (found.isDirectory() && !heading), where);
      if (heading) assert.ok(anchors(await readFile(file, "utf8")).includes(heading), where);
    }
  }
  assert.ok(links > 60, "links were found");
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
