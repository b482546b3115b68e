/**
 * Replaces secrets before anything is buffered. Pure: strings and bytes in, strings and bytes out. Header fields, cookies
 * and query parameters by name; JSON fields by name at any depth. It fails closed: a body that should be looked into
 * and cannot be read as JSON is reported, so that the caller leaves it out.
 */
import type { RedactOptions } from "./options.ts";

const REPLACEMENT_DEFAULT = "REDACTED";

export class Redactor {
  readonly #headers: ReadonlySet<string>;
  readonly #query: ReadonlySet<string>;
  readonly #cookies: ReadonlySet<string>;
  readonly #json: ReadonlySet<string>;
  readonly #replacement: string;

  constructor({ headers = [], query = [], cookies = [], json = [], replacement }: RedactOptions) {
    this.#headers = new Set(headers.map((name) => name.toLowerCase()));
    this.#query = new Set(query);
    this.#cookies = new Set(cookies);
    this.#json = new Set(json);
    this.#replacement = replacement ?? REPLACEMENT_DEFAULT;
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
        if (index === 0 || colon <= 0) return line;
        const value = line.slice(colon + 1).trimStart();
        const redacted = this.#field(line.slice(0, colon).toLowerCase(), value);
        return redacted === value ? line : `${line.slice(0, colon)}: ${redacted}`;
      })
      .join("\r\n");
  }

  /** A request target, query parameters redacted. Names are compared decoded. */
  target(target: string): string {
    const start = target.indexOf("?");
    if (start < 0 || this.#query.size === 0) return target;
    const pairs = target.slice(start + 1).split("&");
    const redacted = pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 0 || !this.#query.has(decoded(pair.slice(0, equals)))) return pair;
      return `${pair.slice(0, equals)}=${encodeURIComponent(this.#replacement)}`;
    });
    return `${target.slice(0, start)}?${redacted.join("&")}`;
  }

  /** True when bodies of this content type must be looked into. */
  looksInto(contentType: string | undefined): boolean {
    return this.#json.size > 0 && contentType !== undefined && /[/+]json\b/i.test(contentType);
  }

  /** A JSON body, fields redacted; undefined when it is not JSON. Spelling of numbers and white space may change. */
  body(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length === 0) return bytes;
    try {
      let changed = false;
      const value: unknown = JSON.parse(
        Buffer.from(bytes).toString("utf8"),
        (key, item: unknown) => {
          if (!this.#json.has(key)) return item;
          changed = true;
          return this.#replacement;
        },
      );
      return changed ? Buffer.from(JSON.stringify(value)) : bytes;
    } catch {
      return undefined;
    }
  }

  #field(lowerName: string, value: string): string {
    if (this.#headers.has(lowerName)) return this.#replacement;
    if (this.#cookies.size === 0) return value;
    if (lowerName === "cookie") {
      return value
        .split(";")
        .map((pair) => this.#cookie(pair))
        .join(";");
    }
    if (lowerName !== "set-cookie") return value;
    const end = value.indexOf(";");
    return end < 0 ? this.#cookie(value) : this.#cookie(value.slice(0, end)) + value.slice(end);
  }

  #cookie(pair: string): string {
    const equals = pair.indexOf("=");
    const known = equals > 0 && this.#cookies.has(pair.slice(0, equals).trim());
    return known ? `${pair.slice(0, equals)}=${this.#replacement}` : pair;
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
