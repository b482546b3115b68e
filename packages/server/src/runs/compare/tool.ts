/** What `mirrorball compare` does: a plan of components against a target, or two recordings side by side. */
import type { Catalogue, ToolContext, ToolOutcome } from "../../component/define.ts";
import type { Counters } from "../../engine/accounting/counters.ts";
import { summaryText } from "../../engine/accounting/summary.ts";
import { verdictOf } from "../../engine/accounting/verdict.ts";
import { planFrom } from "../../engine/plan/plan.ts";
import { ReplayServer } from "../../engine/replay-server.ts";
import type { CompareValues } from "../compare.ts";
import { withOnly } from "./only.ts";
import { prepare } from "../capture-recording.ts";
import type { Prepared } from "../capture-recording.ts";
import { compareRecordings } from "../compare-recordings.ts";

export async function compare(
  context: ToolContext,
  named: readonly string[],
  values: CompareValues,
  catalogue: Catalogue,
): Promise<ToolOutcome> {
  if (values.target === "" && named.length !== 2) {
    context.complain("--target URL must be given, or two recordings to compare with each other");
    return "usage";
  }
  let prepared: Prepared;
  try {
    prepared = await prepare(named, context, catalogue);
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  }
  try {
    const outcome = await compareRead(context, prepared.recordings, values, catalogue);
    return prepared.isWhole || outcome !== true ? outcome : false;
  } finally {
    prepared.remove();
  }
}

async function compareRead(
  context: ToolContext,
  recordings: readonly string[],
  values: CompareValues,
  catalogue: Catalogue,
): Promise<ToolOutcome> {
  if (values.target !== "") {
    const run = (files: readonly string[]): Promise<ToolOutcome> =>
      compareWithTarget(context, files, values, catalogue);
    return values.only === "" ? run(recordings) : withOnly(context, recordings, values.only, run);
  }
  const [a = "", b = ""] = recordings;
  return compareRecordings(context, a, b, values);
}

function wordsOf(recordings: readonly string[], values: CompareValues): string[] {
  const args = recordings.flatMap((each) => ["--input-file", each]);
  const give = (flag: string, value: string): void => {
    if (value !== "") args.push(flag, value);
  };
  const files = [...(values.noise === "on" ? ["-"] : []), ...values.report];
  give("--input-file-speed", values.speed);
  give("--output-http", values.target);
  give("--correlate", values.correlate);
  give("--correlate-jwt-key-file", values.correlateJwtKeyFile);
  if (values.correlateTimes) args.push("--correlate-times");
  // Also at the recorded speed: a target that is slower than the recording would else see writes in another order.
  give("--correlate-order", "all");
  give("--output-compare", files.join(","));
  give("--output-compare-queue-full", "wait");
  give("--output-compare-control", values.control);
  give("--output-compare-rules", values.rules);
  give("--output-compare-fail-on", values.failOn);
  give("--output-compare-tolerance", values.tolerance);
  give("--output-compare-probe", values.probe);
  give("--output-compare-openapi", values.openapi);
  return args;
}

async function compareWithTarget(
  context: ToolContext,
  recordings: readonly string[],
  values: CompareValues,
  catalogue: Catalogue,
): Promise<ToolOutcome> {
  const made = planFrom(wordsOf(recordings, values), catalogue);
  if ("errors" in made) {
    for (const error of made.errors) context.complain(inOwnWords(error));
    return "usage";
  }
  let server: ReplayServer;
  try {
    const log = (line: string): void => context.complain(line.replace(/^mirrorball: /, ""));
    server = await ReplayServer.create(made.plan, { log });
  } catch (error) {
    // Files that options name cannot be read, or do not hold what they should.
    context.complain(inOwnWords(error instanceof Error ? error.message : String(error)));
    return "usage";
  }
  try {
    await server.start();
  } catch (error) {
    context.complain(inOwnWords(error instanceof Error ? error.message : String(error)));
    return false;
  }
  const stopWatching = context.watch(() => server.progress());
  let isCutShort = false;
  const interrupted = Promise.resolve(context.interrupted).then(() => (isCutShort = true));
  await Promise.race([server.ended, interrupted]);
  const counters = await server.stop();
  stopWatching();
  if (isCutShort) context.complain("interrupted: only a part of the recording was compared");
  const outcome = outcomeOf(context, counters, server.verdict);
  return isCutShort && outcome === true ? false : outcome;
}

/** The options of the plan that this command makes, as its own are called. */
const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ["--output-compare-control", "--control"],
  ["--output-compare-fail-on", "--fail-on"],
  ["--output-compare-openapi", "--openapi"],
  ["--output-compare-probe", "--probe"],
  ["--output-compare-rules", "--rules"],
  ["--output-compare-tolerance", "--tolerance"],
  ["--output-compare", "--report"],
  ["--output-http", "--target"],
  ["--input-file-speed", "--speed"],
]);

function inOwnWords(error: string): string {
  return error.replace(/^--[a-z-]+/, (flag) => OWN_NAMES.get(flag) ?? flag);
}

function outcomeOf(
  context: ToolContext,
  counters: Counters,
  verdict: string | undefined,
): ToolOutcome {
  const isWhole = verdictOf(counters).state === "whole";
  if (!isWhole) {
    for (const line of summaryText(counters).trimEnd().split("\n")) context.complain(line);
  }
  if (verdict === "different") return "different";
  return verdict === "same" && isWhole;
}
