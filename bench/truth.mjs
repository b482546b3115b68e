// @ts-check
// `npm run bench -- truth`: records the bank through the SDK, replays it against fresh copies, and prints what was said of each fault, with and
// without a control, and how often nothing but noise was called a difference.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { falseAlarms } from "./truth/noise.mjs";
import { Banks, compare, differencesOf } from "./truth/rig.mjs";
import { compareHere, faultNames, nameOf, wanted } from "./truth/table.mjs";
import { comparedBy, fileFor, recordFor } from "./truth/ways.mjs";

/** Sessions of the recording that is compared whole, and of the smaller one for faults. */
const WHOLE = { sessions: 60, seed: 5 };
const SMALL = { sessions: 16, seed: 5 };
/** Runs in which only noise changes: as fast as possible, and in each other way. */
const NOISE_RUNS = 200;
const NOISE_RUNS_OTHER_WAYS = 20;

export const PIECES = /** @type {const} */ (["clean", "faults", "control", "noise"]);
/** `wire` needs rights that not everybody has. */
const WAYS_DEFAULT = /** @type {const} */ (["max", "100%", "busy", "capture", "live"]);

/** @typedef {import("./truth/ways.mjs").Way} Way */

/** @param {{ only?: string[] | undefined, ways?: string[] | undefined, faults?: string[] | undefined, noise?: number | undefined, seed?: number | undefined }} options */
export async function benchTruth({ only = [...PIECES], ways, faults, noise, seed = 1 }) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-truth-"));
  const banks = new Banks();
  const all = /** @type {Way[]} */ (ways ?? [...WAYS_DEFAULT]);
  const faultWays = /** @type {Way[]} */ (ways ?? ["max"]);
  /** @type {object[]} */
  const rows = [];
  const add = (/** @type {object} */ row) => {
    console.log(Object.values(row).join("  "));
    rows.push(row);
  };
  try {
    if (only.includes("clean")) for (const way of all) add(await cleanRun(way, banks, folder));
    for (const way of faultWays) {
      if (only.includes("faults")) await faultTable(way, banks, folder, faults, false, add);
      if (only.includes("control")) await faultTable(way, banks, folder, faults, true, add);
    }
    if (only.includes("noise"))
      for (const way of all) {
        const runs = noise ?? (way === "max" ? NOISE_RUNS : NOISE_RUNS_OTHER_WAYS);
        add(await falseAlarms(banks, folder, { way, runs, seed }));
      }
    return rows;
  } finally {
    banks.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No fault: every status as recorded, nothing reported. @param {Way} way @param {Banks} banks @param {string} folder */
async function cleanRun(way, banks, folder) {
  const file = join(folder, fileFor(way, "whole"));
  const recorded = await recordFor(way, banks, file, WHOLE);
  const started = performance.now();
  const run = { target: { base: 52_000, seed: 77 }, traffic: WHOLE };
  const { code, report, requests = recorded } = await comparedBy(way, compare, banks, file, join(folder, "whole.json"), run); // prettier-ignore
  const { compared, statusAlike } = report.exchanges;
  const found = differencesOf(report);
  return {
    run: `clean, ${way}`,
    requests,
    compared,
    statusAlike,
    differences: found.length,
    verdict: report.verdict,
    exit: code,
    seconds: Number(((performance.now() - started) / 1000).toFixed(1)),
    beside: [...report.remarks, ...found.map(nameOf)].join("; "),
  };
}

/** @param {Way} way @param {Banks} banks @param {string} folder @param {string[] | undefined} names @param {boolean} hasControl @param {(row: object) => void} add */
async function faultTable(way, banks, folder, names, hasControl, add) {
  const file = join(folder, fileFor(way, "small"));
  await recordFor(way, banks, file, SMALL);
  const all = wanted(names);
  let right = 0;
  const kind = `fault, ${way}${hasControl ? ", control" : ""}`;
  for (const { name, at, held } of all) {
    const i = faultNames().indexOf(name);
    const run = {
      target: { base: 40_000 + i * 1000, seed: 100 + i, fault: name },
      control: hasControl ? { base: 20_000 + i * 10, seed: 300 + i } : undefined,
      traffic: SMALL,
    };
    const { report } = await comparedBy(way, compareHere, banks, file, join(folder, "fault.json"), run); // prettier-ignore
    const { found, others } = held(report);
    if (found && others.length === 0) right += 1;
    add({ run: kind, name, at, found, beside: others.map(nameOf).join("; ") });
  }
  add({ run: kind, name: `${right} of ${all.length}` });
}
