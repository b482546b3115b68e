// Whatever was captured is text: a thousand strings that would run in a careless page stand in every field, and nothing runs.
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MessageKind } from "@mirrorball/protocol";
import { hasBrowser, launch, openTab } from "./browser.ts";
import type { Tab } from "./browser.ts";
import { messageOf, serving } from "./serving.ts";
import type { Serving } from "./serving.ts";

const ACT = "window.hacked=1";
const CORES = [
  `<script>${ACT}</script>`,
  `<img src=x onerror=${ACT}>`,
  `<svg/onload=${ACT}>`,
  `<iframe srcdoc="<script>parent.${ACT}</script>"></iframe>`,
  `<a href="javascript:${ACT}" autofocus onfocus=${ACT}>x</a>`,
  `<body onpageshow=${ACT}>`,
  `<style>@import 'http://127.0.0.1:1/x';*{background:url(http://127.0.0.1:1/y)}</style>`,
  `<link rel=stylesheet href=http://127.0.0.1:1/z>`,
  `<base href="http://127.0.0.1:1/">`,
  `<meta http-equiv=refresh content="0;url=javascript:${ACT}">`,
  `<form action="javascript:${ACT}"><button autofocus>`,
  `<math><mtext></mtext><mglyph><style></math><img src onerror=${ACT}>`,
  `<noscript><p title="</noscript><img src=x onerror=${ACT}>">`,
  `javascript:${ACT}`,
  `data:text/html,<script>${ACT}</script>`,
  `\${${ACT}}`,
  `{{constructor.constructor('${ACT}')()}}`,
  `');${ACT};//`,
  `__proto__`,
  `constructor`,
  `toString`,
  `\u202egnp.exe`,
  `\ud83d\ude48\ud83d\ude49\ud83d\ude4a`,
  `\u0000\u0007\u001b[31m`,
  `event: hello\ndata: {}\n\n`,
];
const FRAMES: readonly ((core: string) => string)[] = [
  (core) => core,
  (core) => `"${core}`,
  (core) => `'>${core}`,
  (core) => `"/>${core}`,
  (core) => `</script>${core}`,
  (core) => `</style>${core}`,
  (core) => `</textarea>${core}`,
  (core) => `</title>${core}`,
  (core) => `-->${core}`,
  (core) => `]]>${core}`,
  (core) => `&lt;${core}`,
  (core) => `%3Cscript%3E${core}`,
  (core) => core.toUpperCase(),
  (core) => core.replaceAll("<", "<\t"),
  (core) => core.replaceAll(" ", "/"),
  (core) => core.replaceAll("<", "\uff1c"),
  (core) => `\ufeff${core}`,
  (core) => `${core}\u2028${core}`,
  (core) => core.repeat(20),
  (core) => `a${core}b`,
  (core) => `//${core}`,
  (core) => `\\${core}`,
  (core) => `%00${core}`,
  (core) => `\\u003c${core}`,
  (core) => `x=${core}`,
  (core) => `[${core}](${core})`,
  (core) => `<!--${core}`,
  (core) => `<![CDATA[${core}`,
  (core) => `<x ${core}`,
  (core) => `<p title='${core}'>`,
  (core) => `<template>${core}</template>`,
  (core) => `<xmp>${core}</xmp>`,
  (core) => `\`${core}\``,
  (core) => `$(${core})`,
  (core) => `{"a":"${core}"}`,
  (core) => `;${core}`,
  (core) => `|${core}`,
  (core) => `#${core}`,
  (core) => `?${core}`,
  (core) => `${core}\r\n ${core}`,
];
const STRINGS = FRAMES.flatMap((frame) => CORES.map(frame));

describe.skipIf(!hasBrowser)("captured text", () => {
  let browser: Browser;
  let server: Serving;
  let tab: Tab;

  beforeAll(async () => {
    browser = await launch();
    // It sends back what it was asked, so that the replayed answers are hostile, too.
    server = await serving((request, response) => {
      response.setHeader("content-type", "text/html");
      response.setHeader("x-back", (request.url ?? "").replaceAll(/[^\x20-\x7e]/g, "?"));
      response.end(`<html><script>${ACT}</script>${request.url}</html>`);
    });
    tab = await openTab(browser);
    await tab.page.goto(server.url);
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
  });

  it("never runs, in no field, and the console stays empty", { timeout: 120_000 }, async () => {
    expect(STRINGS).toHaveLength(1000);
    const { page } = tab;
    await page.keyboard.press("t");
    // No more at once than are all kept.
    for (let from = 0; from < 1000; from += 250) {
      for (let i = from; i < from + 250; i += 1) server.send(...hostile(i, STRINGS[i] ?? ""));
      const all = from === 750 ? "1,000" : String(from + 250);
      await page.locator(`text=/^${all} shown/`).waitFor();
    }
    // Every row is drawn once.
    for (let y = 0; y < 1000 * 28; y += 500) {
      await page.evaluate(`document.querySelector(".scroll").scrollTop = ${y}`);
      await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => drawn()))");
    }
    for (let seq = 1; seq <= 1000; seq += 37) {
      await page.evaluate(`location.hash = "#/traffic?open=${seq}"`);
      await page
        .locator(".panel-bar .soft", { hasText: seq.toString(16).padStart(24, "0") })
        .waitFor();
      await page.locator(".needle").fill("<script");
    }
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    expect(await page.locator("iframe, form:not(.filter), base, meta[http-equiv]").count()).toBe(0);
    expect(tab.complaints).toEqual([]);
  });
});

function hostile(index: number, text: string) {
  const id = (index + 1).toString(16).padStart(24, "0");
  // What would end a line or the target ends no field: it is the parser's matter, which has tests of its own.
  const line = text.replaceAll(/[\r\n]/g, " ").replaceAll("\u0000", " ");
  const token = line.replaceAll(/\s/g, "_");
  const body = Buffer.from(JSON.stringify({ [text]: text, list: [text] }));
  const fields = `X-Field: ${line}\r\nCookie: a=${line}\r\nUser-Agent: ${line}\r\n`;
  const type = index % 3 === 0 ? "application/json" : index % 3 === 1 ? "text/html" : line;
  const answer = `HTTP/1.1 200 ${line}\r\nContent-Type: ${type}\r\n${fields}Set-Cookie: ${line}=${line}\r\nContent-Length: ${body.length}\r\n\r\n`;
  const request = `POST /${token} HTTP/1.1\r\nHost: ${token}\r\n${fields}Content-Length: ${body.length}\r\n\r\n`;
  return [
    { ...messageOf(MessageKind.request, id, Buffer.concat([Buffer.from(request), body])), context: { service: text, route: text, tags: [text, text] } },
    messageOf(MessageKind.response, id, Buffer.concat([Buffer.from(answer), body])),
  ]; // prettier-ignore
}
