/**
 * Who shared what a journal holds. With `--split-output` a message is one output's, found by its id and the list of outputs; the
 * others take it for done. With another list it may be another's, who has passed it: so the list is part of the journal.
 */

/** The named value that holds the list; none, or an empty one: every output got everything. */
export const SPLIT_ASSIGNMENT_NAME = "shares";

export function splitAssignment(names: readonly string[], split: boolean): string {
  return split ? JSON.stringify(names) : "";
}

/** Throws when `entries` that were not finished were shared out in another way than they would be now. */
export function checkSplitAssignment(before: string, now: string, entries: number): void {
  if (before === now || entries <= 0) return;
  throw new Error(
    `--split-output: the journal holds ${entries} entries that were not finished, ${spelled(before)}; ` +
      `start once more as it was, until they are, then change it`,
  );
}

function spelled(shares: string): string {
  if (shares === "") return "each for every output, without --split-output";
  const names: unknown = JSON.parse(shares);
  return `shared among ${Array.isArray(names) ? names.join(", then ") : shares}`;
}
