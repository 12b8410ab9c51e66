// The same two steps on a server of your own. Needs TWILIO_AUTH_TOKEN and PUBLIC_URL besides the
// settings of functions/jalon.private.js; PORT is 3000 if not given.

const { createServer } = require("node:http");
const { validateRequest } = require("twilio");
const jalon = require("./functions/jalon.private.js");

// Twilio's form is about 1 KiB; SIP headers may add some.
const BODY_BYTES_MAX = 64 * 1_024;
const STEPS = { "/answer": jalon.answer, "/code": jalon.code };

const { TWILIO_AUTH_TOKEN, PUBLIC_URL, PORT = "3000" } = process.env;
if (!TWILIO_AUTH_TOKEN || !PUBLIC_URL) throw new Error("set TWILIO_AUTH_TOKEN and PUBLIC_URL");
const settings = jalon.settings(process.env);

async function respond(request) {
  const url = new URL(request.url, PUBLIC_URL);
  const step = STEPS[url.pathname];
  if (!step || request.method !== "POST") return { status: 404 };
  const form = await body(request);
  if (form === undefined) return { status: 413 };
  const call = Object.fromEntries(new URLSearchParams(form));
  const signature = request.headers["x-twilio-signature"] ?? "";
  if (!validateRequest(TWILIO_AUTH_TOKEN, signature, url.href, call)) return { status: 403 };
  return { status: 200, text: (await step(call, settings)).toString() };
}

async function body(request) {
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

const server = createServer(async (request, response) => {
  const { status, text = "" } = await respond(request).catch((error) => {
    console.error(`jalon: ${error.name}`);
    return { status: 500 };
  });
  response.writeHead(status, { "content-type": "text/xml; charset=utf-8" }).end(text);
});
server.listen(Number(PORT), () => console.log(`listening on ${server.address().port}`));
