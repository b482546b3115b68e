/**
 * What the originals say of values: which session a value belongs to, and which requests use it. In: requests and original responses. Out:
 * the one session that owns a value, and whether a value feeds requests. Bounded; what finds no room is owned by nobody.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Content } from "../../content/body.ts";
import { contentOf } from "../../content/body.ts";
import { bearerOf, cookiesOf } from "../../content/fields.ts";
import { isArray, isObject, scalarText } from "../../content/json.ts";
import type { Json } from "../../content/json.ts";
import { ValueClass, classesOf, isStrong } from "../../content/value-class.ts";
import { isIdName } from "../id-names.ts";

const VALUES_MAX = 500_000;
/** Shorter values are words that anybody may use. */
const OWNED_CHARS_MIN = 5;
const OWNED_CHARS_MAX = 512;
/** Values of one body that are looked at. */
const VALUES_A_BODY_MAX = 2000;
const DEPTH_MAX = 32;
/** Ids by which two exchanges are known to touch the same thing. */
const TOUCHED_MAX = 64;

/** Text of a page that is looked at. */
const TEXT_CHARS_MAX = 65_536;
const LONG_TOKEN = /[\w-]{16,}/g;

/** Somebody may have several sessions; a value that more of them had is everybody's. */
const OWNERS_MAX = 8;

const EVERYBODY: readonly number[] = [];

export class Values {
  /** The sessions that had a value: nearly always one, else a list, empty when it is everybody's. */
  readonly #owners: Map<string, number | readonly number[]> = new Map();
  /** Short ids that answers had, which nobody owns. */
  readonly #ids: Set<string> = new Set();
  /** Values that requests carried, to the places of the first requests that did. */
  readonly #uses: Map<string, number[]> = new Map();

  /** Takes note of the values of an original answer; gives the ids in it. */
  answered(session: number, content: Content | string): string[] {
    const ids: string[] = [];
    if (typeof content === "string") return ids;
    if (content.json === undefined) return this.#readText(session, content.text);
    let left = VALUES_A_BODY_MAX;
    visit(content.json, "", 0, (name, text, isText) => {
      left -= 1;
      if (left < 0) return;
      if (isText && text.length >= OWNED_CHARS_MIN) this.#own(text, session);
      if (!isIdLike(name, text)) return;
      if (this.#ids.size < VALUES_MAX) this.#ids.add(text);
      if (ids.length < TOUCHED_MAX) ids.push(text);
    });
    return ids;
  }

  /** Of a page only what carries 64 bits or more of its own: links and tokens. */
  #readText(session: number, text: string): string[] {
    const ids = new Set<string>();
    for (const [token] of text.slice(0, TEXT_CHARS_MAX).matchAll(LONG_TOKEN)) {
      if (ids.size >= TOUCHED_MAX) break;
      if (token.length <= OWNED_CHARS_MAX && isStrong(token, classesOf(token))) ids.add(token);
    }
    for (const id of ids) this.#own(id, session);
    return [...ids];
  }

  #own(text: string, session: number): void {
    if (text.length > OWNED_CHARS_MAX) return;
    const owners = this.#owners.get(text);
    if (owners === undefined) {
      if (this.#owners.size < VALUES_MAX) this.#owners.set(text, session);
    } else if (typeof owners === "number") {
      if (owners !== session) this.#owners.set(text, [owners, session]);
    } else if (owners.length > 0 && !owners.includes(session)) {
      this.#owners.set(text, owners.length < OWNERS_MAX ? [...owners, session] : EVERYBODY);
    }
  }

  /** The sessions whose answers or requests had this value; none when nobody or everybody had it. */
  ownersOf(value: string): readonly number[] {
    const owners = this.#owners.get(value);
    if (owners === undefined) return EVERYBODY;
    return typeof owners === "number" ? [owners] : owners;
  }

  /** True for a value that any recorded answer or request had. */
  knows(value: string): boolean {
    return this.#owners.has(value) || this.#uses.has(value) || this.#ids.has(value);
  }

  /** Takes note of what a request carries, as the exchange at `index`; gives the ids in it. */
  asked(message: Message, session: number, index: number): string[] {
    const tokens = requestTokens(message);
    for (const token of tokens) {
      const known = this.#uses.get(token);
      if (known === undefined) {
        if (this.#uses.size < VALUES_MAX) this.#uses.set(token, [index]);
      } else if (known.length < TOUCHED_MAX) known.push(index);
      if (token.length >= OWNED_CHARS_MIN) this.#own(token, session);
    }
    return tokens.filter((token) => isIdLike("id", token)).slice(0, TOUCHED_MAX);
  }

  /** True when a request after the exchange at `index` carries the value. */
  isUsedAfter(value: string, index: number): boolean {
    const uses = this.#uses.get(value);
    return uses !== undefined && (uses.at(-1) ?? -1) > index;
  }

  usesOf(value: string): readonly number[] {
    return this.#uses.get(value) ?? [];
  }
}

function isIdLike(name: string, text: string): boolean {
  const classes = classesOf(text);
  if (isStrong(text, classes) || (classes & (ValueClass.labelledId | ValueClass.hex)) !== 0)
    return true;
  return (classes & ValueClass.integer) !== 0 && text.length > 1 && isIdName(name);
}

function visit(
  value: Json,
  name: string,
  depth: number,
  see: (name: string, text: string, isText: boolean) => void,
): void {
  if (depth > DEPTH_MAX || value === null || typeof value === "boolean") return;
  if (isArray(value)) for (const each of value) visit(each, name, depth + 1, see);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) visit(value[key] ?? null, key, depth + 1, see);
  } else see(name, scalarText(value), typeof value === "string");
}

/** The single values in a request: path segments, query, cookies, credentials, form and JSON body. */
export function requestTokens({ http }: Message): string[] {
  const { head } = http;
  if (head === undefined || isResponseHead(head)) return [];
  const found = new Set<string>();
  const add = (text: string): void => {
    if (text.length > 0 && text.length <= OWNED_CHARS_MAX) found.add(text);
  };
  const [path = "", query = ""] = head.target.split("?", 2);
  for (const segment of path.split("/")) add(decoded(segment));
  for (const [, value] of new URLSearchParams(query)) add(value);
  for (const { value } of cookiesOf(head.headers)) add(value);
  add(bearerOf(head.headers) ?? "");
  const content = contentOf(head.headers, http.body);
  if (typeof content !== "string") {
    if (content.json !== undefined) visit(content.json, "", 0, (_, text) => add(text));
    else if (content.kind === "form") {
      for (const [, value] of new URLSearchParams(content.text)) add(value);
    }
  }
  return [...found].slice(0, VALUES_A_BODY_MAX);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
