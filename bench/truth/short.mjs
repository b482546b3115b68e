// @ts-check
// The short truth run, for tests: one recording, one run of the real command without a fault, a few faults. argv: a folder. One line a result.
import { join } from "node:path";
import { Banks, compare, differencesOf, record } from "./rig.mjs";
import { compareHere, nameOf, wanted } from "./table.mjs";

const SESSIONS = 10;
const NAMES = [
  "wrong value",
  "missing field",
  "truncated list",
  "time zone shift",
  "csv decimals",
  "cookie attribute lost",
  "image bytes",
  "200 for 201",
];

const [folder = "."] = process.argv.slice(2);
const banks = new Banks();
const recording = join(folder, "short.gor");
await record(banks, recording, { sessions: SESSIONS, seed: 5 });
const target = { base: 52_000, seed: 9, clockMs: 90_000 };
const { code, report } = await compare(banks, recording, join(folder, "same.json"), { target });
const { compared, statusAlike } = report.exchanges;
console.log(
  `${report.verdict}: ${statusAlike} of ${compared} statuses, ${differencesOf(report).length} differences, exit ${code}`,
);
for (const [i, { name, held }] of wanted(NAMES).entries()) {
  const run = { target: { base: 30_000 + i * 2000, seed: 20 + i, fault: name } };
  const faulty = await compareHere(banks, recording, join(folder, "fault.json"), run);
  const { found, others } = held(faulty.report);
  const beside = others.length === 0 ? "" : `, beside it ${others.map(nameOf).join("; ")}`;
  console.log(`${name}: ${found ? "found" : "not found"}${beside}`);
}
banks.end();
