/** A text with what is looked for marked in it. Text nodes only, whatever the text says. */
import type { JSX } from "preact";

/** Marks of one text; more only cost. */
const MARKS_MAX = 500;

export function Found({
  text,
  needle,
}: {
  readonly text: string;
  readonly needle: string;
}): JSX.Element {
  if (needle === "") return <>{text}</>;
  const lower = text.toLowerCase();
  const wanted = needle.toLowerCase();
  // A letter that changes its length with its case would put marks in wrong places.
  if (lower.length !== text.length) return <>{text}</>;
  const parts: (string | JSX.Element)[] = [];
  let at = 0;
  for (
    let i = lower.indexOf(wanted);
    i >= 0 && parts.length < MARKS_MAX;
    i = lower.indexOf(wanted, at)
  ) {
    parts.push(text.slice(at, i), <mark key={i}>{text.slice(i, i + wanted.length)}</mark>);
    at = i + wanted.length;
  }
  parts.push(text.slice(at));
  return <>{parts}</>;
}
