/**
 * The pairs of values that stand at the same place of an original and a replayed answer: what the correlation learns from. In: two answers.
 * Out: pairs, each with the name of what it counts. Equal values are pairs, too: that a value kept its name is known then.
 *
 * Looked at: JSON by member (array elements paired by key or content first), cookies by name, links by segment and parameter, header
 * fields, hidden inputs and meta tags of HTML. Values of different formats are no pair.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { HeaderList, Message } from "@mirrorball/protocol";
import { align } from "../compare/differences/align.ts";
import type { Image } from "../compare/differences/align.ts";
import { tokenPairs } from "../compare/differences/tokens.ts";
import { contentOf } from "../content/body.ts";
import { setCookiesOf } from "../content/fields.ts";
import { htmlValues } from "../content/html.ts";
import { isArray, isObject, parseJson, scalarText, typeOf } from "../content/json.ts";
import type { Json, JsonObject } from "../content/json.ts";
import { ownText } from "../content/own-text.ts";
import { elementPath, memberPath } from "../content/path.ts";
import { STRONG, TIMES, ValueClass, classesOf, isStrong } from "../content/value-class.ts";
import {
  namespaceOfContainer,
  namespaceOfMember,
  namespaceOfSegment,
  namespaceOfUse,
} from "./namespace.ts";

export interface LearnedPair {
  /** "" for a value with 64 bits or more of its own. */
  readonly namespace: string;
  readonly a: string;
  readonly b: string;
  /** Where it was given: the producer's place, for rules. */
  readonly place: string;
  /** A cookie: a later one takes the place of an earlier. */
  readonly replaces: boolean;
  /** The places may be those of two things: elements of a list that are only the most similar, lines of a text. */
  readonly isGuess: boolean;
}

const DEPTH_MAX = 32;
const PAIRS_MAX = 5000;
/** Fields that never name a thing that a client sends back. */
const NOT_LEARNED: ReadonlySet<string> = new Set([
  "date",
  "expires",
  "last-modified",
  "age",
  "server",
  "via",
  "content-length",
  "content-type",
  "cache-control",
  "connection",
  "keep-alive",
  "set-cookie",
  "location",
  "content-location",
  "x-request-id",
  "x-correlation-id",
  "traceparent",
  "server-timing",
]);

/** `around`: what the endpoint's own ids count, `order` for `/orders`. */
export function pairsOf(
  original: Message,
  replayed: Message,
  around: string | undefined,
  image: Image,
): LearnedPair[] {
  const [a, b] = [original.http.head, replayed.http.head];
  if (a === undefined || b === undefined || !isResponseHead(a) || !isResponseHead(b)) return [];
  const collector = new Collector(image);
  collector.cookies(a.headers, b.headers);
  collector.fields(a.headers, b.headers);
  // An answer of another status is about something else.
  if (Math.trunc(a.status / 100) === Math.trunc(b.status / 100)) {
    const left = contentOf(a.headers, original.http.body);
    const right = contentOf(b.headers, replayed.http.body);
    if (typeof left !== "string" && typeof right !== "string" && left.kind === right.kind) {
      if (left.json !== undefined && right.json !== undefined) {
        collector.json(left.json, right.json, "$", "", around, 0);
      } else if (left.kind === "html") {
        collector.html(left.text, right.text);
        collector.text(left.text, right.text);
      } else if (left.kind === "text") collector.text(left.text, right.text);
      else if (left.kind === "sse") collector.lines(left.text, right.text, around);
    }
  }
  return collector.pairs;
}

class Collector {
  readonly pairs: LearnedPair[] = [];
  readonly #image: Image;
  /** Inside elements of a list that are paired by likeness only. */
  #isGuess = false;

  constructor(image: Image) {
    this.#image = image;
  }

  cookies(a: HeaderList, b: HeaderList): void {
    const right = new Map(setCookiesOf(b).map(({ name, value }) => [name, value]));
    for (const { name, value } of setCookiesOf(a)) {
      const other = right.get(name);
      if (other === undefined || value === "" || other === "") continue;
      this.#push(`cookie:${name}`, value, other, `cookie:${name}`, true);
      if (isStrong(value, classesOf(value))) this.#push("", value, other, `cookie:${name}`);
    }
  }

  fields(a: HeaderList, b: HeaderList): void {
    const right = byName(b);
    for (const [name, value] of byName(a)) {
      const other = right.get(name);
      if (other === undefined) continue;
      if (name === "location" || name === "content-location") this.link(value, other, name);
      else if (!NOT_LEARNED.has(name)) this.scalar(value, other, name, undefined, name);
    }
  }

