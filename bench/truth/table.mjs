// @ts-check
// The fault table: each fault switched on alone in a fresh copy, compared on the first run, and what was said held against where the fault is.
import { readFileSync } from "node:fs";
import { catalogue, toolCall } from "@mirrorball/server";
import { everywhere, faults } from "./faults.mjs";
import { differencesOf } from "./rig.mjs";

/** @typedef {import("./rig.mjs").BankOptions} BankOptions */

/**
 * `mirrorball compare` in this process: the same tool, without starting a command each time.
 * @param {import("./rig.mjs").Banks} banks @param {string} recording @param {string} file
 * @param {{ target: BankOptions, control?: BankOptions | undefined, words?: string[] }} run
 */
export async function compareHere(banks, recording, file, { target, control, words = [] }) {
  const port = await banks.start(target);
  const other = control === undefined ? undefined : await banks.start(control);
  const tool = catalogue.tools.find(({ name }) => name === "compare");
  if (tool === undefined) throw new Error("there is no tool called compare");
  const against = other === undefined ? [] : ["--control", `http://127.0.0.1:${other}`];
  const all = [
    recording,
    "--target",
    `http://127.0.0.1:${port}`,
    ...against,
    "--report",
    file,
    "--summary",
    "off",
    ...words,
  ];
  const call = toolCall(tool, all);
  if ("errors" in call) throw new Error(call.errors.join("\n"));
  let errors = "";
  const context = {
    print: async () => {},
    complain: (/** @type {string} */ line) => (errors += `${line}\n`),
    watch: () => () => {},
    interrupted: new Promise(() => {}),
  };
  const { execute } = await tool.load();
  const outcome = await execute(context, call.operands, call.options);
  await banks.stop(port);
  if (other !== undefined) await banks.stop(other);
  return { outcome, errors, report: JSON.parse(readFileSync(file, "utf8")) };
}

/** Packets do not say the route: then a path of this shape stands for it. @param {string} found @param {string} route */
function isRoute(found, route) {
  if (found === route) return true;
  const [a, b] = [found.split("/"), route.split("/")];
  return (
    a.length === b.length &&
    b.every((part, i) =>
      part.startsWith(":") ? !a[i]?.startsWith(":") && a[i] !== "" : part === a[i],
    )
  );
}

/** @param {any} found @param {import("./faults.mjs").Place} place */
const isAt = (found, place) =>
  found.method === place.method &&
  isRoute(found.route, place.route) &&
  found.part === place.part &&
  found.path === place.path;

/**
 * What a report says of a fault: `found` at its place, and `others`: what is neither there nor listed as part of it.
 * @param {any} report @param {import("./faults.mjs").Fault} fault
 */
export function held(report, { at, also = [] }) {
  const all = differencesOf(report);
  const own = all.filter(
    (/** @type {any} */ each) => isAt(each, at) && (at.kind === undefined || at.kind === each.kind),
  );
  const others = all.filter(
    (/** @type {any} */ each) => !isAt(each, at) && !also.some((place) => isAt(each, place)),
  );
  return { found: own.length > 0, others, own };
}

/** @param {any} report @param {{ path: string, kind: string }} fault */
export function heldEverywhere(report, { path, kind }) {
  const all = differencesOf(report);
  const own = all.filter(
    (/** @type {any} */ each) => each.part === "header" && each.path === path && each.kind === kind,
  );
  return {
    found: own.length > 0,
    others: all.filter((/** @type {any} */ each) => !own.includes(each)),
    own,
  };
}

/** @param {any} each */
export const nameOf = ({ method, route, part, path, kind, count, of }) =>
  `${method} ${route} ${part} ${path} ${kind} ${count}/${of}`;

/** Every fault of the lists, or those whose names are given. @param {string[]} [names] */
export function wanted(names = []) {
  const all = [
    ...faults.map((fault) => ({
      name: fault.name,
      at: `${fault.at.method} ${fault.at.route} ${fault.at.part} ${fault.at.path}`.trim(),
      held: (/** @type {any} */ report) => held(report, fault),
    })),
    ...everywhere.map((fault) => ({
      name: fault.name,
      at: `every endpoint, header ${fault.path}`,
      held: (/** @type {any} */ report) => heldEverywhere(report, fault),
    })),
  ];
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

/** Names of all faults. */
export const faultNames = () => wanted().map(({ name }) => name);
