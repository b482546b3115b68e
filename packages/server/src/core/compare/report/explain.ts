/**
 * Explains the differing values of one place: made anew by a generator, moved by the clock, called otherwise in the copy, a link to the
 * copy itself. In: the occurrences of one rung and what the run learned. Out: how many each reason explains, and what is left.
 *
 * A class of formats is believed of the place, over all its values. What contradicts a renaming, or is the image of another session's value,
 * is not explained.
 */
import {
  GENERATED,
  TIMES,
  ValueClass,
  classesOf,
  timeOf,
  timeStepOf,
} from "../../content/value-class.ts";
import { isArray, isObject, parseJson, scalarText } from "../../content/json.ts";
import type { Json } from "../../content/json.ts";
import type { ExchangeRef, Occurrence, Rung } from "../differences/place.ts";
import { mayBeRenamed, nameOfPath } from "../renaming.ts";
import type { Renaming } from "../renaming.ts";
import { Privacy } from "./privacy.ts";
import type { DifferenceKind } from "./report.ts";
import { tokenPairs } from "../differences/tokens.ts";
import type { Values } from "../differences/values.ts";

/** What the whole run learned. */
export interface World {
  readonly renaming: Renaming;
  readonly values: Values;
  /** What a session is called now. */
  readonly session: (session: number) => number;
  /** How far the copy's clock is ahead. */
  readonly clockMs: number;
  /** How much later exchanges were replayed than recorded, by the copy's clock. */
  readonly shiftMinMs: number;
  readonly shiftMaxMs: number;
  /** Words of the addresses of the service and of its copies. */
  readonly hostsA: ReadonlySet<string>;
  readonly hostsB: ReadonlySet<string>;
}

export interface Left {
  readonly occurrence: Occurrence;
  readonly kind: DifferenceKind;
}

export interface Explanation {
  readonly reasons: ReadonlyMap<string, number>;
  readonly left: readonly Left[];
}

/** So many of a place's values must have a class: one in some thousand lacks it by chance, a broken one is rarer still. */
const CLASS_SHARE_MIN = 0.9;
/** A time is taken while the exchange runs, and rounded. */
const TIME_SLACK_MS = 2500;
/** What a copy dated when it started differs from the exchange's shift by how much longer either ran before. */
const START_SLACK_MS = 600_000;
/** Classes whose loss is a difference of format. Whole and fractional numbers are values. */
const FORMATS: number =
  GENERATED | TIMES | ValueClass.url | ValueClass.email | ValueClass.labelledId;
/** So many of a producer's values are used: amounts and balances meet an id by chance only. */
const USED_SHARE_MIN = 0.5;
const PRODUCER_NAME = "id";
/** Names of times that pass: how long, not when. */
const DURATION =
  /^(?:uptime|elapsed|took|ttl|age|duration|latency|expires_?in|expiresin|remaining)(?:_?(?:ms|s|sec|seconds))?$/i;

export function explain(rung: Rung, world: World): Explanation {
  if (rung.kind !== "value" && rung.kind !== "text") {
    return {
      reasons: new Map(),
      left: rung.stored.map((occurrence) => ({ occurrence, kind: rung.kind })),
    };
  }
  return new Explainer(rung, world).run();
}

class Explainer {
  readonly #rung: Rung;
  readonly #world: World;
  readonly #name: string;
  readonly #classesA: number;
  readonly #classesB: number;
  /** How each value is called here, and from what each came: the first wins. */
  readonly #images: Map<string, string> = new Map();
  readonly #origins: Map<string, string> = new Map();
  readonly #seen: Map<string, number> = new Map();
  readonly #privacy: Privacy;
  /** Each value has one name in the copy, and no two share one. */
  readonly #isSequence: boolean;
  /** Later requests carry the values of this place: they are ids, whatever it is called. */
  readonly #isProducer: boolean;

