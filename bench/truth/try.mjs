// scratch
import { Banks, compare, differencesOf, record } from "./rig.mjs";
import { existsSync } from "node:fs";
const banks = new Banks();
const file = process.argv[2];
if (!existsSync(file)) console.log("requests", await record(banks, file, { sessions: Number(process.argv[4] ?? 60), seed: 5 }));
const fault = process.argv[3] ?? "";
const t = Date.now();
const { code, errors, report } = await compare(banks, file, "/tmp/truth-app/x.json", {
  target: { base: 52000, seed: Date.now() % 1e6, clockMs: 0, fault: fault === "-" ? "" : fault },
  control: process.env.CONTROL ? { base: 71000, seed: 3 } : undefined,
  words: process.env.WORDS?.split(" ") ?? [],
});
console.log(code, errors, Date.now() - t, "ms", report.verdict, JSON.stringify(report.exchanges), JSON.stringify(report.correlation), report.remarks);
for (const d of differencesOf(report)) console.log(d.method, d.route, d.part, d.path, d.kind, d.count, "/", d.of, d.severity, JSON.stringify(d.examples.slice(0, 2)).slice(0, 400), "=>", d.consequences.map((c) => `${c.method} ${c.route} ${c.part} ${c.path} ${c.count}`).join("; "));
banks.end();
