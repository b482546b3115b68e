// The page of a real server under real traffic, in a real browser: what it shows, whom it refuses, that nothing captured ever runs.
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Report } from "../../server/src/core/compare/report/report.ts";
import { hasBrowser, launch, openTab } from "./browser.ts";
import type { Tab } from "./browser.ts";
import { exchange, serving } from "./serving.ts";
import type { Serving } from "./serving.ts";

const COOKIE = "sid=b1946ac92492d2347c6235b4d2611184";

if (!hasBrowser) console.warn("the page's tests are left out: no /usr/bin/chromium");

describe.skipIf(!hasBrowser)("the page", () => {
  let browser: Browser;
  let server: Serving;
  let tab: Tab;
  const report = join(mkdtempSync(join(tmpdir(), "page-")), "report.json");

  beforeAll(async () => {
    browser = await launch();
    const faulty: RequestListener = (request, response) => {
      const isFaulty = request.url === "/products";
      if (request.url === "/login") response.setHeader("set-cookie", COOKIE);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ lamps: [{ id: 1, price: isFaulty ? 20 : 19.95 }] }));
    };
    server = await serving(faulty, "--output-compare", report);
    tab = await openTab(browser);
    await tab.page.goto(server.url);
    await tab.page.locator("text=/^live/").waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    expect(tab.complaints).toEqual([]);
    // Those who looked on the way have changed nothing of what is said at the end.
    const { verdict, endpoints } = JSON.parse(readFileSync(report, "utf8")) as Report;
    const found = endpoints.flatMap(({ differences }) => differences.map(({ path }) => path));
    expect([verdict, found]).toEqual(["different", ["$.lamps[].price"]]);
  });

  const ROWS = ".row[data-seq]";
  /** Waits until the list has so many. */
  const rows = (count: number): Promise<unknown> =>
    expect.poll(() => tab.page.locator(ROWS).count(), { timeout: 30_000 }).toBe(count);
  const body = '{"lamps":[{"id":1,"price":19.95}]}';

  it("takes the token out of the address, and lets nobody else in with it", async () => {
    expect(tab.page.url()).not.toContain("token");
    const other = await openTab(browser);
    const answer = await other.page.goto(server.url);
    expect(answer?.status()).toBe(401);
    const root = await other.page.goto(new URL("/", server.url).href);
    expect(root?.status()).toBe(401);
    expect(await other.page.textContent("body")).not.toContain("lamps");
    await other.context.close();
  });

  it("shows figures that add up", async () => {
    server.send(...exchange("GET /products", body), ...exchange("GET /lamps", body));
    const sum = tab.page.locator(".card .sum").first();
    await sum.filter({ hasText: "2 received = 2 delivered" }).waitFor();
  });

  it("shows each exchange as it comes, and opens it with its three sides and what differs", async () => {
    const { page } = tab;
    await page.keyboard.press("t");
    await page.locator(ROWS).nth(1).waitFor();
    server.send(...exchange("GET /late", body));
    await page.locator(ROWS, { hasText: "/late" }).waitFor();
    await page.locator(ROWS, { hasText: "/products" }).click();
    await page.locator(".side").nth(2).locator(".json").waitFor();
    expect(await page.locator(".side h3").count()).toBe(3);
    expect(await page.locator(".side .changed").allTextContents()).toEqual([
      "price: 19.95",
      "price: 20",
    ]);
    expect(await page.locator(".places th").textContent()).toBe("body $.lamps[].price");
  });

  it("keeps the open exchange and the filter in the address, through a reload and back", async () => {
    const { page } = tab;
    expect(page.url()).toMatch(/#\/traffic\?open=1$/);
    await page.reload();
    await page.locator(".places th").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("is:different");
    await page.keyboard.press("Enter");
    await rows(1);
    expect(page.url()).toMatch(/#\/traffic\?filter=is%3Adifferent$/);
    await page.goBack();
    await rows(3);
    await page.goForward();
    await rows(1);
    await page.locator("#filter").fill("status:9");
    await page.keyboard.press("Enter");
    await page.locator("[role=alert]", { hasText: "status: must be a number" }).waitFor();
    // The browser says that a request was refused, and that is all it may say.
    expect(tab.complaints.splice(0).join()).toMatch(/^(error: Failed to load resource: .*400[^,]*,?)+$/); // prettier-ignore
    await page.locator("#filter").fill("");
    await rows(3);
  });

  it("goes by the keyboard alone", async () => {
    const { page } = tab;
    await page.locator("main").press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".panel-bar .target", { hasText: "GET /lamps" }).waitFor();
    await page.keyboard.press("k");
    await page.locator(".panel-bar .target", { hasText: "GET /late" }).waitFor();
    await page.keyboard.press("Escape");
    await page.locator(".panel").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.locator("[role=dialog]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("[role=dialog]").waitFor({ state: "detached" });
  });

  it("gives an exchange as a file that mirrorball reads, as HAR, and as a command", async () => {
    const { page } = tab;
    await page.locator(ROWS, { hasText: "/lamps" }).click();
    const [gor] = await Promise.all([page.waitForEvent("download"), page.click("text=.gor")]);
    expect(await readAll(await gor.createReadStream())).toContain("GET /lamps HTTP/1.1");
    const [har] = await Promise.all([page.waitForEvent("download"), page.click("text=HAR")]);
    const read = JSON.parse(await readAll(await har.createReadStream())) as {
      log: { entries: { request: { url: string } }[] };
    };
    expect(read.log.entries[0]?.request.url).toBe("http://shop/lamps");
    await page.keyboard.press("Escape");
  });

  it("shows the exchanges of one caller", async () => {
    const { page } = tab;
    // Who walked through the list holds it still.
    await page.keyboard.press("Escape");
    const type = "application/json";
    server.send(
      ...exchange("GET /login", body, 200, type, { answer: `Set-Cookie: ${COOKIE}\r\n` }),
      ...exchange("GET /other", body),
      ...exchange("GET /mine", body, 200, type, { request: `Cookie: ${COOKIE}\r\n` }),
    );
    await page.locator(ROWS, { hasText: "/mine" }).click();
    await page.locator("text=Session").click();
    await rows(2);
    expect(await page.locator(`${ROWS} .target`).allTextContents()).toEqual(["/mine", "/login"]);
    expect(page.url()).toMatch(/filter=session%3A\d+$/);
    await page.locator("#filter").fill("");
    await rows(6);
  });

  it("has the fault of the target in its inbox, new at the first look and not at the second", async () => {
    const { page } = tab;
    await page.keyboard.press("d");
    const finding = page.locator(".finding");
    await finding.filter({ hasText: "GET /products" }).waitFor();
    expect(await finding.count()).toBe(1);
    expect(await finding.textContent()).toContain("body $.lamps[].price value");
    await finding.locator(".fold").click();
    expect(await finding.locator("td.old, td.new").allTextContents()).toEqual(["19.95", "20"]);
    expect(await finding.locator(".badge.new").count()).toBe(1);
    await finding.locator("button.link").click();
    await page.locator(ROWS, { hasText: "/products" }).waitFor();
    await rows(1);
    await page.keyboard.press("d");
    await finding.waitFor();
    expect(await finding.locator(".badge.new").count()).toBe(0);
    await page.keyboard.press("t");
  });

  it("shows nothing to a page of another origin, not even by its own cookie", async () => {
    const evil = createServer((_, response) => response.end("a page of somebody else"));
    await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
    const page = await tab.context.newPage();
    await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
    const rowsOf = new URL("/api/rows", server.url).href;
    for (const mode of ["cors", "no-cors"]) {
      const read = await page.evaluate(
        `fetch("${rowsOf}", { credentials: "include", mode: "${mode}" }).then((a) => a.text(), String)`,
      );
      expect(read, mode).toContain("TypeError");
    }
    await page.close();
    evil.closeAllConnections();
    evil.close();
  });
});

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(pieces).toString("utf8");
}
