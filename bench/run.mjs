// @ts-check
// `npm run bench [-- PART …] [--peer gor=PATH] [--records N] [--paced-seconds N]`: prints a table, writes bench/results.json.
// The part `truth` alone: `[--only clean,faults,control,noise] [--way max,100%,busy,capture,live,wire] [--faults NAME,…] [--noise N] [--seed S]`.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { benchCeiling } from "./ceiling.mjs";
import { benchChain } from "./chain.mjs";
import { benchCompare } from "./compare.mjs";
import { benchDurable } from "./durable.mjs";
import { benchMiddleware } from "./middleware.mjs";
import { benchFiles } from "./files.mjs";
import { benchPackets } from "./packets.mjs";
import { benchPage } from "./page.mjs";
import { benchRaw } from "./raw.mjs";
import { benchRules } from "./rules.mjs";
import { benchSdk } from "./sdk.mjs";
import { PIECES, benchTruth } from "./truth.mjs";
import { faultNames } from "./truth/table.mjs";
import { WAYS } from "./truth/ways.mjs";

/** Records of the large file: 2.8 GB take ten million. */
const RECORDS_DEFAULT = 1_000_000;
const PACED_SECONDS_DEFAULT = 10;

const words = process.argv.slice(2);
const records = takeNumber("--records") ?? RECORDS_DEFAULT;
const pacedSeconds = takeNumber("--paced-seconds") ?? PACED_SECONDS_DEFAULT;
const truth = {
  only: takeList("--only", PIECES),
  ways: takeList("--way", WAYS),
  faults: takeList("--faults", faultNames()),
  noise: takeNumber("--noise"),
  seed: takeNumber("--seed"),
};
const peerAt = words.indexOf("--peer");
const gor = peerAt < 0 ? undefined : /^gor=(.+)$/.exec(words[peerAt + 1] ?? "")?.[1];
if (peerAt >= 0 && gor === undefined) {
  console.error(`--peer: must be gor=PATH; got ${JSON.stringify(words[peerAt + 1] ?? "")}`);
  process.exit(2);
}
/** @type {Record<string, () => Promise<object[]>>} */
const parts = {
  sdk: benchSdk,
  chain: () => benchChain(gor),
  middleware: () => benchMiddleware(gor),
  ceiling: benchCeiling,
  durable: benchDurable,
  files: () => benchFiles({ gor, records, pacedSeconds }),
  packets: benchPackets,
  page: benchPage,
  raw: () => benchRaw(gor),
  rules: benchRules,
  compare: benchCompare,
  truth: () => benchTruth(truth),
};
const named = peerAt < 0 ? words : words.toSpliced(peerAt, 2);
const unknown = named.find((word) => parts[word] === undefined);
if (unknown !== undefined) {
  console.error(
    `there is no part ${JSON.stringify(unknown)}; there are ${Object.keys(parts).join(", ")}`,
  );
  process.exit(2);
}
const wanted = named.length === 0 ? Object.keys(parts) : named;

const folder = fileURLToPath(new URL(".", import.meta.url));
if (wanted.includes("sdk") && !existsSync(`${folder}node_modules/@opentelemetry/sdk-node`)) {
  // Outside the workspaces: nobody else should pay for these packages.
  const install = ["install", "--no-fund", "--no-audit", "--no-package-lock", "--no-workspaces"];
  const { status } = spawnSync("npm", install, { cwd: folder, stdio: "inherit" });
  if (status !== 0) process.exit(1);
}
/** @type {Record<string, object[]>} */
const results = {};
for (const name of wanted) {
  const part = parts[name];
  if (part === undefined) continue;
  results[name] = await part();
  console.table(results[name]);
}
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
writeFileSync(`${folder}results.json`, `${JSON.stringify({ machine, results }, null, 2)}\n`);
process.exit(0);

/** The number behind a flag, which is taken out of the words. @param {string} flag */
function takeNumber(flag) {
  const at = words.indexOf(flag);
  if (at < 0) return undefined;
  const [, value] = words.splice(at, 2);
  if (!/^[1-9]\d{0,9}$/.test(value ?? "")) {
    console.error(`${flag}: must be a number above 0; got ${JSON.stringify(value ?? "")}`);
    process.exit(2);
  }
  return Number(value);
}

/** Names with commas between, behind a flag; undefined without it. @param {string} flag @param {readonly string[]} allowed */
function takeList(flag, allowed) {
  const at = words.indexOf(flag);
  if (at < 0) return undefined;
  const [, value = ""] = words.splice(at, 2);
  const names = value.split(",");
  const other = names.find((name) => !allowed.includes(name));
  if (other === undefined) return names;
  console.error(`${flag}: must be of ${allowed.join(", ")}; got ${JSON.stringify(other)}`);
  return process.exit(2);
}
