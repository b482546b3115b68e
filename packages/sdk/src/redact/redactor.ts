/**
 * Replaces secrets before anything waits to be sent. Pure: strings and bytes in, strings and bytes out. Header fields, cookies,
 * query parameters, JSON and form fields by name, and all values by pattern. It fails closed: a value that cannot be
 * looked through is replaced whole, a body that cannot is reported, so that the caller leaves it out.
 */
import { BodyRedactors } from "./body.ts";
import type { BodyRedactor } from "./body.ts";
import { Names } from "./names.ts";
import { decoded, redactEncoded, redactPairs } from "./pairs.ts";
import type { ValueRules } from "./pairs.ts";
import { Patterns } from "./patterns.ts";
import { Replacer } from "./replacer.ts";
import type { ReplaceAs } from "./replacer.ts";
import type { RedactRules } from "./rules.ts";

/** Fields whose value is a URL. */
const URL_FIELDS: ReadonlySet<string> = new Set(["referer", "location", "content-location"]);
/** Fields that say a scheme before the secret. A pseudonym leaves it, so that replays are understood. */
const SCHEME_FIELDS: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);
/** Fields that frame the message: their values are no secrets, and a mark there would break every replay. */
const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "content-length", "transfer-encoding", "content-type", "content-encoding", "connection", "host", "date", "trailer",
]); // prettier-ignore

const CONTROLS = /[^\x20-\x7e]/;

export class Redactor {
  readonly #headers: Names;
  readonly #cookies: Names;
  readonly #query: ValueRules;
  readonly #patterns: Patterns;
  readonly #replacer: Replacer;
  readonly #bodies: BodyRedactors;

  constructor(rules: RedactRules) {
    const replacer = new Replacer(rules.replacement, rules.pseudonymKey);
    const patterns = new Patterns(rules.patterns, replacer);
    this.#replacer = replacer;
    this.#patterns = patterns;
    this.#headers = new Names(rules.headers);
    this.#cookies = new Names(rules.cookies);
    this.#query = { names: new Names(rules.query), patterns, replacer };
    this.#bodies = new BodyRedactors({
      json: new Names(rules.json),
      form: new Names(rules.form),
      patterns,
      replacer,
    });
  }

  /** A flat list of fields with values replaced; the same list when there is nothing to do. */
  fields(raw: readonly string[]): readonly string[] {
    let out: string[] | undefined;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const value = raw[i + 1] ?? "";
      const redacted = this.#field((raw[i] ?? "").toLowerCase(), value);
      if (redacted === value) continue;
      out ??= [...raw];
      out[i + 1] = redacted;
    }
    return out ?? raw;
  }

  /** A response head as text, fields redacted. */
  headText(text: string): string {
    return text
      .split("\r\n")
      .map((line, index) => {
        const colon = line.indexOf(":");
        if (index === 0 || colon <= 0) return this.#safely(line, () => this.#patterns.apply(line));
        const value = line.slice(colon + 1).trimStart();
        const redacted = this.#field(line.slice(0, colon).toLowerCase(), value);
        return redacted === value ? line : `${line.slice(0, colon)}: ${redacted}`;
      })
      .join("\r\n");
  }

  /** A request target or another URL: query parameters, the path by pattern, and credentials before the host. */
  target(target: string): string {
    const url = target.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, (_match, scheme) =>
      `${typeof scheme === "string" ? scheme : ""}//${this.#replacer.mark}@`,
    ); // prettier-ignore
    const start = url.indexOf("?");
    const end = start < 0 ? url.length : start;
    const path = this.#path(url.slice(0, end));
    if (start < 0) return path;
    const query = url.slice(start + 1);
    return `${path}?${this.#safely(query, () => redactPairs(query, this.#query))}`;
  }

  /** A value that is neither: what users say in tags, by pattern only. */
  text(text: string): string {
    return this.#safely(text, () => this.#plain(text));
  }

  /** How to look into the body below these fields; undefined when that need not be. */
  redactorFor(fields: readonly string[]): BodyRedactor | undefined {
    return this.#bodies.redactorFor(fields);
  }

  #path(path: string): string {
    if (this.#patterns.empty) return path;
    return path
      .split("/")
      .map((segment) => this.#safely(segment, () => redactEncoded(segment, this.#patterns)))
      .join("/");
  }

  #field(lowerName: string, value: string): string {
    if (FRAMING_FIELDS.has(lowerName)) return value;
    return this.#safely(value, () => {
      const as = this.#headers.find(lowerName);
      if (as !== undefined) return this.#replaced(lowerName, value, as);
      if (lowerName === "cookie") {
        return value
          .split(";")
          .map((pair) => this.#cookie(pair))
          .join(";");
      }
      if (lowerName === "set-cookie") {
        const end = value.indexOf(";");
        return end < 0
          ? this.#cookie(value)
          : this.#cookie(value.slice(0, end)) + this.#patterns.apply(value.slice(end));
      }
      return this.#plain(URL_FIELDS.has(lowerName) ? this.target(value) : value);
    });
  }

  /** By pattern, in what the text says as it is and decoded. */
  #plain(text: string): string {
    const safe = this.#patterns.apply(text);
    if (this.#patterns.empty || !safe.includes("%")) return safe;
    const said = decoded(safe);
    const safer = this.#patterns.apply(said);
    if (safer === said) return safe;
    // Decoded, it may hold what ends a field.
    return CONTROLS.test(safer) ? this.#replacer.mark : safer;
  }

  #replaced(lowerName: string, value: string, as: ReplaceAs): string {
    const scheme = as === "pseudonym" && SCHEME_FIELDS.has(lowerName) ? /^[A-Za-z]+ +/.exec(value) : null; // prettier-ignore
    const start = scheme?.[0].length ?? 0;
    return value.slice(0, start) + this.#replacer.replace(value.slice(start), as);
  }

  #cookie(pair: string): string {
    const equals = pair.indexOf("=");
    // A cookie without a name is a value to some and a name to others.
    const name = equals < 0 ? "" : pair.slice(0, equals).trim();
    const as = this.#cookies.find(name);
    if (as === undefined) return redactCookieValue(pair, equals, this.#patterns);
    const value = pair.slice(equals + 1).replace(/^\s*"?|"?\s*$/g, "");
    return `${equals < 0 ? /^\s*/.exec(pair)?.[0] ?? "" : pair.slice(0, equals + 1)}${this.#replacer.replace(value, as)}`; // prettier-ignore
  }

  #safely(value: string, redact: () => string): string {
    try {
      return redact();
    } catch {
      return value === "" ? value : this.#replacer.mark;
    }
  }
}

function redactCookieValue(pair: string, equals: number, patterns: Patterns): string {
  if (patterns.empty) return pair;
  const value = redactEncoded(pair.slice(equals + 1), patterns);
  return equals < 0 ? value : `${patterns.apply(pair.slice(0, equals))}=${value}`;
}
