/**
 * Moves a time that a request carries, in the form it has: ISO and HTTP times, dates, seconds and milliseconds since the Unix epoch. In: a text, how
 * far, and when the request was recorded. Out: the moved one; undefined for what is no time, or a number that is more likely something else.
 */
import { ValueClass, classesOf, timeOf } from "../../content/value-class.ts";

/** A number that is further from the request's own time is more likely an amount or an id. */
const NUMBER_DISTANCE_MS_MAX: number = 366 * 86_400_000;
const DAY_MS = 86_400_000;

export function movedTime(text: string, shiftMs: number, aroundMs: number): string | undefined {
  const classes = classesOf(text);
  const timeMs = timeOf(text, classes);
  if (Number.isNaN(timeMs)) return undefined;
  if ((classes & ValueClass.isoDate) !== 0) {
    const days = Math.round(shiftMs / DAY_MS);
    return new Date(timeMs + days * DAY_MS).toISOString().slice(0, 10);
  }
  if ((classes & ValueClass.httpTime) !== 0) return new Date(timeMs + shiftMs).toUTCString();
  if ((classes & ValueClass.isoTime) !== 0) return movedIso(text, timeMs + shiftMs);
  if (Math.abs(timeMs - aroundMs) > NUMBER_DISTANCE_MS_MAX) return undefined;
  const isSeconds = (classes & ValueClass.epochSeconds) !== 0;
  const decimals = text.split(".")[1]?.length ?? 0;
  return ((timeMs + shiftMs) / (isSeconds ? 1000 : 1)).toFixed(decimals);
}

const ISO =
  /^\d{4}-\d{2}-\d{2}(?<mark>[T ])\d{2}:\d{2}(?::\d{2}(?:(?<point>[.,])(?<fraction>\d{1,9}))?)?(?<zone>Z|[+-]\d{2}:?\d{2})?$/;

/** With the mark, the precision and the zone that it had. */
function movedIso(text: string, timeMs: number): string | undefined {
  const parts = ISO.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { mark = "T", point = ".", fraction, zone = "" } = parts;
  const local = new Date(timeMs + offsetMsOf(zone)).toISOString();
  const hasSeconds = text.replace(zone, "").length > 16;
  const digits =
    fraction === undefined ? "" : `${local.slice(20, 23)}000000`.slice(0, fraction.length);
  const seconds = hasSeconds ? local.slice(16, 19) : "";
  return `${local.slice(0, 10)}${mark}${local.slice(11, 16)}${seconds}${digits === "" ? "" : point}${digits}${zone}`;
}

function offsetMsOf(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}
