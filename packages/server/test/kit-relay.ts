// What tests of relays share: messages to send through one, and whether its books agree.
import type { Message } from "@mirrorball/protocol";
import { expect } from "vitest";
import type { RelayCounters } from "../src/engine/accounting/counters.ts";
import { get } from "./kit.ts";
import type { Ran } from "./kit.ts";

/** Of the same path. */
export function sameGets(count: number, path: string): Message[] {
  return Array.from({ length: count }, () => get(path));
}

/** Of paths that end in their number. */
export function numberedGets(count: number, path = "/"): Message[] {
  return Array.from({ length: count }, (_, i) => get(`${path}${i}`));
}

export function counted({ counters }: Ran): RelayCounters {
  if (counters.middleware === undefined) throw new Error("there was no middleware");
  return counters.middleware;
}

export function holds({ discrepancies, counters }: Ran): void {
  expect(discrepancies.every((d) => d === 0)).toBe(true);
  expect(counters.middleware?.inside).toBe(0);
}
