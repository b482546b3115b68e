/**
 * What the comparison of a run would report now. In: an output that compares. Out: its report, made anew not more often than it may cost: its thread
 * does nothing else meanwhile, and what waits for it holds the replay up.
 */
import type { Report } from "../../core/compare/report/report.ts";
import { sendJson, sendText } from "../route.ts";
import type { Route } from "../route.ts";

/** Milliseconds a report is good for, at least. */
const FRESH_MS_MIN = 3000;
/** One part in so many of the thread's time may go into reports. */
const TIME_PART = 50;

export function reportRoute(report: () => Promise<Report | undefined>): Route {
  const recent = remembered(report);
  return {
    method: "GET",
    path: "/api/report",
    access: "inside",
    answer: async (_, response) => {
      const found = await recent();
      if (found === undefined) sendText(response, 404, "there is no report\n");
      else sendJson(response, found);
    },
  };
}

function remembered(make: () => Promise<Report | undefined>): typeof make {
  let kept: Promise<Report | undefined> | undefined;
  let freshUntilMs = 0;
  return () => {
    const startMs = performance.now();
    if (kept !== undefined && startMs < freshUntilMs) return kept;
    // Who asks while one is made gets that one.
    freshUntilMs = Number.POSITIVE_INFINITY;
    kept = make().finally(() => {
      const tookMs = performance.now() - startMs;
      freshUntilMs = performance.now() + Math.max(FRESH_MS_MIN, tookMs * TIME_PART);
    });
    return kept;
  };
}
