/**
 * Walks two JSON values side by side and says where they differ, on the first rung that does: presence, type, length, value. In: two
 * values, what is known of renamed ids. Out: differences, and the pairs of scalars that the renaming may learn from.
 *
 * Formats are not judged here: a format belongs to a place over all its values.
 */
import { isArray, isObject, longNumber, scalarText, typeOf } from "../../content/json.ts";
import type { Json, JsonObject } from "../../content/json.ts";
import { elementPath, memberPath } from "../../content/path.ts";
import { classesOf, isStrong } from "../../content/value-class.ts";
import { align, keyOf } from "./align.ts";
import type { Image } from "./align.ts";
import type { DifferenceKind } from "../report/report.ts";

export interface WalkSink {
  readonly image: Image;
  /** True when the recording knows the value, under its own or another name. */
  isKnown(value: string): boolean;
  /** `grown`: a list of b has more, all of it unknown to the recording. */
  differs(path: string, kind: DifferenceKind, a: string, b: string, grown?: boolean): void;
}

/** Deeper values are compared as text. */
const DEPTH_MAX = 64;
/** Differences of one body; more say nothing new. */
const DIFFERENCES_MAX = 500;
/** An object with more members, or with ids as names, is a table: its names are data. */
const MEMBERS_MAX = 50;
/** Doubles that differ by less are the same number, computed in another order. */
const RELATIVE_EPSILON = 1e-12;

export function walk(a: Json, b: Json, root: string, sink: WalkSink): void {
  new Walk(sink).compare(a, b, root, 0);
}

class Walk {
  readonly #sink: WalkSink;
  #left = DIFFERENCES_MAX;

  constructor(sink: WalkSink) {
    this.#sink = sink;
  }

  compare(a: Json, b: Json, path: string, depth: number): void {
    if (a === b || this.#left <= 0) return;
    const [typeA, typeB] = [typeOf(a), typeOf(b)];
    if (typeA !== typeB) this.#differs(path, "type", textOf(a), textOf(b));
    else if (isArray(a) && isArray(b)) this.#arrays(a, b, path, depth);
    else if (isObject(a) && isObject(b)) this.#objects(a, b, path, depth);
    else if (!sameScalar(a, b)) this.#differs(path, "value", scalarText(a), scalarText(b));
  }

  #objects(a: JsonObject, b: JsonObject, path: string, depth: number): void {
    if (depth > DEPTH_MAX) return this.#asText(a, b, path);
    const names = Object.keys(a);
    if (isTable(names)) return this.#tables(a, b, path, depth);
    for (const name of names) {
      const at = memberPath(path, name);
      const other = member(b, name);
      const own = a[name] ?? null;
      if (other === undefined) this.#differs(at, "missing", textOf(own), "");
      else this.compare(own, other, at, depth + 1);
    }
    for (const name of Object.keys(b)) {
      if (!Object.hasOwn(a, name)) {
        this.#differs(memberPath(path, name), "added", "", textOf(b[name] ?? null));
      }
    }
  }

  /** Members whose names are data: paired by name, through the renaming. */
  #tables(a: JsonObject, b: JsonObject, path: string, depth: number): void {
    const rest = new Set(Object.keys(b));
    const at = memberPath(path, "{*}");
    let missing = 0;
    for (const name of Object.keys(a)) {
      const image = this.#sink.image(name);
      const key = image !== undefined && rest.has(image) ? image : name;
      const other = rest.has(key) ? b[key] : undefined;
      rest.delete(key);
      if (other === undefined) missing += 1;
      else this.compare(a[name] ?? null, other, at, depth + 1);
    }
    if (missing !== rest.size) {
      this.#differs(path, "length", String(Object.keys(a).length), String(Object.keys(b).length));
    } else if (missing > 0) {
      this.#differs(at, "value", textOf(Object.keys(a)), textOf(Object.keys(b)));
    }
  }

  #arrays(a: readonly Json[], b: readonly Json[], path: string, depth: number): void {
    if (depth > DEPTH_MAX) return this.#asText(a, b, path);
    const { pairs, onlyA, onlyB, reordered } = align(a, b, this.#sink.image);
    if (a.length !== b.length) {
      const grown = onlyA.length === 0 && onlyB.every((j) => this.#isNew(b[j] ?? null));
      this.#differs(path, "length", String(a.length), String(b.length), grown);
    }
    if (reordered) this.#differs(path, "order", textOf(a), textOf(b));
    const at = elementPath(path);
    for (const [i, j] of pairs) this.compare(a[i] ?? null, b[j] ?? null, at, depth + 1);
    if (a.length !== b.length) return;
    for (const i of onlyA) this.#differs(at, "missing", textOf(a[i] ?? null), "");
    for (const j of onlyB) this.#differs(at, "added", "", textOf(b[j] ?? null));
  }

  #isNew(element: Json): boolean {
    const key = keyOf(element);
    return key !== undefined && !this.#sink.isKnown(key);
  }

  #asText(a: Json, b: Json, path: string): void {
    const [left, right] = [textOf(a), textOf(b)];
    if (left !== right) this.#differs(path, "value", left, right);
  }

  #differs(path: string, kind: DifferenceKind, a: string, b: string, grown = false): void {
    if (this.#left <= 0) return;
    this.#left -= 1;
    this.#sink.differs(path, kind, a, b, grown);
  }
}

/** Own members only: a body may well have one that is called `constructor`. */
function member(value: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** True when names are data: very many, or all of them ids. */
function isTable(names: readonly string[]): boolean {
  if (names.length > MEMBERS_MAX) return true;
  return (
    names.length > 0 && names.every((name) => /^\d+$/.test(name) || isStrong(name, classesOf(name)))
  );
}

function sameScalar(a: Json, b: Json): boolean {
  if (typeof a === "number" && typeof b === "number") {
    return Math.abs(a - b) <= RELATIVE_EPSILON * Math.max(Math.abs(a), Math.abs(b));
  }
  if (typeof a === "string" && typeof b === "string" && longNumber(a) === undefined) return a === b;
  return scalarText(a) === scalarText(b);
}

function textOf(value: Json | readonly string[]): string {
  return typeof value === "string" ? scalarText(value) : JSON.stringify(value);
}
