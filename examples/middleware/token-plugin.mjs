// @ts-check
// Replays sessions against a service that makes tokens of its own: what production gave out is replaced by what staging
// gave out for the same request. As a plugin:
//   mirrorball --input-tcp :28020 --middleware ./token-plugin.mjs --output-http http://staging:3000 --output-http-track-response
import { definePlugin } from "@mirrorball/server/plugin";

/** Tokens remembered; the oldest go first. */
const ALIASES_MAX = 100_000;
/** Production's token to staging's. @type {Map<string, string>} */
const aliases = new Map();

/** @type {import("@mirrorball/server/plugin").Plugin<{ wantsToken: boolean, original: string, replayed: string }>} */
const handlers = {
  onRequest(request, { exchange }) {
    exchange.wantsToken = request.target.startsWith("/token");
    const alias = aliases.get(request.param("token") ?? "");
    if (alias !== undefined) request.setParam("token", alias);
  },
  onResponse(response, { exchange }) {
    if (exchange.wantsToken !== true) return;
    exchange.original = response.text;
    learn(exchange);
  },
  onReplay(response, { exchange }) {
    if (exchange.wantsToken !== true) return;
    exchange.replayed = response.text;
    learn(exchange);
  },
};

/** Either answer may come first. @param {{ original?: string, replayed?: string }} exchange */
function learn({ original, replayed }) {
  if (original === undefined || replayed === undefined) return;
  aliases.set(original, replayed);
  for (const oldest of aliases.keys()) {
    if (aliases.size <= ALIASES_MAX) break;
    aliases.delete(oldest);
  }
}

export const plugin = definePlugin(handlers);
