// What is learned from the text of pages: ids in links, and nothing that may be chance.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { pairsOf } from "./pairs.ts";

const page = (type: string, body: string): Message => {
  const length = Buffer.byteLength(body);
  const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;
  const http = HttpMessage.fromRaw(Buffer.from(`${head}${body}`));
  return { kind: MessageKind.response, id: "1", startedAt: 1n, latencyNs: 1, http };
};
const learned = (type: string, a: string, b: string): [string, string][] =>
  pairsOf(page(type, a), page(type, b), undefined, () => undefined).map((pair) => [pair.a, pair.b]);

const X = "8662b622-48f7-4e8a-8a29-9f3c27a39c04";
const Y = "280b05eb-f115-49a8-8531-75683822f845";

describe("the text of a page", () => {
  it.each(["text/html", "text/plain"])("gives the ids of its links: %s", (type) => {
    const text = (id: string): string => `<p>\n<a href="/accounts/${id}">mine</a> 17\n</p>\n`;
    expect(learned(type, text(X), text(Y))).toEqual([[X, Y]]);
  });

  it("gives no short numbers, and no words", () => {
    expect(learned("text/html", "<b>17 red</b>", "<b>18 blue</b>")).toEqual([]);
  });

  it("gives nothing when the lines do not belong together", () => {
    expect(learned("text/html", `a\n${X}\n`, `a\nb\n${Y}\n`)).toEqual([]);
    expect(learned("text/html", `<a>${X}</a>\n`, `<b>${Y}</b> <i>\n`)).toEqual([]);
  });
});
