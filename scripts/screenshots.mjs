// @ts-check
// Makes the pictures in docs/guides/page/ from the story, with a real browser: both themes, and a narrow one. Needs /usr/bin/chromium.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = `${root}docs/guides/page`;
/** Requests until there is something to see. */
const EXCHANGES_MIN = 1500;

const story = spawn(process.execPath, ["examples/story/story.mjs"], { cwd: root });
story.stderr.pipe(process.stderr);
/** @type {string} */
const url = await new Promise((resolve) => {
  createInterface({ input: story.stdout }).on("line", (line) => {
    const found = /^see it in a browser: (\S+)$/.exec(line)?.[1];
    if (found !== undefined) resolve(found);
  });
});
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu"],
});
try {
  mkdirSync(folder, { recursive: true });
  await takeAll();
} finally {
  await browser.close();
  story.kill("SIGTERM");
}

async function takeAll() {
  const page = await browser.newPage({ viewport: { width: 1120, height: 700 }, colorScheme: "light" }); // prettier-ignore
  await page.goto(url);
  const received = page.locator(".card .sum b").first();
  const count = async () => Number((await received.textContent())?.replaceAll(",", "") ?? 0);
  while ((await count()) < EXCHANGES_MIN) await page.waitForTimeout(200);
  await page.screenshot({ path: `${folder}/now.png` });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto(
    `${new URL("/", url).href}#/traffic?filter=is%3Adifferent%20route%3A%2Fproducts%2F`,
  );
  await page.locator(".row[data-seq]").nth(3).click();
  await page.locator(".side .changed").first().waitFor();
  await page.screenshot({ path: `${folder}/traffic.png` });
  await page.setViewportSize({ width: 360, height: 700 });
  await page.goto(`${new URL("/", url).href}#/differences`);
  await page.locator(".finding").nth(2).waitFor();
  await page.screenshot({ path: `${folder}/differences-narrow.png` });
  await page.setViewportSize({ width: 1120, height: 700 });
  await page.emulateMedia({ colorScheme: "light" });
  await page.screenshot({ path: `${folder}/differences.png` });
}
