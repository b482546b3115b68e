/**
 * How the route of a request is called, in one place for all who count by route: as its framework calls it, or by the shape of its path: `/users/17/orders/3f2a…?x=1` is `/users/{number}/orders/{hex}`, so that paths of one route count
 * as one. In: a request target. Out: a shape. It guesses from the looks of each part alone.
 */
import type { MessageContext } from "@mirrorball/protocol";
import { withoutQuery } from "./http/head/target-parts.ts";

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const NUMBER = /^[-+]?\d+(?:[.,]\d+)?$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+Z?)?$/;
const HEX = /^(?=.*\d)[\da-f]{8,}$/i;
/** Long, with digits and letters: names that people choose are shorter or have no digits. */
const TOKEN = /^(?=.*\d)(?=.*[a-z])[\w~.=-]{20,}$/i;
/** A word and a number of two digits or more: `ord_17`, `ACC-10017`. */
const LABELLED = /^[a-z]{1,24}[_:-]\d{2,19}$/i;
/** Deeper paths are cut here: a shape should fit a line. */
const PARTS_MAX = 12;

/** `template`: what an API description calls it, for requests that came without a framework's name. */
export function routeOf(
  target: string,
  context: MessageContext | undefined,
  template?: string,
): string {
  return context?.route ?? template ?? routeShape(target);
}

export function routeShape(target: string): string {
  // A proxy's request names the host too.
  const path = withoutQuery(target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, ""));
  if (path === "") return target === "*" ? "*" : "/";
  const parts = path.split("/");
  const shape = parts.slice(0, PARTS_MAX + 1).map(shapeOfPart);
  return shape.join("/") + (parts.length > PARTS_MAX + 1 ? "/…" : "");
}

function shapeOfPart(part: string): string {
  if (part === "") return "";
  if (NUMBER.test(part)) return "{number}";
  if (UUID.test(part)) return "{uuid}";
  if (DATE.test(part)) return "{date}";
  if (HEX.test(part)) return "{hex}";
  if (LABELLED.test(part)) return "{id}";
  return TOKEN.test(part) ? "{token}" : part;
}
