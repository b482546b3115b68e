/**
 * JSON as it was written: values that `JSON.parse` gives, but numbers that a double cannot hold stay text. In: text. Out: a value,
 * or undefined when the text is no JSON or is nested deeper than the bound. Its size is the caller's to bound.
 *
 * Node 20's `JSON.parse` shows no source text, so such numbers are wrapped in marked strings before it runs.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Stands in front of the digits of a number that is kept as text. */
const LONG_NUMBER_MARK = "\u0000number ";
/** Doubles hold every integer of fifteen digits; longer ones may change. */
const EXACT_DIGITS_MAX = 15;
const WHOLE_NUMBER = /^-?\d+$/;

/** Deeper nesting is an attack on whoever walks it: `JSON.stringify` alone fails at some thousand levels. */
export const NESTING_MAX = 256;

export function parseJson(text: string): Json | undefined {
  const { isDeep, hasLongNumber } = lookOver(text);
  if (isDeep) return undefined;
  try {
    return JSON.parse(hasLongNumber ? markLongNumbers(text) : text) as Json;
  } catch {
    return undefined;
  }
}

/** The digits of a number that is kept as text; undefined for everything else. */
export function longNumber(value: string): string | undefined {
  if (!value.startsWith(LONG_NUMBER_MARK)) return undefined;
  const digits = value.slice(LONG_NUMBER_MARK.length);
  return WHOLE_NUMBER.test(digits) ? digits : undefined;
}

export type JsonType = "null" | "boolean" | "number" | "string" | "array" | "object";

export function typeOf(value: Json): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "string") return longNumber(value) === undefined ? "string" : "number";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "object";
}

/** A scalar as text: strings as they are, numbers by their digits. */
export function scalarText(value: Json): string {
  if (typeof value === "string") return longNumber(value) ?? value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Outside strings: whether there are numbers of many digits, and how deep it is nested at most. */
function lookOver(text: string): { isDeep: boolean; hasLongNumber: boolean } {
  let run = 0;
  let depth = 0;
  let hasLongNumber = false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      run += 1;
      if (run > EXACT_DIGITS_MAX) hasLongNumber = true;
      continue;
    }
    run = 0;
    if (code === 0x22) i = behindString(text, i) - 1;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > NESTING_MAX) return { isDeep: true, hasLongNumber };
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return { isDeep: false, hasLongNumber };
}

function markLongNumbers(text: string): string {
  let out = "";
  let copied = 0;
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = behindString(text, at);
    else if (isNumberStart(code)) {
      const end = behindNumber(text, at);
      const digits = text.slice(at, end);
      if (isLong(digits)) {
        out += `${text.slice(copied, at)}"\\u0000number ${digits}"`;
        copied = end;
      }
      at = end;
    } else at += 1;
  }
  return out + text.slice(copied);
}

function behindString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    at += code === 0x5c ? 2 : 1;
  }
  return at;
}

function isNumberStart(code: number): boolean {
  return code === 0x2d || (code >= 0x30 && code <= 0x39);
}

/** JSON's numbers only: what follows another grammar must still fail to parse. */
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function behindNumber(text: string, start: number): number {
  NUMBER.lastIndex = start;
  const found = NUMBER.exec(text);
  return found === null ? start + 1 : start + found[0].length;
}

/** True for a whole number that a double would change or show otherwise. Fractions are compared as doubles anyway. */
function isLong(digits: string): boolean {
  if (digits.length <= EXACT_DIGITS_MAX || !WHOLE_NUMBER.test(digits)) return false;
  // What is shown of a double has no more digits than tell it from its neighbours.
  return String(Number(digits)) !== digits;
}
