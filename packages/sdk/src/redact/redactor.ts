/**
 * Replaces secrets before anything waits to be sent. Pure: strings and bytes in, strings and bytes out. Header fields, cookies,
 * query parameters, JSON and form fields by name, and all values by pattern. It fails closed: a value that cannot be
 * looked through is replaced whole, a body that cannot is reported, so that the caller leaves it out.
 */
import { BodyRedactors } from "./body.ts";
import type { BodyRedactor } from "./body.ts";
import { Content } from "./content.ts";
import { Names } from "./names.ts";
import { decoded } from "./pairs.ts";
import { Patterns } from "./patterns.ts";
import { Replacer } from "./replacer.ts";
import type { ReplaceAs } from "./replacer.ts";
import type { RedactRules } from "./rules.ts";
import type { Scanner } from "./scanner.ts";

/** Fields that say a scheme before the secret. A pseudonym leaves it, so that replays are understood. */
const SCHEME_FIELDS: ReadonlySet<string> = new Set(["authorization", "proxy-authorization"]);
/** Fields that frame the message: their values are no secrets, and a mark there would break every replay. */
const FRAMING_FIELDS: ReadonlySet<string> = new Set([
  "content-length", "transfer-encoding", "content-type", "content-encoding", "connection", "host", "date", "trailer",
]); // prettier-ignore

const COOKIE_NAME = /^(?:set-)?cookie$/i;
const CONTROLS = /[^\x20-\x7e]/;

export class Redactor {
  readonly #headers: Names;
  readonly #cookies: Names;
  readonly #patterns: Patterns;
  readonly #replacer: Replacer;
  readonly #content: Content;
  readonly #bodies: BodyRedactors;
  /** Tells whether a whole head can hold anything: names of fields and what is in their values. */
  readonly #heads: Scanner;

  constructor(rules: RedactRules) {
    const replacer = new Replacer(rules.replacement, rules.pseudonymKey);
    const patterns = new Patterns(rules.patterns, replacer);
    this.#replacer = replacer;
    this.#patterns = patterns;
    this.#headers = new Names(rules.headers);
    this.#cookies = new Names(rules.cookies);
    this.#content = new Content(rules, patterns, replacer);
    this.#bodies = new BodyRedactors(this.#content, !patterns.empty);
    this.#heads = this.#content.scanner;
  }

  /** A flat list of fields with values replaced; the same list when there is nothing to do. */
  fields(raw: readonly string[]): readonly string[] {
    let out: string[] | undefined;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const value = raw[i + 1] ?? "";
      const redacted = this.#field(raw[i] ?? "", value);
      if (redacted === value) continue;
      out ??= [...raw];
      out[i + 1] = redacted;
    }
    return out ?? raw;
  }

  /** A response head as text, fields redacted. */
  headText(text: string): string {
    if (this.#patterns.empty && !this.#heads.text(text)) return text;
    return text
      .split("\r\n")
      .map((line, index) => {
        const colon = line.indexOf(":");
        if (index === 0 || colon <= 0) return this.#safely(line, () => this.#patterns.apply(line));
        const value = line.slice(colon + 1).trimStart();
        const redacted = this.#field(line.slice(0, colon), value);
        return redacted === value ? line : `${line.slice(0, colon)}: ${redacted}`;
      })
      .join("\r\n");
  }

  /** A request target: query, fragment and parameters, the path by pattern, and credentials before the host. */
  target(target: string): string {
    if (this.#patterns.empty && !this.#content.scanner.text(target) && !target.includes("+") && !target.includes("@")) return target; // prettier-ignore
    const url = target.replace(/^([a-z][a-z0-9+.-]*:)?\/\/[^/?#]*@/i, (_match, scheme) =>
      `${typeof scheme === "string" ? scheme : ""}//${this.#replacer.mark}@`,
    ); // prettier-ignore
    const start = url.search(/[?#;]/);
    if (start < 0) return this.#path(url);
    const rest = url.slice(start);
    return (
      this.#path(url.slice(0, start)) + this.#safely(rest, () => this.#content.query(rest), rest[0])
    );
  }

  /** A value that is neither: what users say in tags. */
  text(text: string): string {
    return this.#safely(text, () => this.#plain(text));
  }

  /** How to look into the body below these fields; undefined when that need not be. */
  redactorFor(fields: readonly string[]): BodyRedactor | undefined {
    return this.#bodies.redactorFor(fields);
  }

  #path(path: string): string {
    if (this.#patterns.empty && !path.includes("%")) return path;
    return path
      .split("/")
      .map((segment) => this.#safely(segment, () => this.#content.encoded(segment)))
      .join("/");
  }

  #field(name: string, value: string): string {
    const as = this.#headers.find(name);
    if (as === undefined && this.#patterns.empty && !COOKIE_NAME.test(name) && !this.#content.scanner.text(value)) return value; // prettier-ignore
    const lowerName = name.toLowerCase();
    if (FRAMING_FIELDS.has(lowerName)) return value;
    return this.#safely(value, () => {
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
      return this.#plain(value);
    });
  }

  /** By name in what is like a URL, JSON or the like; by pattern, in what the text says as it is and decoded. */
  #plain(text: string): string {
    const safe = this.#patterns.apply(
      printed(this.#content.field(text), text, this.#replacer.mark),
    );
    if (this.#patterns.empty || !safe.includes("%")) return safe;
    const said = decoded(safe);
    const safer = this.#patterns.apply(said);
    return safer === said ? safe : printed(safer, safe, this.#replacer.mark);
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
    if (as === undefined) return this.#cookieValue(pair, equals);
    const value = unquoted(pair.slice(equals + 1).trim());
    const begin = equals < 0 ? pair.slice(0, pair.length - pair.trimStart().length) : pair.slice(0, equals + 1); // prettier-ignore
    return `${begin}${this.#replacer.replace(value, as)}`;
  }

  #cookieValue(pair: string, equals: number): string {
    const value = this.#content.encoded(pair.slice(equals + 1));
    return equals < 0 ? value : `${this.#patterns.apply(pair.slice(0, equals))}=${value}`;
  }

  #safely(value: string, redact: () => string, begin: string = ""): string {
    try {
      return redact();
    } catch {
      return value === "" ? value : begin + this.#replacer.mark;
    }
  }
}

function unquoted(value: string): string {
  const from = value.startsWith('"') ? 1 : 0;
  return value.slice(from, value.endsWith('"') ? Math.max(from, value.length - 1) : undefined);
}

/** What was decoded may hold what ends a field. */
function printed(safe: string, before: string, mark: string): string {
  return safe !== before && CONTROLS.test(safe) ? mark : safe;
}
