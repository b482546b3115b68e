/**
 * Bodies: which must be looked into, told by their head, and how. A redactor takes the whole body and gives it back without
 * secrets, or undefined when it cannot be looked into: then nothing of it may leave.
 */
import { isUtf8 } from "node:buffer";
import { PLAIN_BYTES_MAX, withinEncodings } from "./encodings.ts";
import { redactJson } from "./json.ts";
import { redactMultipart } from "./multipart.ts";
import type { Names } from "./names.ts";
import { redactPairs } from "./pairs.ts";
import type { ValueRules } from "./pairs.ts";
import type { Patterns } from "./patterns.ts";
import { CannotLook } from "./replacer.ts";
import type { Replacer } from "./replacer.ts";

/** The same bytes when there is nothing to replace; undefined when the body must not leave. */
export type BodyRedactor = (bytes: Uint8Array) => Uint8Array | undefined;

type Kind = "json" | "json-lines" | "events" | "form" | "multipart" | "text" | "unsaid" | "opaque";

export interface BodyRules {
  readonly json: Names;
  readonly form: Names;
  readonly patterns: Patterns;
  readonly replacer: Replacer;
}

export class BodyRedactors {
  readonly #jsonRules: ValueRules;
  readonly #formRules: ValueRules;
  readonly #patterns: Patterns;

  constructor({ json, form, patterns, replacer }: BodyRules) {
    this.#jsonRules = { names: json, patterns, replacer };
    this.#formRules = { names: form, patterns, replacer };
    this.#patterns = patterns;
  }

  /** How to look into the body below these fields; undefined when that need not be. */
  redactorFor(fields: readonly string[]): BodyRedactor | undefined {
    const types = valuesOf(fields, "content-type");
    const contentType = types[0] ?? "";
    const kind = kindOf(contentType);
    if (types.length < 2 && !this.#concerns(kind)) return undefined;
    const hasRules =
      !this.#jsonRules.names.empty || !this.#formRules.names.empty || !this.#patterns.empty;
    if (!hasRules) return undefined;
    const encodings = encodingsOf(fields);
    return (bytes) => {
      if (bytes.length === 0) return bytes;
      if (bytes.length > PLAIN_BYTES_MAX || types.length > 1) return undefined;
      try {
        return withinEncodings(bytes, encodings, (plain) => this.#bytes(plain, kind, contentType));
      } catch {
        // `CannotLook`, a text nested too deep for the stack, a fault of ours: all the same for the secret.
        return undefined;
      }
    };
  }

  #concerns(kind: Kind): boolean {
    if (kind === "opaque") return false;
    if (!this.#patterns.empty) return true;
    const json = !this.#jsonRules.names.empty;
    const form = !this.#formRules.names.empty;
    if (kind === "text") return false;
    if (kind === "form") return form;
    if (kind === "multipart" || kind === "unsaid") return json || form;
    return json;
  }

  #bytes(bytes: Uint8Array, kind: Kind, contentType: string): Uint8Array {
    if (kind === "multipart") {
      const text = Buffer.from(bytes).toString("latin1");
      const safe = redactMultipart(text, contentType, this.#formRules, (content, type) =>
        this.#part(content, type),
      );
      return safe === text ? bytes : Buffer.from(safe, "latin1");
    }
    const charset = charsetOf(contentType, bytes);
    const text = Buffer.from(bytes).toString(charset);
    const safe = this.#text(text, kind);
    return safe === text ? bytes : Buffer.from(safe, charset);
  }

  /** The content of a part, one character a byte. */
  #part(content: string, contentType: string | undefined): string {
    const kind = contentType === undefined ? "text" : kindOf(contentType);
    if (kind === "multipart") throw new CannotLook("parts within parts");
    if (kind === "opaque" || content === "") return content;
    const bytes = Buffer.from(content, "latin1");
    const safe = this.#bytes(bytes, kind, contentType ?? "");
    return safe === bytes ? content : Buffer.from(safe).toString("latin1");
  }

  #text(text: string, kind: Kind): string {
    switch (kind) {
      case "json":
        return redactJson(text, this.#jsonRules);
      case "json-lines":
        return redactJson(text, this.#jsonRules, true);
      case "events":
        return this.#events(text);
      case "form":
        return redactPairs(text, this.#formRules);
      case "unsaid":
        return this.#unsaid(text);
      case "text":
      case "multipart":
      case "opaque":
        break;
    }
    return this.#patterns.apply(text);
  }

  /** What is like JSON must be JSON, what is like a form is one, the rest is text. */
  #unsaid(text: string): string {
    if (!this.#jsonRules.names.empty && /^\s*[{[]/.test(text))
      return redactJson(text, this.#jsonRules);
    if (/^[^\s=&]+=/.test(text)) return redactPairs(text, this.#formRules);
    return this.#patterns.apply(text);
  }

  /** Server-sent events often carry JSON, an object a line. */
  #events(text: string): string {
    const lines = text.split(/(\r\n|\r|\n)/);
    for (let i = 0; i < lines.length; i += 2) {
      const line = lines[i] ?? "";
      const match = /^data: ?(?=\{|\[\s*["{[\]\d-])/.exec(line);
      lines[i] =
        match === null
          ? this.#patterns.apply(line)
          : match[0] + redactJson(line.slice(match[0].length), this.#jsonRules);
    }
    return lines.join("");
  }
}

function kindOf(contentType: string): Kind {
  const type = contentType.toLowerCase();
  if (/^\s*multipart\//.test(type)) return "multipart";
  if (/ndjson|jsonl|json-?lines|json-seq|x-json-stream/.test(type)) return "json-lines";
  if (/json|csp-report/.test(type)) return "json";
  if (/^\s*text\/event-stream/.test(type)) return "events";
  if (/x-www-form-urlencoded/.test(type)) return "form";
  if (/^\s*(?:image\/(?!svg)|audio\/|video\/|font\/|application\/(?:zip|gzip|pdf|wasm)\b)/.test(type)) return "opaque"; // prettier-ignore
  // Browsers send beacons as plain text, whatever they hold.
  if (/^\s*(?:text\/plain)?\s*(?:;|$)/.test(type)) return "unsaid";
  return "text";
}

/** Bytes that are not UTF-8 are read one a character, so that they come out as they were. */
function charsetOf(contentType: string, bytes: Uint8Array): "utf8" | "latin1" {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (charset === undefined || /^(?:utf-?8|us-ascii)$/.test(charset))
    return isUtf8(bytes) ? "utf8" : "latin1";
  if (/^(?:iso-8859-1|iso-8859-15|latin1|windows-1252)$/.test(charset)) return "latin1";
  throw new CannotLook(`written in ${charset}`);
}

/** From the first to the last applied. */
function encodingsOf(fields: readonly string[]): string[] {
  const said = [
    ...valuesOf(fields, "content-encoding"),
    // Node takes the chunks apart and leaves other codings to the application.
    ...valuesOf(fields, "transfer-encoding"),
  ];
  return said
    .flatMap((value) => value.toLowerCase().split(","))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity" && coding !== "chunked");
}

function valuesOf(fields: readonly string[], lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i];
    if (name?.length === lowerName.length && name.toLowerCase() === lowerName)
      values.push(fields[i + 1] ?? "");
  }
  return values;
}
