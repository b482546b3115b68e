/**
 * Which elements of two arrays belong together. In: two arrays of JSON and what is known of renamed ids. Out: pairs of positions, what is
 * left on either side, and whether the order is another.
 *
 * Elements are paired by an id-like key (through the known renaming first, then as it is), by what remains when generated values are left
 * out, or by position: whichever leaves the least unexplained. Nothing is learned from a pair before this has been decided.
 */
import { isArray, isObject, scalarText } from "../../content/json.ts";
import type { Json, JsonObject } from "../../content/json.ts";
import { GENERATED, TIMES, classesOf, isStrong } from "../../content/value-class.ts";
import { isIdName } from "../id-names.ts";

/** What a value of the original is called in the replay, as far as it is known. */
export type Image = (value: string) => string | undefined;

export interface Alignment {
  /** Positions in a and b, in the order of a. */
  readonly pairs: readonly (readonly [number, number])[];
  /** Positions in a whose partner is only the most similar one, or the next in order: it may be another thing. */
  readonly guessed: ReadonlySet<number>;
  readonly onlyA: readonly number[];
  readonly onlyB: readonly number[];
  readonly reordered: boolean;
}

/** Longer arrays are paired by position. */
const ALIGNED_MAX = 1000;

/** Elements of which every pair may be tried: the work grows with the square. */
const TRIED_MAX = 128;
/** A short id may mean several things: it pairs elements only when so much of them is the same. */
const ALIKE_MIN = 0.5;

export function align(a: readonly Json[], b: readonly Json[], image: Image): Alignment {
  if (a.length > ALIGNED_MAX || b.length > ALIGNED_MAX) return byPosition(a.length, b.length);
  return new Matching(a, b, image).run();
}

function byPosition(a: number, b: number): Alignment {
  const common = Math.min(a, b);
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
  return {
    pairs: numbers(0, common).map((i) => [i, i] as const),
    guessed: new Set(numbers(0, common)),
    onlyA: numbers(common, a),
    onlyB: numbers(common, b),
    reordered: false,
  };
}

/** In this order: known ids, the same content, known short ids and equal ids of similar content, the most similar, what is left in order. */
class Matching {
  readonly #left: readonly Element[];
  readonly #right: readonly Element[];
  /** For each of a its place in b; -1 while it has none. */
  readonly #partner: number[];
  readonly #taken: boolean[];
  readonly #guessed: Set<number> = new Set();
  readonly #image: Image;

  constructor(a: readonly Json[], b: readonly Json[], image: Image) {
    this.#image = image;
    this.#left = a.map((value) => elementOf(value, image));
    this.#right = b.map((value) => elementOf(value, undefined));
    this.#partner = Array.from<number>({ length: a.length }).fill(-1);
    this.#taken = Array.from<boolean>({ length: b.length }).fill(false);
  }

  run(): Alignment {
    const isStrongKey = ({ key }: Element): boolean =>
      key !== undefined && isStrong(key, classesOf(key));
    this.#match(
      (each) => (isStrongKey(each) ? this.#imageOf(each) : undefined),
      (each) => each.key,
      0,
    );
    this.#match(
      (each) => named(this.#imageOf(each), each),
      (each) => named(each.key, each),
      0,
    );
    this.#match(signatureOf, signatureOf, 0);
    this.#match(
      (each) => this.#imageOf(each),
      (each) => each.key,
      ALIKE_MIN,
    );
    this.#match(
      (each) => each.key,
      (each) => each.key,
      ALIKE_MIN,
    );
    this.#matchSimilar();
    if (this.#left.length === this.#right.length) this.#matchRest();
    for (const [i, element] of this.#left.entries()) {
      if (!element.isTelling && !this.#isKnown(i, element)) this.#guessed.add(i);
    }
    return alignmentOf(this.#partner, this.#taken, this.#guessed);
  }

  /** Its partner has the key that it is known by, or its own. */
  #isKnown(i: number, element: Element): boolean {
    const key = this.#right[this.#partner[i] ?? -1]?.key;
    return key !== undefined && (key === element.key || key === this.#imageOf(element));
  }

  #imageOf({ key }: Element): string | undefined {
    return key === undefined ? undefined : this.#image(key);
  }

  #match(
    nameA: (element: Element) => string | undefined,
    nameB: (element: Element) => string | undefined,
    alikeMin: number,
  ): void {
    const places = this.#placesOf(nameB);
    for (const [i, element] of this.#left.entries()) {
      const name = this.#partner[i] === -1 ? nameA(element) : undefined;
      const free = name === undefined ? undefined : places.get(name);
      const j = free?.[0];
      if (j === undefined || free === undefined) continue;
      if (alikeMin > 0 && similarity(element, this.#right[j]) < alikeMin) continue;
      free.shift();
      this.#pair(i, j);
    }
  }

  #placesOf(nameOf: (element: Element) => string | undefined): Map<string, number[]> {
    const places = new Map<string, number[]>();
    for (const [j, element] of this.#right.entries()) {
      const name = this.#taken[j] === true ? undefined : nameOf(element);
      if (name === undefined) continue;
      const known = places.get(name);
      if (known === undefined) places.set(name, [j]);
      else known.push(j);
    }
    return places;
  }

  #matchSimilar(): void {
    const left = this.#restA();
    const right = new Set(this.#restB());
    if (left.length > TRIED_MAX || right.size > TRIED_MAX) return;
    for (const i of left) {
      let best = -1;
      let bestShare = ALIKE_MIN;
      for (const j of right) {
        const share = similarity(this.#left[i], this.#right[j]);
        if (share > bestShare) {
          best = j;
          bestShare = share;
        }
      }
      if (best === -1) continue;
      right.delete(best);
      this.#guess(i, best);
    }
  }

  /** Nothing has paired these: in order, and only when as many are left on both sides; else they are missing and added. */
  #matchRest(): void {
    const right = this.#restB();
    for (const [k, i] of this.#restA().entries()) {
      const j = right[k];
      if (j !== undefined) this.#guess(i, j);
    }
  }

  #restA(): number[] {
    return this.#partner.flatMap((j, i) => (j === -1 ? [i] : []));
  }

  #restB(): number[] {
    return this.#taken.flatMap((is, j) => (is ? [] : [j]));
  }

  #guess(i: number, j: number): void {
    this.#guessed.add(i);
    this.#pair(i, j);
  }

  #pair(i: number, j: number): void {
    this.#partner[i] = j;
    this.#taken[j] = true;
  }
}

