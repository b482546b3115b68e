/**
 * Bodies: which must be looked into, told by their head or by how they begin, and how. A redactor takes the whole body and gives it
 * back without secrets, or undefined when it cannot be looked into: then nothing of it may leave.
 *
 * 1. What the type says is JSON, an event stream, a form or multipart must be that; text and bodies without a type are what they look like.
 * 2. Other types are what they say, unless they begin like JSON, XML or a form: `BEGIN_BYTES` of them tell.
 * 3. Whatever it is, a fast scan passes it when no name of the rules can be in it.
 */
import { bytesOf, charsetOf, isBinary, textOf } from "./charset.ts";
import { kindOfText } from "./content.ts";
import type { Content, TextKind } from "./content.ts";
import { PLAIN_BYTES_MAX, areKnown, beginWithin, withinEncodings } from "./encodings.ts";
import { multipartTypeOf } from "./multipart.ts";
import { CannotLook } from "./replacer.ts";

/** So much of a body tells whether it must be whole before anything of it leaves. */
export const BEGIN_BYTES = 4096;

export interface BodyRedactor {
  /** The same bytes when there is nothing to replace; undefined when the body must not leave. */
  readonly redact: (bytes: Uint8Array) => Uint8Array | undefined;
  /** Whether a body that begins so may leave as it comes: `BEGIN_BYTES` of it, or all that there will be of one that broke off. */
  readonly passes: (begin: Uint8Array) => boolean;
}

/** What the type says: a format, nothing, text that is shown to people, pictures and the like, or something else. */
type Said =
  | "json"
  | "json-lines"
  | "events"
  | "form"
  | "multipart"
  | "nothing"
  | "page"
  | "media"
  | "other";

/** Types come again and again; no more are kept. */
const SAID_MAX = 200;

export class BodyRedactors {
  readonly #content: Content;
  /** There are patterns, which all text must be looked through for. */
  readonly #hasPatterns: boolean;
  readonly #said: Map<string, Said> = new Map();

  constructor(content: Content, hasPatterns: boolean) {
    this.#content = content;
    this.#hasPatterns = hasPatterns;
  }

