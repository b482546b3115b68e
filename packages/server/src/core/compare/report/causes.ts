/**
 * Tells what follows from what: a difference whose value a later request used, or a write that went otherwise, explains differences after it.
 * In: the differences that nothing else explains, each with its exchanges. Out: for each its cause, or none.
 *
 * A difference is set aside only when every one of its exchanges comes after an exchange of the cause on which it depends: same session or
 * same things touched, and a way by which the one may lead to the other. Never whole sessions.
 */
import { classesOf, isStrong } from "../../content/value-class.ts";
import { isIdName } from "../id-names.ts";
import type { ExchangeRef, Occurrence } from "../differences/place.ts";
import { nameOfPath } from "../renaming.ts";
import type { DifferenceKind, Part } from "./report.ts";
import type { Values } from "../differences/values.ts";

export interface Suspect {
  readonly endpoint: string;
  readonly part: Part;
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly occurrences: readonly Occurrence[];
}

export interface Causes {
  /** The suspect that each follows from; absent for those that stand by themselves. */
  readonly causeOf: ReadonlyMap<Suspect, Suspect>;
  /** Suspects that follow from writes which were never replayed. */
  readonly unsent: ReadonlySet<Suspect>;
}

interface Event {
  readonly suspect: Suspect;
  readonly occurrence: Occurrence;
}

/** Kinds of differences by which an answer has less than the original had. */
const LOSSES: ReadonlySet<DifferenceKind> = new Set(["missing", "length", "type", "text", "bytes"]);

/** What may be a token inside a link or a text. */
const LONG_TOKEN = /[\w-]{16,}/g;

/** Causes that are looked at for one occurrence: the latest before it. */
const LOOKED_AT_MAX = 2000;

export class CauseFinder {
  readonly #values: Values;
  readonly #session: (session: number) => number;
  readonly #events: Event[];
  readonly #unsentWrites: readonly ExchangeRef[];

