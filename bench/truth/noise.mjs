// @ts-check
// Runs in which nothing but noise changes between the recorded bank and its copy: other clock, ids, tokens, random numbers, other order of lists that
// are sets. Whatever such a run reports is a false alarm. All of a run follows from its seed.
import { join } from "node:path";
import { randomOf } from "./random.mjs";
import { differencesOf } from "./rig.mjs";
import { compareHere, nameOf } from "./table.mjs";
import { comparedBy, fileFor, recordFor } from "./ways.mjs";

/** Sessions of one run: some 270 requests. */
const SESSIONS = 10;
/** Runs between two signs of life. */
const TOLD_EVERY = 10;
const CLOCK_MS_MAX = 30 * 24 * 3_600_000;
const BASE_MAX = 900_000;
const SEED_MAX = 1e9;

/** @param {number} seed */
function settingsOf(seed) {
  const random = randomOf(seed);
  const upTo = (/** @type {number} */ max) => Math.floor(random() * max);
  return {
    traffic: { sessions: SESSIONS, seed: upTo(SEED_MAX) },
    recorded: { base: 1000 + upTo(BASE_MAX), seed: upTo(SEED_MAX) },
    target: {
      base: 1000 + upTo(BASE_MAX),
      seed: upTo(SEED_MAX),
      clockMs: random() < 0.5 ? 0 : upTo(CLOCK_MS_MAX),
    },
  };
}

/** @param {import("./ways.mjs").Way} way @param {import("./rig.mjs").Banks} banks @param {string} folder @param {number} seed */
async function noiseRun(way, banks, folder, seed) {
  const settings = settingsOf(seed);
  const file = join(folder, fileFor(way, "noise"));
  const started = performance.now();
  await recordFor(way, banks, file, settings.traffic, settings.recorded);
  const { report } = await comparedBy(
    way,
    compareHere,
    banks,
    file,
    join(folder, "noise.json"),
    settings,
  );
  return { seconds: (performance.now() - started) / 1000, report };
}

/**
 * A row a way; each alarm is printed with the seed that gives it again.
 * @param {import("./rig.mjs").Banks} banks @param {string} folder @param {{ way: import("./ways.mjs").Way, runs: number, seed: number }} options
 */
export async function falseAlarms(banks, folder, { way, runs, seed }) {
  let [alarms, seconds, compared, alike] = [0, 0, 0, 0];
  for (let run = 0; run < runs; run += 1) {
    const { report, ...took } = await noiseRun(way, banks, folder, seed + run);
    seconds += took.seconds;
    compared += report.exchanges.compared;
    alike += report.exchanges.statusAlike;
    if ((run + 1) % TOLD_EVERY === 0)
      console.log(`noise only, ${way}: ${run + 1} runs, ${alarms} alarms, ${(seconds / (run + 1)).toFixed(1)} s/run`); // prettier-ignore
    if (report.verdict === "same") continue;
    alarms += 1;
    const said = [...report.remarks, ...differencesOf(report).map(nameOf)];
    console.log(`false alarm: --way ${way} --noise 1 --seed ${seed + run}: ${said.join("; ")}`);
  }
  return {
    run: `noise only, ${way}`,
    name: `seeds ${seed} to ${seed + runs - 1}`,
    runs,
    alarms,
    exchanges: compared,
    alike,
    "s/run": Number((seconds / runs).toFixed(1)),
  };
}