interface Element {
  readonly key: string | undefined;
  /** Its members, with everything left out that a generator makes. */
  readonly parts: readonly string[];
  readonly signature: string;
  /** Something in it is not made by a generator. */
  readonly isTelling: boolean;
}

function elementOf(value: Json, image: Image | undefined): Element {
  const parts = isObject(value)
    ? Object.keys(value)
        .sort()
        .slice(0, SIGNATURE_KEYS_MAX)
        .map((name) => `${name}:${signature(value[name] ?? null, undefined, name, 1)}`)
    : [signature(value, image)];
  const isTelling = parts.some((part) => !part.endsWith("*"));
  return { key: keyOf(value), parts, signature: parts.join(","), isTelling };
}

function signatureOf({ signature: text }: Element): string {
  return text;
}

function named(key: string | undefined, { signature: text }: Element): string | undefined {
  return key === undefined ? undefined : `${key}\u0000${text}`;
}

/** The share of members that are alike, 0 to 1. */
function similarity(a: Element | undefined, b: Element | undefined): number {
  if (a === undefined || b === undefined) return 0;
  const right = new Set(b.parts);
  let same = 0;
  for (const part of a.parts) if (right.has(part)) same += 1;
  return same / Math.max(a.parts.length, b.parts.length, 1);
}

function alignmentOf(
  partner: readonly number[],
  taken: readonly boolean[],
  guessed: ReadonlySet<number>,
): Alignment {
  const pairs: [number, number][] = [];
  let before = -1;
  let reordered = false;
  for (const [i, j] of partner.entries()) {
    if (j === -1) continue;
    pairs.push([i, j]);
    if (j < before) reordered = true;
    before = j;
  }
  return {
    pairs,
    guessed,
    onlyA: partner.flatMap((j, i) => (j === -1 ? [i] : [])),
    onlyB: taken.flatMap((is, j) => (is ? [] : [j])),
    reordered,
  };
}

/** The value by which an element is known: itself, or its id-like member. */
export function keyOf(value: Json): string | undefined {
  if (!isObject(value)) return typeof value === "object" ? undefined : scalarText(value);
  const name = idMember(value);
  return name === undefined ? undefined : scalarText(value[name] ?? null);
}

const FIRST_CHOICE = ["id", "_id", "uuid", "key"];

function idMember(value: JsonObject): string | undefined {
  for (const name of FIRST_CHOICE) if (isKeyValue(value[name])) return name;
  return Object.keys(value).find((name) => isIdName(name) && isKeyValue(value[name]));
}

function isKeyValue(value: Json | undefined): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** Deep enough to tell elements apart. */
const SIGNATURE_DEPTH_MAX = 4;
const SIGNATURE_KEYS_MAX = 60;

/** An element with everything left out that a generator makes. `image`: of an original that stands by itself in the array. */
function signature(value: Json, image: Image | undefined, name = "", depth = 0): string {
  if (depth > SIGNATURE_DEPTH_MAX) return "…";
  if (isArray(value)) return `[${value.length}]`;
  if (isObject(value)) {
    const parts: string[] = [];
    for (const key of Object.keys(value).sort().slice(0, SIGNATURE_KEYS_MAX)) {
      parts.push(`${key}:${signature(value[key] ?? null, undefined, key, depth + 1)}`);
    }
    return `{${parts.join(",")}}`;
  }
  const text = scalarText(value);
  if (depth === 0) return image?.(text) ?? text;
  const isMade = isIdName(name) || (classesOf(text) & (GENERATED | TIMES)) !== 0;
  return isMade ? "*" : text;
}
