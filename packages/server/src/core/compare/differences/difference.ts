/** One difference between two answers, as it is first seen: where, on which rung, and both sides as text. */
import { ownText } from "../../content/own-text.ts";
import type { DifferenceKind, Part } from "../report/report.ts";

export interface Difference {
  readonly part: Part;
  /** As in the report. */
  readonly path: string;
  /** What tells places apart that share a path: a cookie's attribute, the shape of a line; else "". */
  readonly where: string;
  readonly kind: DifferenceKind;
  readonly a: string;
  readonly b: string;
}

/** Text of one side that is kept for people. */
const TEXT_CHARS_MAX = 1000;

export function difference(
  part: Part,
  path: string,
  kind: DifferenceKind,
  a: string,
  b: string,
  where = "",
): Difference {
  return { part, path, where, kind, a: shortened(a), b: shortened(b) };
}

function shortened(text: string): string {
  return ownText(text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`);
}

export function placeKey({ part, path, where }: Difference): string {
  return where === "" ? `${part} ${path}` : `${part} ${path}\u0000${where}`;
}

/** Marks a list of the copy that has more than the recorded one, all of it unknown to the recording. */
export const GROWN = "(grown)";
