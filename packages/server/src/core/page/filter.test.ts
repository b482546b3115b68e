// The words of a filter, each alone, together and turned round; and what is no filter.
import { gzipSync } from "node:zlib";
import { MessageKind } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExchangeRing } from "./exchange-ring.ts";
import type { Entry } from "./exchange-ring.ts";
import { parseFilter } from "./filter.ts";
import { message } from "./testing/messages.ts";

const coded = gzipSync("Grüße aus dem Süden").toString("latin1");

function entries(): Entry[] {
  const ring = new ExchangeRing(1024 * 1024, () => 0);
  const json = (status: number, body: string): string =>
    `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\n\r\n${body}`;
  ring.seen([
    message(MessageKind.request, "a", "GET /orders/17?x=1 HTTP/1.1\r\nHost: shop\r\n\r\n", {
      route: "/orders/:id",
      service: "shop",
    }),
    message(MessageKind.response, "a", json(200, '{"price":1}')),
    message(MessageKind.replayed, "a", json(200, '{"price":2}'), { target: "t" }),
    message(MessageKind.request, "b", "POST /reviews HTTP/1.1\r\n\r\nhello World", {
      service: "reviews",
    }),
    message(MessageKind.response, "b", `HTTP/1.1 404 X\r\nContent-Encoding: gzip\r\n\r\n${coded}`),
    message(MessageKind.request, "c", "GET /plain HTTP/1.1\r\n\r\n"),
    message(MessageKind.replayed, "c", "HTTP/1.1 503 X\r\n\r\n", {
      target: "t",
      failure: "timeout",
    }),
    message(MessageKind.request, "d", "GET /same HTTP/1.1\r\n\r\n"),
    message(MessageKind.response, "d", json(200, '{"price":1}')),
    message(MessageKind.replayed, "d", json(200, '{ "price": 1 }'), { target: "t" }),
  ]);
  return [1, 2, 3, 4].flatMap((seq) => ring.get(seq) ?? []);
}

function found(text: string): string {
  const filter = parseFilter(text);
  if (typeof filter === "string") throw new Error(filter);
  return entries()
    .filter((entry) => filter.matches(entry, ({ seq }) => (seq === 2 ? 7 : undefined)))
    .map(({ id }) => id)
    .join("");
}

describe("a filter", () => {
  it.each([
    ["", "abcd"],
    ["method:get", "acd"],
    ["status:404", "b"],
    ["status:5xx", "c"],
    ["status:2XX", "ad"],
    ["route:/orders", "a"],
    ["route:/orders/:id", "a"],
    ["route:/orders/*", "a"],
    ["route:*/re*s", "b"],
    ["service:shop", "a"],
    ["session:7", "b"],
    ["is:different", "a"],
    ["is:same", "d"],
    ["is:failed", "c"],
    ["world", "b"],
    ['"hello world"', "b"],
    ["grüße", "b"],
    ['"aus dem"', "b"],
    ["http://x:1", ""],
    ["method:GET -is:different -status:503", "d"],
    ["-world", "acd"],
    ["-method:GET", "b"],
  ])("%s finds %s", (text, ids) => {
    expect(found(text)).toBe(ids);
  });

  it.each([
    ["status:20", "status: must be a number such as 404, or a class such as 5xx; got 20"],
    ["is:odd", "is: must be different, same or failed; got odd"],
    ["session:x", "session: must be a number; got x"],
    ["a ".repeat(40), "a filter may have 32 words"],
    ["x".repeat(3000), "a filter may have 2000 characters"],
  ])("%s is told what is wrong", (text, why) => {
    expect(parseFilter(text)).toBe(why);
  });

  it("is a filter or a sentence, whatever is typed", () => {
    const all = entries();
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        const filter = parseFilter(text);
        if (typeof filter === "string") return filter !== "";
        for (const entry of all) filter.matches(entry, () => undefined);
        return true;
      }),
    );
  });
});
