// @ts-check
// `npm run bench -- truth`: records the bank through the SDK, replays it against fresh copies, and prints what was said of each fault, with and
// without a control, and how often nothing but noise was called a difference.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Banks, compare, differencesOf, record } from "./truth/rig.mjs";
import { compareHere, nameOf, wanted } from "./truth/table.mjs";

/** Sessions of the recording that is compared whole, and of the smaller ones for faults and noise. */
const WHOLE = 60;
const SMALL = 16;
/** Runs in which only noise changes, a recording of its own for every twentieth. */
const NOISE_RUNS = 200;
const RUNS_A_RECORDING = 20;
const TRAFFIC_SEED = 5;

export async function benchTruth() {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-truth-"));
  const banks = new Banks();
  try {
    const whole = await truthRun(banks, folder);
    const small = join(folder, "small.gor");
    await record(banks, small, { sessions: SMALL, seed: TRAFFIC_SEED });
    const rows = [];
    for (const hasControl of [false, true])
      rows.push(...(await faultTable(banks, folder, small, hasControl)));
    return [...whole, ...rows, await falseAlarms(banks, folder)];
  } finally {
    banks.end();
  }
}

/** @param {Banks} banks @param {string} folder */
async function truthRun(banks, folder) {
  const file = join(folder, "whole.gor");
  const requests = await record(banks, file, { sessions: WHOLE, seed: TRAFFIC_SEED });
  const target = { base: 52_000, seed: 77 };
  const { code, report } = await compare(banks, file, join(folder, "whole.json"), { target });
  const { compared, statusAlike } = report.exchanges;
  return [
    {
      run: "truth",
      requests,
      compared,
      statusAlike,
      differences: differencesOf(report).length,
      exit: code,
    },
  ];
}

/** @param {Banks} banks @param {string} folder @param {string} recording @param {boolean} hasControl */
async function faultTable(banks, folder, recording, hasControl) {
  const rows = [];
  for (const [i, { name, held }] of wanted().entries()) {
    const { report } = await compareHere(banks, recording, join(folder, "fault.json"), {
      target: { base: 40_000 + i * 1000, seed: 100 + i, fault: name },
      control: hasControl ? { base: 20_000 + i * 10, seed: 300 + i } : undefined,
    });
    const { found, others } = held(report);
    rows.push({
      run: hasControl ? "fault, control" : "fault",
      name,
      found,
      beside: others.map(nameOf).join("; "),
    });
  }
  const right = rows.filter(({ found, beside }) => found && beside === "").length;
  return [
    ...rows,
    { run: hasControl ? "faults, control" : "faults", name: `${right} of ${rows.length}` },
  ];
}

/** @param {Banks} banks @param {string} folder */
async function falseAlarms(banks, folder) {
  let alarms = 0;
  const seen = [];
  const file = join(folder, "noise.gor");
  for (let run = 0; run < NOISE_RUNS; run += 1) {
    const at = `${file}.${Math.floor(run / RUNS_A_RECORDING)}.gor`;
    if (run % RUNS_A_RECORDING === 0)
      await record(banks, at, { sessions: SMALL, seed: 1000 + run });
    const target = { base: 11_000 + run * 137, seed: 5000 + run, clockMs: (run % 7) * 60_000 };
    const { report } = await compareHere(banks, at, join(folder, "noise.json"), { target });
    if (report.verdict !== "same") alarms += 1;
    if (report.verdict !== "same") seen.push(...differencesOf(report).map(nameOf));
  }
  return { run: "noise only", runs: NOISE_RUNS, alarms, beside: seen.join("; ") };
}
