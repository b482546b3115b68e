// @ts-check
// Takes what belongs to people out of the traffic before anything is stored or replayed:
//   mirrorball --input-tcp :28020 --middleware ./mask-plugin.mjs --middleware-on-error drop --output-file masked.gor
//
// The same value gets the same pseudonym within a run, so that sessions still fit together, and nobody can tell the value from
// it. On an error a message is better lost than shown, hence `drop`. Compressed bodies: add --prettify-http, or they go.
import { createHmac, randomBytes } from "node:crypto";
import { definePlugin } from "@mirrorball/server/plugin";

const key = randomBytes(32);
const SECRET_HEADERS = ["authorization", "cookie", "set-cookie", "x-api-key"];
const SECRET_FIELDS = new Set(["password", "token", "email", "phone", "card", "ssn"]);
const EMAIL = /[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+/gi;
const CARD = /\b\d(?:[ -]?\d){12,18}\b/g;

/** @param {string} value */
function pseudonym(value) {
  return createHmac("sha256", key).update(value).digest("hex").slice(0, 16);
}

/** @param {string} text */
function maskText(text) {
  return text
    .replace(EMAIL, (found) => `${pseudonym(found)}@masked.invalid`)
    .replace(CARD, (found) => `card-${pseudonym(found.replace(/\D/g, ""))}`);
}

/** @param {unknown} value @param {string} name @returns {unknown} */
function maskJson(value, name = "") {
  if (SECRET_FIELDS.has(name.toLowerCase())) return `masked-${pseudonym(JSON.stringify(value))}`;
  if (typeof value === "string") return maskText(value);
  if (typeof value === "number" && new RegExp(CARD).test(String(value))) return 0;
  if (Array.isArray(value)) return value.map((item) => maskJson(item, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, maskJson(v, k)]));
}

/** @param {string} text */
function maskForm(text) {
  const form = new URLSearchParams(text);
  for (const [name, value] of Array.from(form)) form.set(name, String(maskJson(value, name)));
  return form.toString();
}

/** @param {import("@mirrorball/server/plugin").PluginMessage} message */
function mask(message) {
  if (message.malformed) return false;
  for (const name of SECRET_HEADERS) {
    const value = message.header(name);
    if (value === undefined) continue;
    // Several fields of one name become one: `setHeader` alone would change the first and leave the others.
    message.deleteHeader(name);
    message.setHeader(name, `masked-${pseudonym(value)}`);
  }
  if (message.body.length === 0) return undefined;
  const type = message.header("content-type") ?? "";
  if (message.header("content-encoding") !== undefined) {
    message.setBody("");
  } else if (type.includes("json")) {
    message.setBody(JSON.stringify(maskJson(JSON.parse(message.text))));
  } else if (type.includes("form-urlencoded")) {
    message.setBody(maskForm(message.text));
  } else if (type.startsWith("text/")) {
    message.setBody(maskText(message.text));
  } else {
    // What cannot be looked into does not leave.
    message.setBody("");
  }
  return undefined;
}

export const plugin = definePlugin({
  onRequest(request) {
    for (const name of SECRET_FIELDS) {
      const value = request.param(name);
      if (value !== undefined) request.setParam(name, `masked-${pseudonym(value)}`);
    }
    request.target = maskText(request.target);
    return mask(request);
  },
  onResponse: mask,
  onReplay: mask,
});
