// scratch: node loop.mjs REC.gor [control|-] [names...]
import { Banks } from "./rig.mjs";
import { compareHere, nameOf, wanted } from "./table.mjs";
const [file, mode, ...names] = process.argv.slice(2);
const banks = new Banks();
const list = wanted(names[0] === undefined ? [] : names);
let next = 0; let seed = Date.now() % 100000; const bad = [];
let ok = 0;
async function worker(w) {
  while (next < list.length) {
    const { name, held } = list[next++]; seed += 7;
    const t = Date.now();
    const r = await compareHere(banks, file, `/tmp/truth-app/loop-${process.pid}-${w}.json`, { target: { base: 52000 + seed % 1000, seed, fault: name }, control: mode === "control" ? { base: 71000, seed: seed + 3 } : undefined, words: process.env.WORDS?.split(" ") ?? [] });
    const h = held(r.report);
    if (h.found && h.others.length === 0) { ok++; console.log("ok  ", name, Date.now() - t); }
    else { console.log("BAD ", name, h.found ? "" : "NOT FOUND", r.outcome, r.errors, JSON.stringify(r.report.exchanges), Date.now() - t);
      for (const d of h.others) console.log("      also", nameOf(d), JSON.stringify(d.examples.slice(0, 1)).slice(0, 260));
      if (!h.found) for (const e of r.report.endpoints) for (const n of e.noise) if (process.env.NOISE) console.log("      noise", e.method, e.route, n.part, n.path, n.why, n.count, n.of);
    }
  }
}
await Promise.all([worker(0), worker(1), worker(2)]);
console.log(ok, "of", list.length);
banks.end(); process.exit(0);
