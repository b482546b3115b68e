/**
 * The filter of the list: words that must all hold, as `method:POST status:5xx -route:/health "free text"`. Sans-IO. In: text. Out: a question
 * to an entry, or one sentence about what is wrong with the text.
 *
 * Cheap questions are asked first: what must look into a body comes last, whatever the order of the words.
 */
import { MessageKind } from "@mirrorball/protocol";
import { routeShape } from "../route-shape.ts";
import type { Entry, Kept } from "./exchange-ring.ts";
import { messageOf } from "./exchange-ring.ts";
import { bodyBytes, differsIn } from "./look.ts";

/** Characters of a filter, and words in it; more is no question of a person. */
const FILTER_CHARS_MAX = 2000;
const WORDS_MAX = 32;

/** Whom the number of a session is asked of; undefined while it is not known. */
export type SessionOf = (entry: Entry) => number | undefined;

export interface Filter {
  readonly matches: (entry: Entry, sessionOf: SessionOf) => boolean;
  /** Sessions must be known. */
  readonly needsSessions: boolean;
}

type Test = (entry: Entry, sessionOf: SessionOf) => boolean;

interface Word {
  readonly test: Test;
  /** Lower is asked first. */
  readonly cost: number;
}

const COST = { field: 0, pair: 1, text: 2 } as const;

export function parseFilter(text: string): Filter | string {
  if (text.length > FILTER_CHARS_MAX) return `a filter may have ${FILTER_CHARS_MAX} characters`;
  const words: Word[] = [];
  let needsSessions = false;
  for (const raw of split(text)) {
    const isNot = raw.startsWith("-") && raw.length > 1;
    const found = wordOf(isNot ? raw.slice(1) : raw);
    if (typeof found === "string") return found;
    const { test, cost } = found;
    words.push({ cost, test: isNot ? (entry, of) => !test(entry, of) : test });
    needsSessions ||= /^-?session:/i.test(raw);
  }
  if (words.length > WORDS_MAX) return `a filter may have ${WORDS_MAX} words`;
  const tests = words.toSorted((a, b) => a.cost - b.cost).map(({ test }) => test);
  return { needsSessions, matches: (entry, of) => tests.every((test) => test(entry, of)) };
}

/** At blanks, but for those between quotes. */
function split(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let isQuoted = false;
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    if (isQuoted || char.trim() !== "") word += char;
    else if (word !== "") {
      words.push(word);
      word = "";
    }
  }
  return word === "" ? words : [...words, word];
}

function wordOf(raw: string): Word | string {
  const colon = raw.startsWith('"') ? -1 : raw.indexOf(":");
  const name = raw.slice(0, Math.max(0, colon)).toLowerCase();
  const value = raw.slice(colon + 1).replaceAll('"', "");
  const make = WORDS.get(name);
  // What only looks like a name, such as the scheme of a URL, is text.
  return make === undefined ? textWord(raw.replaceAll('"', "")) : make(value);
}

const WORDS: ReadonlyMap<string, (value: string) => Word | string> = new Map([
  ["method", methodWord],
  ["status", statusWord],
  ["route", routeWord],
  ["service", serviceWord],
  ["session", sessionWord],
  ["is", isWord],
]);

function methodWord(value: string): Word {
  const wanted = value.toUpperCase();
  return { cost: COST.field, test: ({ method }) => method.toUpperCase() === wanted };
}

/** Of any of its answers: `404`, `5xx`. */
function statusWord(value: string): Word | string {
  if (!/^[1-9](?:\d\d|xx)$/i.test(value)) {
    return `status: must be a number such as 404, or a class such as 5xx; got ${value}`;
  }
  const isClass = /xx$/i.test(value);
  const wanted = Number(value.slice(0, isClass ? 1 : 3));
  const fits = (kept: Kept): boolean =>
    (isClass ? Math.floor(kept.status / 100) : kept.status) === wanted;
  return { cost: COST.field, test: (entry) => answersOf(entry).some(fits) };
}

/** `*` stands for anything; asked of the framework's route, the path, and the path's shape. */
function routeWord(value: string): Word {
  const test: Test = ({ context, target }) =>
    like(value, context.route ?? "") || like(value, target) || like(value, routeShape(target));
  return { cost: COST.field, test };
}

function serviceWord(value: string): Word {
  return { cost: COST.field, test: ({ context }) => like(value, context.service ?? "") };
}

function sessionWord(value: string): Word | string {
  if (!/^\d{1,9}$/.test(value)) return `session: must be a number; got ${value}`;
  const wanted = Number(value);
  return { cost: COST.field, test: (entry, of) => of(entry) === wanted };
}

function isWord(value: string): Word | string {
  if (value === "different") {
    return { cost: COST.pair, test: (entry) => (differsIn(entry) ?? 0) > 0 };
  }
  if (value === "same") return { cost: COST.pair, test: (entry) => differsIn(entry) === 0 };
  if (value === "failed") {
    const failed = ({ failure }: Kept): boolean => failure !== undefined;
    return { cost: COST.field, test: ({ replayed }) => [...replayed.values()].some(failed) };
  }
  return `is: must be different, same or failed; got ${value}`;
}

/** In any head or decoded body, whatever the case of its letters. */
function textWord(value: string): Word {
  const wanted = value.toLowerCase();
  // Bodies are looked at as bytes: what is not ASCII is two or more of them.
  const needle = Buffer.from(wanted, "utf8").toString("latin1");
  return { cost: COST.text, test: (entry) => entry.id === value || hasText(entry, needle) };
}

function hasText(entry: Entry, needle: string): boolean {
  if (has(entry.request.bytes, needle)) return true;
  for (const kept of answersOf(entry)) if (has(kept.bytes, needle)) return true;
  const { request, original, replayed } = entry;
  const sides: [Kept | undefined, MessageKind][] = [
    [request, MessageKind.request],
    [original, MessageKind.response],
    ...[...replayed.values()].map((kept): [Kept, MessageKind] => [kept, MessageKind.replayed]),
  ];
  return sides.some(([kept, kind]) => {
    if (kept === undefined) return false;
    const message = messageOf(entry, kept, kind);
    const decoded = bodyBytes(message);
    return decoded !== message.http.body && has(decoded, needle);
  });
}

function has(bytes: Uint8Array, needle: string): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return lowerAscii(text).includes(needle);
}

/** Letters of ASCII only: others are parts of characters here. */
function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function answersOf({ original, replayed }: Entry): Kept[] {
  return original === undefined ? [...replayed.values()] : [original, ...replayed.values()];
}

/** `*` stands for anything; without one the pattern may stand anywhere. */
function like(pattern: string, text: string): boolean {
  const parts = pattern.toLowerCase().split("*");
  const lower = text.toLowerCase();
  const [first = ""] = parts;
  if (parts.length === 1) return lower.includes(first);
  if (!lower.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = lower.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  const last = parts.at(-1) ?? "";
  return lower.length - at >= last.length && lower.endsWith(last);
}