  constructor(
    suspects: readonly Suspect[],
    unsentWrites: readonly ExchangeRef[],
    values: Values,
    session: (session: number) => number,
  ) {
    this.#values = values;
    this.#session = session;
    this.#unsentWrites = unsentWrites;
    this.#events = suspects.flatMap((suspect) =>
      suspect.occurrences.map((occurrence) => ({ suspect, occurrence })),
    );
    this.#events.sort((x, y) => x.occurrence.exchange.index - y.occurrence.exchange.index);
  }

  find(): Causes {
    const causeOf = new Map<Suspect, Suspect>();
    const unsent = new Set<Suspect>();
    const bySuspect = new Map<Suspect, Map<Suspect | "unsent", number>>();
    const independent = new Set<Suspect>();
    for (const [at, event] of this.#events.entries()) {
      if (independent.has(event.suspect)) continue;
      const causes = this.#causesOf(event, at);
      if (causes.size === 0) {
        independent.add(event.suspect);
        bySuspect.delete(event.suspect);
        continue;
      }
      const counts = bySuspect.get(event.suspect) ?? new Map<Suspect | "unsent", number>();
      bySuspect.set(event.suspect, counts);
      for (const cause of causes) counts.set(cause, (counts.get(cause) ?? 0) + 1);
    }
    for (const [suspect, counts] of bySuspect) {
      const [best] = [...counts].sort((x, y) => y[1] - x[1]);
      if (best === undefined) continue;
      if (best[0] === "unsent") unsent.add(suspect);
      else causeOf.set(suspect, best[0]);
    }
    return { causeOf: withRoots(causeOf), unsent };
  }

  #causesOf({ suspect, occurrence }: Event, at: number): Set<Suspect | "unsent"> {
    const found = new Set<Suspect | "unsent">();
    const { exchange } = occurrence;
    for (let i = at - 1; i >= 0 && i >= at - LOOKED_AT_MAX; i -= 1) {
      const earlier = this.#events[i];
      if (earlier === undefined || earlier.suspect === suspect) continue;
      if (this.#leadsTo(earlier, suspect, occurrence)) found.add(earlier.suspect);
    }
    // The leak in an answer explains what else is another's in it.
    for (let i = at; this.#events[i]?.occurrence.exchange === exchange; i += 1) {
      const beside = this.#events[i]?.suspect;
      if (beside?.kind === "leak" && suspect.kind === "value") found.add(beside);
    }
    if (
      this.#unsentWrites.some((write) => isBefore(write, exchange) && this.#isNear(write, exchange))
    ) {
      found.add("unsent");
    }
    return found;
  }

  #leadsTo(earlier: Event, later: Suspect, after: Occurrence): boolean {
    const { suspect, occurrence } = earlier;
    const [x, y] = [occurrence.exchange, after.exchange];
    if (x === y) {
      if (suspect.kind === "leak" && suspect !== later)
        return later.kind === "value" || later.kind === "leak";
      return false;
    }
    if (!isBefore(x, y)) return false;
    if (this.#isUsedIn(occurrence, y) || this.#isLackOf(earlier, later, y)) return true;
    if (!this.#isNear(x, y)) return false;
    if (suspect.part === "status") return x.isWrite;
    // What was stored wrongly is seen again, and what is computed from it is wrong, too.
    if (!x.isWrite || later.part !== "body") return false;
    const isSame = occurrence.a === after.a && occurrence.b === after.b;
    return isSame || (isOfValues(suspect) && isOfValues(later) && areNumbers(occurrence, after));
  }

  /** The request carries the value that was answered otherwise. */
  #isUsedIn({ a, exchange }: Occurrence, later: ExchangeRef): boolean {
    if (a.length < 2 || this.#session(exchange.session) !== this.#session(later.session))
      return false;
    if (this.#values.usesOf(a).includes(later.index)) return true;
    const inside = a.match(LONG_TOKEN) ?? [];
    return inside.some(
      (token) =>
        isStrong(token, classesOf(token)) && this.#values.usesOf(token).includes(later.index),
    );
  }

  /** An answer that lost a part, or is about other things, may have lost the value that the request carries: the copy's name of it was never learned. */
  #isLackOf({ suspect, occurrence }: Event, later: Suspect, y: ExchangeRef): boolean {
    const { exchange: x } = occurrence;
    const isLoss =
      suspect.part === "status" || (suspect.part === "body" && LOSSES.has(suspect.kind));
    if (!(isLoss || isOfOtherThings(suspect)) || later.part !== "status") return false;
    if (this.#session(x.session) !== this.#session(y.session)) return false;
    return x.given.some((id) => this.#values.usesOf(id).includes(y.index));
  }

  #isNear(x: ExchangeRef, y: ExchangeRef): boolean {
    if (this.#session(x.session) === this.#session(y.session)) return true;
    return x.touched.some((id) => y.touched.includes(id));
  }
}

/** The answer names other things than the original did: what it gave out was never given. */
function isOfOtherThings({ part, path, kind }: Suspect): boolean {
  if (part !== "body") return false;
  return kind === "leak" || (kind === "value" && isIdName(nameOfPath(path)));
}

function isBefore(x: ExchangeRef, y: ExchangeRef): boolean {
  return x.index < y.index;
}

/** A number in a page is a text. */
function isOfValues({ kind }: Suspect): boolean {
  return kind === "value" || kind === "text";
}

function areNumbers(x: Occurrence, y: Occurrence): boolean {
  return [x.a, x.b, y.a, y.b].every((text) => text !== "" && Number.isFinite(Number(text)));
}

/** Follows each cause to one that has none itself; of a circle, the earliest stands by itself. */
function withRoots(causeOf: ReadonlyMap<Suspect, Suspect>): Map<Suspect, Suspect> {
  const roots = new Map<Suspect, Suspect>();
  for (const suspect of causeOf.keys()) {
    const way = new Set<Suspect>([suspect]);
    let at = causeOf.get(suspect);
    while (at !== undefined && causeOf.has(at) && !way.has(at)) {
      way.add(at);
      at = causeOf.get(at);
    }
    if (at === undefined) continue;
    if (!way.has(at)) roots.set(suspect, at);
    else {
      const first = earliest([...way]);
      if (first !== suspect) roots.set(suspect, first);
    }
  }
  return roots;
}

function earliest(suspects: readonly Suspect[]): Suspect {
  const indexOf = ({ occurrences }: Suspect): number => occurrences[0]?.exchange.index ?? 0;
  return suspects.reduce((x, y) => (indexOf(y) < indexOf(x) ? y : x));
}