  constructor(rung: Rung, world: World) {
    this.#rung = rung;
    this.#world = world;
    this.#name =
      rung.part === "header" ? rung.where || rung.path : nameOfPath(rung.where || rung.path);
    const { stored } = rung;
    this.#classesA = commonClasses(stored.map(({ a }) => a));
    this.#classesB = commonClasses(stored.map(({ b }) => b));
    for (const { a, b } of stored) {
      if (!this.#images.has(a)) this.#images.set(a, b);
      if (!this.#origins.has(b)) this.#origins.set(b, a);
      this.#seen.set(a, (this.#seen.get(a) ?? 0) + 1);
    }
    this.#privacy = new Privacy(stored, world.values, world.session);
    const used = stored.filter(({ a, exchange }) => world.values.isUsedAfter(a, exchange.index));
    this.#isProducer = used.length >= stored.length * USED_SHARE_MIN;
    this.#isSequence = stored.every(
      ({ a, b }) => this.#images.get(a) === b && this.#origins.get(b) === a,
    );
  }

  run(): Explanation {
    const reasons = new Map<string, number>();
    const left: Left[] = [];
    for (const occurrence of this.#rung.stored) {
      const found = this.#explain(occurrence);
      if (found.reason === undefined) left.push({ occurrence, kind: found.kind });
      else reasons.set(found.reason, (reasons.get(found.reason) ?? 0) + 1);
    }
    return { reasons, left };
  }

  #explain(occurrence: Occurrence): { reason?: string | undefined; kind: DifferenceKind } {
    const { a, b } = occurrence;
    const { kind } = this.#rung;
    if (this.#isLeak(occurrence)) return { kind: "leak" };
    const formats = this.#classesA & FORMATS;
    if (formats !== 0 && (classesOf(b) & formats) === 0 && !this.#isRenamed(a, b)) {
      return { kind: kind === "text" ? "text" : "format" };
    }
    return { reason: this.#reason(occurrence), kind };
  }

  #reason(occurrence: Occurrence): string | undefined {
    const { a, b, exchange } = occurrence;
    const shiftMs = exchange.replayedAtMs - exchange.originalAtMs + this.#world.clockMs;
    const isAlikeInside = this.#encoded(occurrence, shiftMs);
    if (isAlikeInside !== undefined) return isAlikeInside ? "mapped" : undefined;
    const common = this.#classesA & this.#classesB;
    if ((common & GENERATED) !== 0 && lengthsFit(a, b, common)) {
      if (this.#contradicts(a, b) || this.#world.renaming.isMixedUp(a, b)) return undefined;
      return this.#isMapped(occurrence) ? "mapped" : `generated ${nameOfClass(common)}`;
    }
    const time = this.#timeReason(occurrence, classesOf(a) & classesOf(b) & TIMES);
    if (time !== undefined) return time;
    if (mayBeRenamed(this.#isProducer ? PRODUCER_NAME : this.#name, a, b)) {
      // A short id that is called now this and now that is no renaming.
      if (this.#images.get(a) !== b || this.#origins.get(b) !== a) return undefined;
      if (this.#isMapped(occurrence)) return "mapped";
      return this.#isSequence ? "sequence" : undefined;
    }
    if (DURATION.test(this.#name) && Number.isFinite(Number(a)) && Number.isFinite(Number(b))) {
      return "duration";
    }
    return this.#inside(a, b, shiftMs);
  }

  /** Another session's value where this session's own is expected. */
  #isLeak({ a, b, exchange }: Occurrence): boolean {
    // A moment is nobody's: live, another caller may well have been answered in the same second.
    if (!this.#privacy.isPrivate || (this.#classesA & this.#classesB & TIMES) !== 0) return false;
    const isNumber = (classesOf(b) & (ValueClass.integer | ValueClass.labelledId)) !== 0;
    // Short ids are counted anew in a copy: only where they came from tells whose they are.
    const origin = this.#world.renaming.origin(b) ?? (isNumber ? undefined : b);
    if (origin === undefined || origin === a) return false;
    return this.#privacy.isOfAnother(exchange.session, a, origin);
  }

  #isRenamed(a: string, b: string): boolean {
    return this.#world.renaming.sightings(a, b) > 1;
  }

  #contradicts(a: string, b: string): boolean {
    return this.#images.get(a) !== b || this.#origins.get(b) !== a ? !this.#isVolatile() : false;
  }

  /** A place whose values change at each look has no renaming to contradict. */
  #isVolatile(): boolean {
    const { stored } = this.#rung;
    const broken = stored.filter(
      ({ a, b }) => this.#images.get(a) !== b || this.#origins.get(b) !== a,
    );
    return broken.length * 5 > stored.length;
  }

  #isMapped({ a, b, exchange }: Occurrence): boolean {
    if (this.#world.renaming.sightings(a, b) > 1 || (this.#seen.get(a) ?? 0) > 1) return true;
    return this.#world.values.isUsedAfter(a, exchange.index);
  }

  #timeReason({ a, b, exchange }: Occurrence, classes: number): string | undefined {
    if (classes === 0) return undefined;
    const delta = timeOf(b, classes) - timeOf(a, classes);
    if (Number.isNaN(delta)) return undefined;
    const slack = TIME_SLACK_MS + timeStepOf(classes, a);
    const { shiftMinMs, shiftMaxMs } = this.#world;
    if (delta >= shiftMinMs - slack && delta <= shiftMaxMs + slack) return "clock";
    const isPast = timeOf(a, classes) < exchange.originalAtMs;
    const fromStart = delta >= shiftMinMs - START_SLACK_MS && delta <= shiftMaxMs + START_SLACK_MS;
    return isPast && fromStart ? "clock" : undefined;
  }

  /** A link, a sentence or a cursor: every token in it that differs must be explained. */
  #inside(a: string, b: string, shiftMs: number): string | undefined {
    const pairs = tokenPairs(a, b);
    if (pairs === undefined || pairs.length === 0) return undefined;
    if (pairs.length === 1 && pairs[0]?.a === a) return this.#token(a, b, shiftMs);
    let reason: string | undefined;
    for (const pair of pairs) {
      reason = this.#token(pair.a, pair.b, shiftMs);
      if (reason === undefined) return undefined;
    }
    return reason;
  }

  #token(a: string, b: string, shiftMs: number): string | undefined {
    const { renaming, hostsA, hostsB } = this.#world;
    if (renaming.sightings(a, b) > 0) return "mapped";
    if (hostsA.has(a) && hostsB.has(b)) return "host";
    const classes = withoutDigits(classesOf(a) & classesOf(b));
    if ((classes & GENERATED) !== 0 && lengthsFit(a, b, classes)) {
      return renaming.contradicts(a, b) ? undefined : `generated ${nameOfClass(classes)}`;
    }
    if ((classes & TIMES) === 0) return undefined;
    const delta = timeOf(b, classes) - timeOf(a, classes);
    return Math.abs(delta - shiftMs) <= TIME_SLACK_MS + timeStepOf(classes, a)
      ? "clock"
      : undefined;
  }

