// What is said of a trouble that lasts, by a clock of the test's.
import { expect, it } from "vitest";
import { RareLog } from "./rare-log.ts";

const MINUTE_MS = 60_000;

it("says the first at once, the next after five minutes, then one an hour, and how many it left out", () => {
  const lines: string[] = [];
  const atMinutes: number[] = [];
  const log = new RareLog((line) => lines.push(line));
  // Ten seconds between attempts, for a day.
  for (let ms = 0; ms < 24 * 60 * MINUTE_MS; ms += 10_000) {
    if (log.say("absent", ms)) atMinutes.push(ms / MINUTE_MS);
  }
  expect(atMinutes.slice(0, 4)).toEqual([0, 5, 65, 125]);
  expect(atMinutes).toHaveLength(25);
  expect(lines.slice(0, 3)).toEqual([
    "absent",
    "absent (29 more since the last such line)",
    "absent (359 more since the last such line)",
  ]);
});

it("begins anew when it was over", () => {
  const lines: string[] = [];
  const log = new RareLog((line) => lines.push(line));
  for (const ms of [0, 1, 2]) log.say("absent", ms);
  log.reset();
  log.say("absent again", 3);
  expect(lines).toEqual(["absent", "absent again"]);
});