  /** How to look into the body below these fields; undefined when that need not be, or cannot. */
  redactorFor(fields: readonly string[]): BodyRedactor | undefined {
    if (!this.#content.concernsBodies && !this.#hasPatterns) return undefined;
    const types = valuesOf(fields, "content-type");
    const contentType = types[0] ?? "";
    const said = this.#saidBy(contentType);
    const encodings = encodingsOf(fields);
    if (types.length < 2 && this.#isTold(said) && !areKnown(encodings)) return undefined;
    return {
      redact: (bytes) => {
        if (bytes.length === 0) return bytes;
        if (bytes.length > PLAIN_BYTES_MAX || types.length > 1) return undefined;
        try {
          return withinEncodings(bytes, encodings, (plain) =>
            this.#bytes(plain, said, contentType, false),
          );
        } catch {
          // `CannotLook`, a text nested too deep for the stack, a fault of ours: all the same for the secret.
          return undefined;
        }
      },
      passes: (begin) => types.length < 2 && this.#passes(begin, said, encodings),
    };
  }

  #passes(begin: Uint8Array, said: Said, encodings: readonly string[]): boolean {
    if (!this.#isTold(said)) return false;
    try {
      const plain = beginWithin(begin, encodings);
      if (plain.length === 0) return false;
      if (isBinary(plain)) return true;
      // Less may be the half of something.
      if (begin.length < BEGIN_BYTES && this.#content.scanner.bytes(plain)) return false;
      const kind = kindOfText(textOf(plain, charsetOf("", plain)));
      return kind === "html" || kind === "plain" || !isLookedInto(kind, said);
    } catch {
      return false;
    }
  }

  /** Whether its beginning tells if it must be looked into; all others must. */
  #isTold(said: Said): boolean {
    return said === "media" || (!this.#hasPatterns && (said === "page" || said === "other"));
  }

  #saidBy(contentType: string): Said {
    const known = this.#said.get(contentType);
    if (known !== undefined) return known;
    const said = saidBy(contentType.toLowerCase());
    if (this.#said.size >= SAID_MAX) this.#said.clear();
    this.#said.set(contentType, said);
    return said;
  }

  #bytes(bytes: Uint8Array, said: Said, contentType: string, isPart: boolean): Uint8Array {
    if (said === "multipart") return this.#multipart(bytes, contentType);
    const isTyped = said !== "page" && said !== "media" && said !== "other";
    if (!isTyped && isBinary(bytes)) return this.#binary(bytes, said);
    const charset = charsetOf(said === "media" ? "" : contentType, bytes);
    if (!this.#hasPatterns && !this.#content.scanner.bytes(bytes) && !(said === "form" && bytes.includes(PLUS))) return bytes; // prettier-ignore
    const text = textOf(bytes, charset);
    const kind = isFormat(said) ? formatOf(text, said) : kindOfText(text);
    if (kind === "multipart" && said !== "page" && !isPart)
      return this.#multipart(bytes, multipartTypeOf(text));
    const isLooked = isFormat(said) || said === "nothing" || isLookedInto(kind, said);
    if (!isLooked && !(this.#hasPatterns && said !== "media")) return bytes;
    const asKind = !isLooked ? "html" : kind === "json" && !isFormat(said) ? "json-lines" : kind;
    const safe = isPart ? this.#content.partText(text, asKind) : this.#content.body(text, asKind);
    return safe === text ? bytes : bytesOf(safe, charset);
  }

  #binary(bytes: Uint8Array, said: Said): Uint8Array {
    if (!this.#hasPatterns || said === "media") return bytes;
    const text = textOf(bytes, "latin1");
    const safe = this.#content.body(text, "html");
    return safe === text ? bytes : bytesOf(safe, "latin1");
  }

  #multipart(bytes: Uint8Array, contentType: string): Uint8Array {
    const text = textOf(bytes, "latin1");
    const safe = this.#content.multipart(text, contentType, (content, type) => this.#part(content, type)); // prettier-ignore
    return safe === text ? bytes : bytesOf(safe, "latin1");
  }

  /** The content of a part, one character a byte. */
  #part(content: string, contentType: string | undefined): string {
    const said = this.#saidBy(contentType ?? "");
    if (said === "multipart") throw new CannotLook("parts within parts");
    if (content === "") return content;
    const bytes = bytesOf(content, "latin1");
    const isFile = said === "nothing" && isBinary(bytes);
    const safe = this.#bytes(bytes, isFile ? "other" : said, contentType ?? "", true);
    return safe === bytes ? content : textOf(safe, "latin1");
  }
}

const PLUS = 0x2b;

function isFormat(said: Said): said is "json" | "json-lines" | "events" | "form" {
  return said === "json" || said === "json-lines" || said === "events" || said === "form";
}

/** JSON is sent as a form by clients that forget to say so. */
function formatOf(text: string, said: "json" | "json-lines" | "events" | "form"): TextKind {
  if (said !== "form") return said;
  const kind = kindOfText(text);
  return kind === "json" ? "json-lines" : kind === "json-perhaps" || kind === "xml" ? kind : "form";
}

/** Whether what has this content is looked into although its type says something else. */
function isLookedInto(kind: TextKind, said: Said): boolean {
  if (kind === "json" || kind === "pairs" || kind === "jsonp") return true;
  return said === "other" && kind !== "html";
}

function saidBy(type: string): Said {
  if (/^\s*multipart\//.test(type)) return "multipart";
  if (/ndjson|jsonl|json-?lines|json-seq|x-json-stream/.test(type)) return "json-lines";
  if (/json|csp-report/.test(type)) return "json";
  if (/^\s*text\/event-stream/.test(type)) return "events";
  if (/x-www-form-urlencoded/.test(type)) return "form";
  // Browsers send beacons as plain text, whatever they hold.
  if (/^\s*(?:(?:text\/plain|\*\/\*)\s*)?(?:;|$)/.test(type)) return "nothing";
  // Formats without a reader of their own are read as plain text.
  if (/yaml|graphql|toml|properties|\/http\b/.test(type)) return "nothing";
  if (/^\s*(?:image\/(?!svg)|audio\/|video\/|font\/|application\/(?:zip|gzip|pdf|wasm)\b)/.test(type)) return "media"; // prettier-ignore
  if (/^\s*(?:text\/(?:html|css|csv|markdown|javascript|x-component|vtt|calendar)|application\/(?:xhtml|(?:x-)?javascript|ecmascript)|image\/svg)/.test(type)) return "page"; // prettier-ignore
  return "other";
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
