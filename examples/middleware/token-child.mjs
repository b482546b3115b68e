// @ts-check
// The same as token-plugin.mjs as a program for gor's protocol, without any dependency:
//   mirrorball --input-tcp :28020 --middleware "node token-child.mjs" --output-http http://staging:3000 --output-http-track-response
//
// A line is the hex of `KIND ID TIME LATENCY`, a line feed, and the message as on the wire. Kind 1 is a request, 2 its
// original response, 3 its replayed response. What is not printed is dropped, so everything is printed.
import { createInterface } from "node:readline";

/** Exchanges and tokens remembered; the oldest go first. */
const REMEMBERED_MAX = 100_000;
/** Both answers to a request for a token, by id. @type {Map<string, { original?: string, replayed?: string }>} */
const exchanges = new Map();
/** Production's token to staging's. @type {Map<string, string>} */
const aliases = new Map();

/** @param {string} kind @param {string} id @param {string} http @returns {string} */
function change(kind, id, http) {
  if (kind === "1") {
    if (/^GET \/token\b/.test(http)) remember(exchanges, id, {});
    // Only the request line is looked at: a body that happens to have such words stays as it is.
    const lineEnd = http.indexOf("\r\n");
    const line = http.slice(0, lineEnd).replace(/([?&]token=)([^& ]*)/, (all, name, token) => {
      const alias = aliases.get(token);
      return alias === undefined ? all : `${name}${alias}`;
    });
    return line + http.slice(lineEnd);
  }
  const exchange = exchanges.get(id);
  if (exchange === undefined) return http;
  exchange[kind === "2" ? "original" : "replayed"] = http.slice(http.indexOf("\r\n\r\n") + 4);
  if (exchange.original !== undefined && exchange.replayed !== undefined) {
    remember(aliases, exchange.original, exchange.replayed);
    exchanges.delete(id);
  }
  return http;
}

/** @template T @param {Map<string, T>} map @param {string} key @param {T} value */
function remember(map, key, value) {
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= REMEMBERED_MAX) break;
    map.delete(oldest);
  }
}

createInterface({ input: process.stdin }).on("line", (hex) => {
  // latin1 gives every byte one character, so that bodies survive.
  const record = Buffer.from(hex, "hex").toString("latin1");
  const metaEnd = record.indexOf("\n");
  const meta = record.slice(0, metaEnd);
  const [kind = "", id = ""] = meta.split(" ");
  const changed = change(kind, id, record.slice(metaEnd + 1));
  process.stdout.write(`${Buffer.from(`${meta}\n${changed}`, "latin1").toString("hex")}\n`);
});
