/**
 * The list of exchanges: what the server sends as it comes, and what was there before, asked for page by page. `version` changes whenever the
 * list does.
 */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Page } from "@mirrorball/server";
import { ask } from "./ask.ts";
import { ROWS_MAX, RowStore } from "./row-store.ts";

export const rows: RowStore = new RowStore();
export const version: Signal<number> = signal(0);
/** Exchanges of the last event that were left out because more came than can be shown. */
export const skipped: Signal<number> = signal(0);
export const loading: Signal<"loading" | "loaded"> = signal("loading");
/** Set while the reader holds the list still: the newest number that is shown. */
export const heldAt: Signal<number | undefined> = signal(undefined);

/** Which loading is under way: an older one stops when it sees that it is not the last. */
let current = 0;
/** The newest number that was here when the stream began to pass some over; undefined when nothing is missing. */
let gapFrom: number | undefined;
let quiet: ReturnType<typeof setTimeout> | undefined;
/** Milliseconds without news after which a burst is over. */
const QUIET_MS = 600;
/** Answers of a thousand rows that fill a gap; what is older is left out. */
const GAP_PAGES_MAX = 10;

/** Empties the list and loads what the server has. */
export function resetRows(filter: string): void {
  rows.clear();
  skipped.value = 0;
  heldAt.value = undefined;
  gapFrom = undefined;
  version.value += 1;
  current += 1;
  void load(filter, current);
}

export function takeRows(event: Page.Rows, filter: string): void {
  if (event.isReset) return resetRows(filter);
  if (event.skipped > 0) gapFrom ??= rows.newestSeq;
  for (const row of event.rows) rows.put(row);
  skipped.value = event.skipped;
  version.value += 1;
  if (gapFrom === undefined) return;
  clearTimeout(quiet);
  quiet = setTimeout(() => void fillGap(filter, current), QUIET_MS);
}

/** Asks for what was passed over, as far back as it is missing, now that there is time to read it. */
async function fillGap(filter: string, mine: number): Promise<void> {
  const from = gapFrom ?? 0;
  gapFrom = undefined;
  let before = "";
  for (let i = 0; i < GAP_PAGES_MAX; i += 1) {
    const path = `/api/rows?filter=${encodeURIComponent(filter)}${before}`;
    const answer = await ask<Page.RowsAnswer>(path).catch(() => undefined);
    if (mine !== current || answer === undefined) return;
    for (const row of answer.rows) rows.put(row);
    version.value += 1;
    if (answer.next === null || answer.next <= from) break;
    before = `&before=${answer.next}`;
  }
  skipped.value = 0;
}

async function load(filter: string, mine: number): Promise<void> {
  loading.value = "loading";
  let before = "";
  while (rows.length < ROWS_MAX) {
    const path = `/api/rows?filter=${encodeURIComponent(filter)}${before}`;
    const answer = await ask<Page.RowsAnswer>(path).catch(() => undefined);
    if (mine !== current) return;
    if (answer === undefined) break;
    rows.append(answer.rows);
    version.value += 1;
    if (answer.next === null) break;
    before = `&before=${answer.next}`;
  }
  loading.value = "loaded";
}
