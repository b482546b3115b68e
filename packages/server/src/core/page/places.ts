/**
 * Where a replayed answer differs from the recorded one, of one exchange alone. In: two messages. Out: places, each with what speaks against its
 * meaning anything. A comparison knows more: it sees all exchanges of an endpoint, this sees one.
 */
import type { Message } from "@mirrorball/protocol";
import { bodyDifferences } from "../compare/differences/bodies.ts";
import type { Knowledge } from "../compare/differences/bodies.ts";
import type { Difference } from "../compare/differences/difference.ts";
import { headerDifferences } from "../compare/differences/headers.ts";
import { View } from "../compare/differences/view.ts";
import { GENERATED, TIMES, classesOf } from "../content/value-class.ts";
import type { Place } from "./types.ts";

/** Places of one answer; a page lists no more. */
const PLACES_MAX = 200;
const KNOWS_NOTHING: Knowledge = { image: () => undefined, isKnown: () => false };

export function placesOf(original: Message, replayed: Message, isHead: boolean): Place[] {
  const [a, b] = [new View(original), new View(replayed)];
  const places: Place[] = [];
  if (a.status !== b.status) {
    const [left, right] = [String(a.status), String(b.status)];
    places.push({ part: "status", path: "", where: "", kind: "status", original: left, replayed: right, noise: null }); // prettier-ignore
  }
  const found = headerDifferences(a.headers, b.headers);
  if (!isHead) found.push(...bodyDifferences(a, b, KNOWS_NOTHING));
  for (const difference of found.slice(0, PLACES_MAX)) places.push(placeOf(difference));
  return places;
}

function placeOf(difference: Difference): Place {
  const { part, path, where, kind, a, b } = difference;
  return {
    part: part === "header" ? "header" : "body",
    path,
    where,
    kind,
    original: a,
    replayed: b,
    noise: noiseOf(difference),
  };
}

/** Two times, or two values that a generator made, are expected to differ. */
function noiseOf({ kind, a, b }: Difference): string | null {
  if (kind !== "value") return null;
  const shared = classesOf(a) & classesOf(b);
  if ((shared & GENERATED) !== 0) return "both are made anew each time";
  return (shared & TIMES) === 0 ? null : "both are times";
}
