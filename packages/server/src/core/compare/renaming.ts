/**
 * Which value of the original is which of the replay: one map for all sessions, learned from pairs of values at the same place. In: pairs, each
 * with a witness: the place and the session that show it. Out: images and origins, one to one.
 *
 * While answers come the first mapping stands. Before anything is judged, what is contested is decided by the number of independent witnesses, and
 * the first only where they are as many: another tenant's list that came first does not name that tenant's values.
 * Only values that name something are learned: ids, tokens, numbers under an id's name. A word that became another word is a difference,
 * however regular.
 */
import { TIMES, ValueClass, classesOf, isStrong } from "../content/value-class.ts";
import { ownText } from "../content/own-text.ts";
import { isIdName } from "./id-names.ts";

/** Digits with which a labelled number names a thing under any member's name. */
const TELLING_DIGITS_MIN = 4;
/** Pairs that are remembered, and their characters; beyond them nothing more is learned. */
const PAIRS_MAX = 500_000;
const CHARS_MAX: number = 64 * 1024 * 1024;
/** Images of one value, and origins of one, that are remembered beside the first. */
const RIVALS_A_VALUE_MAX = 8;
/** Witnesses of a pair that are told apart; more of them add nothing. */
const WITNESSES_MAX = 8;

interface Pair {
  readonly a: string;
  readonly b: string;
  /** Order of arrival. */
  readonly at: number;
  sightings: number;
  /** The first one; the set is made for more. */
  readonly witness: number;
  witnesses: Set<number> | undefined;
  /** a is called b, and nothing else is. */
  stands: boolean;
}

/** Nearly all values have one pair; a list is made for more. */
type Pairs = Map<string, Pair | Pair[]>;

export class Renaming {
  readonly #ofA: Pairs = new Map();
  readonly #ofB: Pairs = new Map();
  /** Values of the original that have several images, or share one. */
  readonly #contested: Set<string> = new Set();
  #size = 0;
  #chars = 0;
  /** Pairs that found no room. */
  overflow = 0;

  image(a: string): string | undefined {
    return this.#standing(a)?.b;
  }

  origin(b: string): string | undefined {
    return pairsOf(this.#ofB, b).find(({ stands }) => stands)?.a;
  }

  /** Takes note of a pair. `witness`: a number of where and by whom it was seen; those of the same number are not independent. */
  learn(a: string, b: string, witness = 0): void {
    const known = pairsOf(this.#ofA, a).find((pair) => pair.b === b);
    if (known === undefined) return this.#add(ownText(a), ownText(b), witness);
    known.sightings += 1;
    if (known.witness === witness) return;
    known.witnesses ??= new Set([known.witness]);
    if (known.witnesses.size < WITNESSES_MAX) known.witnesses.add(witness);
  }

  #add(a: string, b: string, witness: number): void {
    const [images, origins] = [pairsOf(this.#ofA, a), pairsOf(this.#ofB, b)];
    const isCrowded = Math.max(images.length, origins.length) > RIVALS_A_VALUE_MAX;
    if (isCrowded || this.#size >= PAIRS_MAX || this.#chars >= CHARS_MAX) {
      this.overflow += 1;
      const last = images.at(-1);
      // What contradicts a value counts, also where it is not remembered.
      if (last !== undefined && images.length > RIVALS_A_VALUE_MAX) last.sightings += 1;
      return;
    }
    const stands = ![...images, ...origins].some((pair) => pair.stands);
    const at = this.#size;
    const pair = { a, b, at, sightings: 1, witness, witnesses: undefined, stands };
    this.#size += 1;
    this.#chars += a.length + b.length;
    this.#ofA.set(a, images.length === 0 ? pair : [...images, pair]);
    this.#ofB.set(b, origins.length === 0 ? pair : [...origins, pair]);
    if (images.length > 0 || origins.length > 0) this.#contested.add(a);
  }

  /** Decides what is contested. Asking again gives the same, until more was learned. */
  decide(): void {
    const pairs = this.#contestedPairs();
    for (const pair of pairs) pair.stands = false;
    const choices = ({ a }: Pair): number => pairsOf(this.#ofA, a).length;
    pairs.sort(
      (x, y) =>
        witnessesOf(y) - witnessesOf(x) ||
        y.sightings - x.sightings ||
        choices(x) - choices(y) ||
        x.at - y.at,
    );
    for (const pair of pairs) {
      const rivals = [...pairsOf(this.#ofA, pair.a), ...pairsOf(this.#ofB, pair.b)];
      pair.stands = !rivals.some(({ stands }) => stands);
    }
  }

  /** All pairs that a contested value may have to do with: what one of them is called decides what is left for others. */
  #contestedPairs(): Pair[] {
    const found = new Set<Pair>();
    const seen = new Set(this.#contested);
    const values = [...seen];
    for (let a = values.pop(); a !== undefined; a = values.pop()) {
      for (const pair of pairsOf(this.#ofA, a)) {
        found.add(pair);
        for (const { a: rival } of pairsOf(this.#ofB, pair.b)) {
          if (seen.has(rival)) continue;
          seen.add(rival);
          values.push(rival);
        }
      }
    }
    return [...found];
  }

  #standing(a: string): Pair | undefined {
    return pairsOf(this.#ofA, a).find(({ stands }) => stands);
  }

  /** True when a has another name, seen more than once, and b is the name of another value. */
  isMixedUp(a: string, b: string): boolean {
    const known = this.#standing(a);
    if (known === undefined || known.b === b || known.sightings <= 1) return false;
    const origin = this.origin(b);
    return origin !== undefined && origin !== a;
  }

  /** How often a was seen as b, when nothing contradicts it; else 0. */
  sightings(a: string, b: string): number {
    const known = this.#standing(a);
    if (known === undefined || known.b !== b) return 0;
    return this.#contradictionsOf(known) > known.sightings ? 0 : known.sightings;
  }

  /** True when a was seen more than once, always by one name, and that is not b. */
  isCalledOtherwise(a: string, b: string): boolean {
    const known = this.#standing(a);
    if (known === undefined || known.b === b || known.sightings <= 1) return false;
    return this.#contradictionsOf(known) === 0;
  }

  /** True when a is known by another name than b, or b is the name of something else. */
  contradicts(a: string, b: string): boolean {
    const [known, origin] = [this.image(a), this.origin(b)];
    return (known !== undefined && known !== b) || (origin !== undefined && origin !== a);
  }

  #contradictionsOf(known: Pair): number {
    const others = pairsOf(this.#ofA, known.a).filter((pair) => pair !== known);
    return others.reduce((sum, { sightings }) => sum + sightings, 0);
  }
}

function pairsOf(pairs: Pairs, value: string): readonly Pair[] {
  const found = pairs.get(value);
  if (found === undefined) return NONE;
  return Array.isArray(found) ? found : [found];
}

const NONE: readonly Pair[] = [];

function witnessesOf({ witnesses }: Pair): number {
  return witnesses?.size ?? 1;
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
