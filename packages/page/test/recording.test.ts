// `mirrorball page`: a recording of a hundred thousand exchanges, of which only what is seen is drawn; and a report beside it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mirrorball } from "../../cli/test/processes.ts";
import { encodeRecords } from "../../server/src/core/record/encode.ts";
import { hasBrowser, launch, openTab } from "./browser.ts";
import { exchange } from "./serving.ts";

const EXCHANGES = 100_000;
/** Rows that are drawn at once: a screenful and some beyond each edge. */
const DRAWN_MAX = 80;

describe.skipIf(!hasBrowser)("mirrorball page", () => {
  const folder = mkdtempSync(join(tmpdir(), "page-recording-"));
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it(
    "shows a hundred thousand exchanges and a report, and scrolls to the first",
    { timeout: 180_000 },
    async () => {
      const recording = join(folder, "all.gor");
      const pieces = [];
      for (let i = 0; i < EXCHANGES; i += 1) pieces.push(...exchange(`GET /items/${i}`, "{}"));
      writeFileSync(recording, encodeRecords(pieces));
      const report = join(folder, "report.json");
      const empty = { schema: "mirrorball.compare/1", verdict: "same", remarks: ["a remark"], exchanges: { sent: 1, compared: 1, statusAlike: 1, unpaired: 0, failed: 0, setAside: 0, skipped: {} }, endpoints: [], latency: [] }; // prettier-ignore
      writeFileSync(report, JSON.stringify(empty));
      const program = mirrorball("page", recording, report);
      const [, url = ""] = await program.printed(/page on (http\S+)/);
      const { page, complaints } = await openTab(browser);
      await page.goto(url);
      await page.locator("text=/^100,000 shown/").waitFor({ timeout: 120_000 });
      expect(await page.locator(".row[data-seq]").count()).toBeLessThan(DRAWN_MAX);
      const frames = await page.evaluate(SCROLL);
      console.log(`frames while scrolling: ${JSON.stringify(frames)}`);
      expect(await page.locator(".row[data-seq]").count()).toBeLessThan(DRAWN_MAX);
      await page.locator(".row[data-seq='1']", { hasText: "/items/0" }).waitFor();
      await page.locator("nav a", { hasText: "Differences" }).click();
      await page.locator(".verdict", { hasText: "a remark" }).waitFor();
      expect(await page.locator("nav a").allTextContents()).toEqual(["Traffic", "Differences"]);
      expect(complaints).toEqual([]);
      program.child.kill("SIGTERM");
      expect(await program.ended).toBe(0);
    },
  );

  it("says what is no recording and no report", async () => {
    const other = join(folder, "other.json");
    writeFileSync(other, "{}");
    const program = mirrorball("page", other);
    expect(await program.ended).toBe(1);
    expect(program.out.stderr).toContain("other.json: is no report of mirrorball compare");
    const none = mirrorball("page", join(folder, "none.gor"));
    expect(await none.ended).toBe(1);
    expect(none.out.stderr).toContain("no file matches");
  });
});

/** From top to bottom in 120 steps, a frame each; gives the times of the frames in milliseconds. */
const SCROLL = `new Promise((done) => {
  const box = document.querySelector(".scroll");
  const times = [];
  let last = performance.now();
  let step = 0;
  const next = () => {
    const now = performance.now();
    times.push(now - last);
    last = now;
    step += 1;
    box.scrollTop = (box.scrollHeight * step) / 120;
    if (step < 122) return requestAnimationFrame(next);
    times.sort((a, b) => a - b);
    done({ p50: times[61], p95: times[115], max: times[121] });
  };
  requestAnimationFrame(next);
})`;