  html(a: string, b: string): void {
    const right = new Map(htmlValues(b).map(({ name, value }) => [name, value]));
    for (const { name, value } of htmlValues(a)) {
      const other = right.get(name);
      if (other !== undefined && value !== "" && other !== "") {
        this.#push(
          isStrong(value, classesOf(value)) ? "" : `field:${name}`,
          value,
          other,
          `html:${name}`,
        );
      }
    }
  }

  /** What a reader finds in the text of a page, links most of all: values with 64 bits or more of their own, line by line. */
  text(a: string, b: string): void {
    const [left, right] = [a.split("\n"), b.split("\n")];
    if (left.length !== right.length) return;
    this.#isGuess = true;
    for (const [i, line] of left.entries()) {
      const other = right[i] ?? "";
      if (line === other) continue;
      const pairs = tokenPairs(line, other) ?? [];
      for (const pair of pairs) this.#strong(pair.a, pair.b, "text");
    }
    this.#isGuess = false;
  }

  #strong(a: string, b: string, place: string): void {
    const [left, right] = [classesOf(a), classesOf(b)];
    if ((left & right & STRONG) !== 0 && isStrong(a, left)) this.#push("", a, b, place);
  }

  /** Events of a stream, as far as both have them. */
  lines(a: string, b: string, around: string | undefined): void {
    const data = (text: string): Json[] =>
      text.split("\n").flatMap((line) => {
        const value = line.startsWith("data:") ? parseJson(line.slice(5).trim()) : undefined;
        return value === undefined ? [] : [value];
      });
    this.json(data(a), data(b), "$", "", around, 0);
  }

  json(
    a: Json,
    b: Json,
    path: string,
    name: string,
    around: string | undefined,
    depth: number,
  ): void {
    if (depth > DEPTH_MAX || this.pairs.length >= PAIRS_MAX) return;
    if (isArray(a) && isArray(b)) {
      const { pairs, guessed } = align(a, b, this.#image);
      const isGuess = this.#isGuess;
      for (const [i, j] of pairs) {
        this.#isGuess = isGuess || guessed.has(i);
        this.json(a[i] ?? null, b[j] ?? null, elementPath(path), name, around, depth + 1);
      }
      this.#isGuess = isGuess;
    } else if (isObject(a) && isObject(b)) this.#members(a, b, path, around, depth);
    else if (typeOf(a) === typeOf(b) && (typeof a === "string" || typeof a === "number")) {
      this.scalar(scalarText(a), scalarText(b), name, around, path);
    }
  }

  #members(
    a: JsonObject,
    b: JsonObject,
    path: string,
    around: string | undefined,
    depth: number,
  ): void {
    for (const name of Object.keys(a)) {
      if (!Object.hasOwn(b, name)) continue;
      const value = a[name] ?? null;
      const isContainer = typeof value === "object" && value !== null;
      // `data`, `items` and `result` wrap what the endpoint is about.
      const inner = isContainer && !WRAPPERS.has(name) ? namespaceOfContainer(name) : around;
      this.json(
        value,
        b[name] ?? null,
        memberPath(path, name),
        name,
        isContainer ? inner : around,
        depth + 1,
      );
    }
  }

  scalar(a: string, b: string, name: string, around: string | undefined, place: string): void {
    if (a.length > 4096 || b.length > 4096 || a === "" || b === "") return;
    const [left, right] = [classesOf(a), classesOf(b)];
    if (isStrong(a, left) && isStrong(b, right)) {
      if ((left & right & STRONG) !== 0 || a.length === b.length) this.#push("", a, b, place);
      return;
    }
    if (a.startsWith("/") || (left & ValueClass.url) !== 0) return this.link(a, b, place);
    if (((left | right) & TIMES) !== 0 && namespaceOfMember(name, around) === undefined) return;
    const common = left & right;
    if ((common & (ValueClass.integer | ValueClass.labelledId | ValueClass.hex)) === 0) return;
    const namespace = namespaceOfMember(name, around);
    this.#push(namespace ?? `named:${namespaceOfUse(name) ?? ""}`, a, b, place);
    // Under any other name it is learned for the place alone: a rule may use it.
    this.#push(`place:${place}`, a, b, place);
  }

  /** Segments and parameters of two links at the same places. */
  link(a: string, b: string, place: string): void {
    const [left, right] = [cut(a), cut(b)];
    if (left.segments.length !== right.segments.length) return;
    for (const [i, segment] of left.segments.entries()) {
      const other = right.segments[i] ?? "";
      const before = left.segments[i - 1];
      if (segment === "" || other === "") continue;
      this.#token(segment, other, namespaceOfSegment(before), place);
    }
    for (const [name, value] of left.query) {
      const other = right.query.get(name);
      if (other !== null && other !== "" && value !== "")
        this.#token(value, other, namespaceOfUse(name), place);
    }
  }

  #token(a: string, b: string, namespace: string | undefined, place: string): void {
    if (isStrong(a, classesOf(a)) && isStrong(b, classesOf(b))) this.#push("", a, b, place);
    else if (namespace !== undefined && /\d/.test(a)) this.#push(namespace, a, b, place);
  }

  #push(namespace: string, a: string, b: string, place: string, replaces = false): void {
    if (this.pairs.length >= PAIRS_MAX || !isToken(a) || !isToken(b)) return;
    const isGuess = this.#isGuess;
    this.pairs.push({ namespace, a: ownText(a), b: ownText(b), place, replaces, isGuess });
  }
}

/** A value that may stand anywhere in a request: what the target says must not be able to end a field or a line of it. */
// oxlint-disable-next-line no-control-regex -- they are what this refuses
const UNSENDABLE = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff\u2028\u2029]/;

function isToken(text: string): boolean {
  return !UNSENDABLE.test(text);
}

const WRAPPERS: ReadonlySet<string> = new Set([
  "data",
  "items",
  "item",
  "result",
  "results",
  "rows",
  "list",
  "records",
  "entries",
  "values",
  "content",
  "payload",
  "response",
  "body",
  "edges",
  "node",
  "nodes",
]);

function byName(headers: HeaderList): Map<string, string> {
  const found = new Map<string, string>();
  for (let i = 0; i + 1 < headers.length; i += 2)
    found.set((headers[i] ?? "").toLowerCase(), headers[i + 1] ?? "");
  return found;
}

function cut(link: string): { segments: string[]; query: URLSearchParams } {
  const hash = link.indexOf("#");
  const text = hash < 0 ? link : link.slice(0, hash);
  const mark = text.indexOf("?");
  const path = (mark < 0 ? text : text.slice(0, mark)).replace(/^https?:\/\/[^/]*/, "");
  return {
    segments: path.split("/").map(decodedSegment),
    query: new URLSearchParams(mark < 0 ? "" : text.slice(mark)),
  };
}

function decodedSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