  /** State in base64url, as cursors have it: what is in it must be explained. Undefined when there is none. */
  #encoded({ a, b, exchange }: Occurrence, shiftMs: number): boolean | undefined {
    const [left, right] = [decodedState(a), decodedState(b)];
    if (left === undefined || right === undefined) return undefined;
    return this.#alike(left, right, exchange, shiftMs);
  }

  #alike(a: Json, b: Json, exchange: ExchangeRef, shiftMs: number): boolean {
    if (isArray(a) && isArray(b)) {
      return (
        a.length === b.length && a.every((x, i) => this.#alike(x, b[i] ?? null, exchange, shiftMs))
      );
    }
    if (isObject(a) && isObject(b)) {
      const names = Object.keys(a);
      const isSame = names.length === Object.keys(b).length;
      return (
        isSame &&
        names.every((key) => this.#alike(a[key] ?? null, b[key] ?? null, exchange, shiftMs))
      );
    }
    const [x, y] = [scalarText(a), scalarText(b)];
    if (x === y || this.#token(x, y, shiftMs) !== undefined) return true;
    const time = classesOf(x) & classesOf(y) & TIMES;
    if (this.#timeReason({ a: x, b: y, exchange, control: undefined }, time) !== undefined)
      return true;
    // A position in a list, whatever it is called there: an id, unless it is known to have another name.
    return mayBeRenamed(PRODUCER_NAME, x, y) && !this.#world.renaming.isCalledOtherwise(x, y);
  }
}

/** Base64 or base64url of a JSON object or array. */
function decodedState(text: string): Json | undefined {
  if (text.length < 8 || text.length > 4096 || !/^[\w+/=%-]+$/.test(text)) return undefined;
  const bytes = Buffer.from(text.replaceAll("%3D", "="), "base64");
  if (bytes[0] !== 0x7b && bytes[0] !== 0x5b) return undefined;
  return parseJson(bytes.toString("utf8"));
}

/** The classes that nearly all of the values have. */
function commonClasses(values: readonly string[]): number {
  const counts = new Map<number, number>();
  for (const value of values) {
    const classes = classesOf(value);
    for (let bit = 1; bit <= classes; bit <<= 1) {
      if ((classes & bit) !== 0) counts.set(bit, (counts.get(bit) ?? 0) + 1);
    }
  }
  let common = 0;
  for (const [bit, count] of counts) {
    if (count >= values.length * CLASS_SHARE_MIN) common |= bit;
  }
  return withoutDigits(common);
}

/** Digits alone are hexadecimal only where others have letters. */
function withoutDigits(classes: number): number {
  return (classes & ValueClass.integer) === 0
    ? classes
    : classes & ~(ValueClass.hex | ValueClass.hash);
}

/** Hexadecimal of another length is another thing; tokens and JWTs vary in length. */
function lengthsFit(a: string, b: string, classes: number): boolean {
  if ((classes & (ValueClass.jwt | ValueClass.token)) !== 0) return true;
  return a.length === b.length;
}

function nameOfClass(classes: number): string {
  for (const [name, bit] of Object.entries(ValueClass)) {
    if ((classes & bit) !== 0) return name;
  }
  return "value";
}
