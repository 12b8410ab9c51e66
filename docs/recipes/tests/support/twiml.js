// Reads TwiML, and holds it to what Twilio's own library declares: elements, and their attributes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, dirname } from "node:path";
import { XMLParser, XMLValidator } from "fast-xml-parser";

const library = dirname(createRequire(import.meta.url).resolve("twilio"));
const types = await readFile(join(library, "lib", "twiml", "VoiceResponse.d.ts"), "utf8")
  .catch(() => readFile(join(library, "twiml", "VoiceResponse.d.ts"), "utf8"));

// Attributes by element, from the library's declarations.
function declared(element) {
  const body = types.match(new RegExp(`interface ${element}Attributes \\{(.*?)\\n {4}\\}`, "s"));
  return body && new Set([...body[1].matchAll(/^\s+"?([\w.]+)"?\?:/gm)].map((match) => match[1]));
}

const parser = new XMLParser({
  preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: "", parseAttributeValue: false,
  parseTagValue: false,
});

// The verbs of a response, in order: {name, attributes, text, children}.
export function parse(text) {
  assert.equal(XMLValidator.validate(text), true, text);
  const roots = parser.parse(text).filter((node) => !("?xml" in node));
  assert.deepEqual(roots.map((node) => Object.keys(node)[0]), ["Response"], text);
  return roots[0].Response.map(read);
}

function read(node) {
  const name = Object.keys(node).find((key) => key !== ":@");
  const attributes = node[":@"] ?? {};
  const known = declared(name);
  assert.ok(known, `${name} is an element of TwiML`);
  for (const key of Object.keys(attributes)) assert.ok(known.has(key), `${name} takes no ${key}`);
  const inside = node[name];
  const text = inside.filter((child) => "#text" in child).map((child) => child["#text"]).join("");
  return {
    name, attributes, text, children: inside.filter((child) => !("#text" in child)).map(read),
  };
}
