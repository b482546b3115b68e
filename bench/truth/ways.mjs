// @ts-check
// The ways in which a bank can be compared: from the SDK's recording at the target's pace or the recording's, with a busy machine, from a packet
// capture, and live. One run each: record, replay against a fresh copy, report.
import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { capturing } from "./capture.mjs";
import { customers } from "./customers.mjs";
import { RECORDED, freePort, mirrorball, record } from "./rig.mjs";

/** @typedef {import("./rig.mjs").BankOptions} BankOptions */
/** @typedef {{ sessions: number, seed: number, atOnce?: number }} Traffic */
/** @typedef {(banks: import("./rig.mjs").Banks, recording: string, report: string, run: { target: BankOptions, control?: BankOptions | undefined, words?: string[] }) => Promise<{ report: any, code?: number | null }>} Compare */

/** `wire`: live, taken from the wire, which needs the rights for it. */
export const WAYS = /** @type {const} */ (["max", "100%", "busy", "capture", "live", "wire"]);
/** @typedef {typeof WAYS[number]} Way */

/** Records as a way needs it; gives the number of requests. @param {Way} way @param {import("./rig.mjs").Banks} banks @param {string} file @param {Traffic} traffic @param {BankOptions} [recorded] */
export async function recordFor(way, banks, file, traffic, recorded = RECORDED) {
  if (way === "live" || way === "wire") return 0;
  if (way !== "capture") return record(banks, file, traffic, recorded);
  const bank = await banks.start(recorded);
  const relay = await capturing(bank, file);
  const requests = await customers({ port: relay.port, ...traffic });
  await banks.stop(bank);
  await relay.close();
  return requests;
}

/** The file's name in a way. @param {Way} way @param {string} stem */
export const fileFor = (way, stem) => `${stem}.${way === "capture" ? "pcap" : "gor"}`;

/**
 * One comparison. `compare`: by the command, or in this process.
 * @param {Way} way @param {Compare} compare @param {import("./rig.mjs").Banks} banks @param {string} file @param {string} report
 * @param {{ target: BankOptions, control?: BankOptions | undefined, recorded?: BankOptions, traffic: Traffic, words?: string[] }} run
 */
export async function comparedBy(way, compare, banks, file, report, run) {
  rmSync(report, { force: true });
  if (way === "live" || way === "wire") return shadowed(way, banks, report, run);
  const words = [...(run.words ?? []), "--speed", way === "100%" ? "100%" : "max"];
  const burners = way === "busy" ? busy() : undefined;
  try {
    return await compare(banks, file, report, { ...run, words });
  } finally {
    burners?.end();
  }
}

/** Customers use a bank while a server replays them to the target. @param {"live" | "wire"} way @param {import("./rig.mjs").Banks} banks @param {string} report @param {{ target: BankOptions, control?: BankOptions | undefined, recorded?: BankOptions, traffic: Traffic }} run */
async function shadowed(way, banks, report, { target, control, recorded = RECORDED, traffic }) {
  const address = `127.0.0.1:${await freePort()}`;
  const mirror = way === "live" ? { mirror: address } : {};
  const [bank, copy] = [await banks.start({ ...recorded, ...mirror }), await banks.start(target)];
  const other = control === undefined ? undefined : await banks.start(control);
  const server = mirrorball([
    ...(way === "live"
      ? ["--input-tcp", address]
      : ["--input-raw", `127.0.0.1:${bank}`, "--input-raw-track-response"]),
    "--output-http",
    `http://127.0.0.1:${copy}`,
    "--correlate",
    "auto",
    "--output-compare",
    report,
    "--output-compare-probe",
    "10%",
    ...(other === undefined ? [] : ["--output-compare-control", `http://127.0.0.1:${other}`]),
  ]);
  await server.printed(/(listening|capturing) on/);
  const requests = await customers({ port: bank, ...traffic });
  await banks.stop(bank);
  server.child.kill("SIGTERM");
  const code = await server.ended;
  for (const port of [copy, other]) if (port !== undefined) await banks.stop(port);
  return {
    code,
    requests,
    errors: server.out.errors,
    report: JSON.parse(readFileSync(report, "utf8")),
  };
}

/** Keeps every core busy until told to end, or for a minute. */
function busy() {
  const burn = "const end = Date.now() + 60_000; while (Date.now() < end);";
  const children = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ["-e", burn], { stdio: "ignore" }),
  );
  return { end: () => children.forEach((child) => child.kill("SIGKILL")) };
}
