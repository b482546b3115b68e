/** What happened before and while this page is open: seconds for ten minutes, minutes for a day, as columns for pictures. */
import { signal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { Page } from "@mirrorball/server";
import { ask } from "./ask.ts";

const SECONDS_KEPT = 600;

export const seconds: Signal<readonly Page.HistoryTuple[]> = signal([]);
export const minutes: Signal<readonly Page.HistoryTuple[]> = signal([]);

export async function loadHistory(): Promise<void> {
  const answer = await ask<Page.HistoryAnswer>("/api/history").catch(() => undefined);
  if (answer === undefined) return;
  seconds.value = answer.seconds;
  minutes.value = answer.minutes;
}

export function addSecond({ at, values }: Page.Now): void {
  const last = seconds.value.at(-1)?.[0] ?? 0;
  if (at <= last) return;
  seconds.value = [...seconds.value.slice(1 - SECONDS_KEPT), [at, ...values]];
}

/** One column, by its place among the figures; the time is at -1. */
export function columnOf(rows: readonly Page.HistoryTuple[], index: number): (number | null)[] {
  return rows.map((row) => row[index + 1] ?? null);
}
