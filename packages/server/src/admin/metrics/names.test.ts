// What the guide, the alert rules and the dashboard name is what is served, and the guide's table leaves no family of ours out.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { Histogram } from "../../core/histogram.ts";
import { exposition } from "../../core/metrics/exposition.ts";
import type { Counters } from "../../engine/accounting/counters.ts";
import { countersFamilies } from "./families.ts";
import { ProcessMetrics } from "./process-families.ts";

const root = fileURLToPath(new URL("../../../../../", import.meta.url));
const some = { word: 1 };
/** A run in which everything has happened. */
const counters: Counters = {
  inputs: [
    { name: "i", emitted: 1, journalled: 1, limited: 1, dropped: some, refused: some, stats: { figures: {}, lines: [], missing: some } },
  ],
  middleware: {
    name: "m", state: "running", taken: 1, returned: 1, added: 1, withheld: some, lost: some, inside: 1, refused: some, events: some,
  },
  stages: [],
  outputs: [
    { name: "o", received: 1, delivered: 1, filtered: some, limited: some, failed: some, dropped: some, queued: 1, inFlight: 1, stats: { statuses: some } },
  ],
  comparison: { compared: 1, mismatched: 1, unpaired: 1, examples: [] },
  journal: { state: "ok", bytes: 1, entries: 1, writes: 1, failedWrites: 1, unwritten: 1, duplicateFrames: 1, uncertain: 1 },
  memoryBytes: { rss: 1, heapUsed: 1 },
  lost: 1,
}; // prettier-ignore

const itself = new ProcessMetrics("0.0.0");
afterAll(() => itself.close());
const families = [
  ...countersFamilies(counters, {
    outputs: [{ latency: new Histogram(), trouble: () => undefined }],
    lags: [{ name: "i", behindMs: 1 }],
  }),
  ...itself.families(),
];
const text = exposition(families, "prometheus");
/** As they are asked for: with suffixes, and a histogram's three. */
const served = new Set([...text.matchAll(/^([a-z]\w*)/gm)].map(([, name]) => name ?? ""));

it.each([
  "docs/guides/in-production.md",
  "examples/operate/alerts.yaml",
  "examples/operate/alerts.test.yaml",
  "examples/operate/dashboard.json",
])("%s names only what is served", (file) => {
  const named = readFileSync(root + file, "utf8").matchAll(/\b(?:mirrorball|process|nodejs)_\w+/g);
  const names = [...new Set([...named].map(([name]) => name))];
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    // The beginning of several, in a pattern or with `…` behind it.
    const isKnown = name.endsWith("_")
      ? [...served].some((each) => each.startsWith(name))
      : served.has(name) || families.some((each) => each.name === name);
    expect(isKnown, name).toBe(true);
  }
});

it("every family of ours has a line in the guide, by its name or by how it begins", () => {
  const guide = readFileSync(`${root}docs/guides/in-production.md`, "utf8");
  const begun = [...guide.matchAll(/\b((?:mirrorball|process|nodejs)_\w*)/g)].map(([, name]) => name ?? ""); // prettier-ignore
  for (const { name } of families) {
    const prefix = /^(?:mirrorball_[a-z]+|[a-z]+_)/.exec(name)?.[0] ?? name;
    expect(begun.some((each) => each.startsWith(prefix)), name).toBe(true); // prettier-ignore
  }
});

it("no family is named twice, and none is without a word of help", () => {
  const names = families.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { help } of families) expect(help).toMatch(/^[A-Z01].*\.$/);
});
