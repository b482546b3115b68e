/**
 * Which value of the original is which of the replay: one map for all sessions, learned from pairs of values at the same place. In: pairs.
 * Out: images and origins. The first mapping stays; what contradicts it is counted and never overwrites it.
 *
 * Only values that name something are learned: ids, tokens, numbers under an id's name. A word that became another word is a
 * difference, however regular.
 */
import { TIMES, ValueClass, classesOf, isStrong } from "../content/value-class.ts";
import { isIdName } from "./id-names.ts";

/** Digits with which a labelled number names a thing under any member's name. */
const TELLING_DIGITS_MIN = 4;
/** Pairs that are remembered; beyond them nothing more is learned. */
const PAIRS_MAX = 500_000;

/** Values of the copy that stood for several of the original, and those of each. */
const RIVALS_MAX = 50_000;
const RIVALS_A_VALUE_MAX = 8;

interface Mapping {
  readonly to: string;
  sightings: number;
  contradictions: number;
}

export class Renaming {
  readonly #images: Map<string, Mapping> = new Map();
  readonly #origins: Map<string, string> = new Map();
  /** Further values of the original that b was seen for, and how often. */
  readonly #rivals: Map<string, Map<string, number>> = new Map();
  /** Pairs that found no room. */
  overflow = 0;

  image(a: string): string | undefined {
    return this.#images.get(a)?.to;
  }

  origin(b: string): string | undefined {
    return this.#origins.get(b);
  }

  /** What b was most often seen for: a value of another session that came first does not own it. */
  mostlyFrom(b: string): string | undefined {
    const first = this.#origins.get(b);
    let best = first;
    let most = first === undefined ? 0 : (this.#images.get(first)?.sightings ?? 0);
    for (const [a, sightings] of this.#rivals.get(b) ?? []) {
      if (sightings > most) [best, most] = [a, sightings];
    }
    return best;
  }

  /** Takes note of a pair, also of an equal one: that a value kept its name is a mapping, too. */
  learn(a: string, b: string): void {
    const known = this.#images.get(a);
    if (known !== undefined) {
      if (known.to === b) known.sightings += 1;
      else known.contradictions += 1;
      return;
    }
    if (this.#origins.has(b)) return this.#noteRival(a, b);
    if (this.#images.size >= PAIRS_MAX) {
      this.overflow += 1;
      return;
    }
    this.#images.set(a, { to: b, sightings: 1, contradictions: 0 });
    this.#origins.set(b, a);
  }

  #noteRival(a: string, b: string): void {
    const rivals = this.#rivals.get(b) ?? new Map<string, number>();
    if (!this.#rivals.has(b)) {
      if (this.#rivals.size >= RIVALS_MAX) return;
      this.#rivals.set(b, rivals);
    }
    if (rivals.has(a) || rivals.size < RIVALS_A_VALUE_MAX) rivals.set(a, (rivals.get(a) ?? 0) + 1);
  }

  /** True when a has another name, seen more than once, and b is the name of another value. */
  isMixedUp(a: string, b: string): boolean {
    const known = this.#images.get(a);
    const origin = this.#origins.get(b);
    return (
      known !== undefined &&
      known.to !== b &&
      known.sightings > 1 &&
      origin !== undefined &&
      origin !== a
    );
  }

  /** How often a was seen as b, when nothing contradicts it; else 0. */
  sightings(a: string, b: string): number {
    const known = this.#images.get(a);
    if (known === undefined || known.to !== b || known.contradictions > known.sightings) return 0;
    return this.#origins.get(b) === a ? known.sightings : 0;
  }

  /** True when a was seen more than once, always by one name, and that is not b. */
  isCalledOtherwise(a: string, b: string): boolean {
    const known = this.#images.get(a);
    return (
      known !== undefined && known.to !== b && known.sightings > 1 && known.contradictions === 0
    );
  }

  /** True when a is known by another name than b, or b is the name of something else. */
  contradicts(a: string, b: string): boolean {
    const known = this.#images.get(a);
    const origin = this.#origins.get(b);
    return (known !== undefined && known.to !== b) || (origin !== undefined && origin !== a);
  }
}

/** True when both values may name the same thing: alike in format, and of a kind that names things. `name`: the member's. */
export function mayBeRenamed(name: string, a: string, b: string): boolean {
  const [classesA, classesB] = [classesOf(a), classesOf(b)];
  if (((classesA | classesB) & TIMES) !== 0 && !isIdName(name)) return false;
  if (isStrong(a, classesA) && isStrong(b, classesB)) return true;
  const common = classesA & classesB;
  if ((common & (ValueClass.labelledId | ValueClass.hex)) !== 0) {
    return labelsAlike(a, b) && (isIdName(name) || isTelling(a));
  }
  return (common & ValueClass.integer) !== 0 && isIdName(name);
}

/** `tier_2` is a word of a list, `ord_10017` names something. */
function isTelling(text: string): boolean {
  return text.replace(/^\D+/, "").length >= TELLING_DIGITS_MIN;
}

/** `ord_17` may become `ord_23`, not `inv_23`. */
function labelsAlike(a: string, b: string): boolean {
  const label = (text: string): string => text.replace(/(?<!\d)\d+$/, "");
  return label(a) === label(b) || (/^[\da-f]+$/i.test(a) && a.length === b.length);
}

/** The last member name of a path: `id` of `$.items[].id`. */
export function nameOfPath(path: string): string {
  let end = path.length;
  while (path.endsWith("[]", end) && end > 0) end -= 2;
  return path.slice(path.lastIndexOf(".", end - 1) + 1, end);
}
