// @ts-check
// The short truth run, for tests: a recording of the SDK and one of packets, each without a fault by the real command; a few faults, one of them with
// a control, one from packets, one live. argv: a folder. One line a result.
import { join } from "node:path";
import { Banks, compare, differencesOf } from "./rig.mjs";
import { compareHere, nameOf, wanted } from "./table.mjs";
import { comparedBy, fileFor, recordFor } from "./ways.mjs";

const TRAFFIC = { sessions: 10, seed: 5 };
/** Packets of a busy machine do not say which of two callers came first: one after the other is certain. */
const CERTAIN = { ...TRAFFIC, atOnce: 1 };
/** @typedef {import("./ways.mjs").Way} Way */
/** @type {readonly { way: Way, hasControl?: boolean, names: string[] }[]} */
const FAULTS = [
  {
    way: "max",
    names: [
      "wrong value",
      "missing field",
      "truncated list",
      "time zone shift",
      "csv decimals",
      "cookie attribute lost",
      "image bytes",
      "200 for 201",
    ],
  },
  { way: "max", hasControl: true, names: ["broken cursor"] },
  { way: "capture", names: ["html text"] },
  { way: "live", names: ["enum case"] },
];

const [folder = "."] = process.argv.slice(2);
const banks = new Banks();
const fileOf = (/** @type {Way} */ way) => join(folder, fileFor(way, "short"));
for (const way of /** @type {const} */ (["max", "capture"])) {
  await recordFor(way, banks, fileOf(way), way === "capture" ? CERTAIN : TRAFFIC);
  const run = { target: { base: 52_000, seed: 9, clockMs: 90_000 }, traffic: TRAFFIC };
  const same = await comparedBy(way, compare, banks, fileOf(way), join(folder, "same.json"), run);
  const { compared, statusAlike } = same.report.exchanges;
  const found = differencesOf(same.report).map(nameOf);
  console.log(
    `${way}: ${same.report.verdict}: ${statusAlike} of ${compared} statuses, ${found.length} differences, exit ${same.code}${[...same.report.remarks, ...found].join("; ")}`,
  );
}
for (const { way, hasControl = false, names } of FAULTS) {
  for (const { name, held } of wanted(names)) {
    const run = {
      target: { base: 30_000, seed: 20, fault: name },
      control: hasControl ? { base: 70_000, seed: 30 } : undefined,
      traffic: TRAFFIC,
    };
    const report = join(folder, "fault.json");
    const faulty = await comparedBy(way, compareHere, banks, fileOf(way), report, run);
    const { found, others } = held(faulty.report);
    const beside = others.length === 0 ? "" : `, beside it ${others.map(nameOf).join("; ")}`;
    const how = hasControl ? `${way}, with a control` : way;
    console.log(`${name} (${how}): ${found ? "found" : "not found"}${beside}`);
  }
}
banks.end();
