/** `a=1&b=2`: queries and URL-encoded forms. Names and values are compared decoded; what is not replaced keeps its spelling. */
import { unescape } from "node:querystring";
import type { Names } from "./names.ts";
import type { Patterns } from "./patterns.ts";
import type { Replacer } from "./replacer.ts";

export interface ValueRules {
  readonly names: Names;
  readonly patterns: Patterns;
  readonly replacer: Replacer;
}

/** The same string when there is nothing to replace. */
export function redactPairs(text: string, rules: ValueRules): string {
  // Some servers take `;` for `&`. The separators are kept: they stand at odd places.
  const pieces = text.split(/([&;])/);
  let changed = false;
  for (let i = 0; i < pieces.length; i += 2) {
    const pair = pieces[i] ?? "";
    const redacted = redactPair(pair, rules);
    if (redacted === pair) continue;
    pieces[i] = redacted;
    changed = true;
  }
  return changed ? pieces.join("") : text;
}

function redactPair(pair: string, { names, patterns, replacer }: ValueRules): string {
  const equals = pair.indexOf("=");
  const name = equals < 0 ? pair : pair.slice(0, equals);
  const as = equals < 0 ? undefined : names.findParameter(decoded(name));
  const value = pair.slice(equals + 1);
  if (as !== undefined)
    return `${name}=${encodeURIComponent(replacer.replace(decoded(value), as))}`;
  const safeName = equals < 0 ? "" : `${redactEncoded(name, patterns)}=`;
  return safeName + redactEncoded(value, patterns);
}

/** By pattern, in what the text says decoded. */
export function redactEncoded(text: string, patterns: Patterns): string {
  if (patterns.empty) return text;
  const plain = decoded(text);
  const redacted = patterns.apply(plain);
  if (redacted !== plain) return encodeURIComponent(redacted);
  return plain === text ? text : patterns.apply(text);
}

/** Never throws: what is wrongly encoded is decoded as far as it goes. */
export function decoded(text: string): string {
  return /[%+]/.test(text) ? unescape(text.replaceAll("+", " ")) : text;
}
