import { gzipSync } from "node:zlib";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { pairsOf } from "./pairs.ts";

const A = "q7Zt9KpL2mXw4Rb8Aa11";
const B = "Zq8Lm2Xw4Rb8Kp9Tt7Bb";

function answer(
  body: string | Uint8Array,
  fields: readonly string[] = ["Content-Type: application/json"],
  status = 200,
): Message {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const head = [`HTTP/1.1 ${status} X`, ...fields, `Content-Length: ${bytes.length}`, "", ""].join(
    "\r\n",
  );
  const http = HttpMessage.fromRaw(Buffer.concat([Buffer.from(head, "latin1"), bytes]));
  return { kind: MessageKind.response, id: "1", startedAt: 0, latencyNs: 0, http };
}

function learned(a: Message, b: Message, around?: string): string[] {
  const pairs = pairsOf(a, b, around, () => undefined);
  return pairs
    .filter(({ namespace }) => !namespace.startsWith("place:"))
    .map(({ namespace, a: from, b: to }) => `${namespace}: ${from} → ${to}`);
}

const HTML = ["Content-Type: text/html"];

describe("pairs are learned", () => {
  it.each<[string, Message, Message, string]>([
    ["a token in JSON", answer(`{"t":"${A}"}`), answer(`{"t":"${B}"}`), `: ${A} → ${B}`],
    [
      "a short id under its name",
      answer('{"accountId":17}'),
      answer('{"accountId":23}'),
      "account: 17 → 23",
    ],
    [
      "an id in a list of things",
      answer('{"accounts":[{"id":17}]}'),
      answer('{"accounts":[{"id":23}]}'),
      "account: 17 → 23",
    ],
    [
      "a cookie",
      answer("", ["Set-Cookie: sid=abc; Path=/"]),
      answer("", ["Set-Cookie: sid=xyz; Path=/"]),
      "cookie:sid: abc → xyz",
    ],
    [
      "a link",
      answer("", ["Location: /orders/17?page=3"]),
      answer("", ["Location: http://x.test/orders/23?page=4"]),
      "order: 17 → 23",
    ],
    [
      "a header",
      answer("", [`X-CSRF-Token: ${A}`]),
      answer("", [`X-CSRF-Token: ${B}`]),
      `: ${A} → ${B}`,
    ],
    [
      "a hidden input",
      answer('<input type=hidden name=n value="a1">', HTML),
      answer('<input type=hidden name=n value="b2">', HTML),
      "field:n: a1 → b2",
    ],
    [
      "a meta tag",
      answer(`<meta name="csrf-token" content="${A}">`, HTML),
      answer(`<meta name="csrf-token" content="${B}">`, HTML),
      `: ${A} → ${B}`,
    ],
    [
      "an event",
      answer(`data: {"t":"${A}"}\n\n`, ["Content-Type: text/event-stream"]),
      answer(`data: {"t":"${B}"}\n\n`, ["Content-Type: text/event-stream"]),
      `: ${A} → ${B}`,
    ],
    [
      "a value that kept its name",
      answer('{"accountId":17}'),
      answer('{"accountId":17}'),
      "account: 17 → 17",
    ],
    [
      "a compressed answer beside a plain one",
      answer(gzipSync(`{"t":"${A}"}`), [
        "Content-Type: application/json",
        "Content-Encoding: gzip",
      ]),
      answer(`{"t":"${B}"}`),
      `: ${A} → ${B}`,
    ],
  ])("from %s", (_name, a, b, pair) => expect(learned(a, b)).toContain(pair));

  it("from what the endpoint is about", () => {
    expect(learned(answer('{"id":17}'), answer('{"id":23}'), "order")).toContain("order: 17 → 23");
  });

  it("from elements that belong together, not from those at the same position", () => {
    const rows = (ids: readonly number[]): string =>
      JSON.stringify({ orders: ids.map((id) => ({ id, item: `item ${id % 100}` })) });
    const found = learned(answer(rows([101, 102, 103])), answer(rows([203, 201, 202])));
    expect(found.sort()).toEqual(["order: 101 → 201", "order: 102 → 202", "order: 103 → 203"]);
  });
});

describe("nothing is learned", () => {
  it.each<[string, Message, Message]>([
    [
      "from answers of different status classes",
      answer(`{"t":"${A}"}`),
      answer(`{"t":"${B}"}`, undefined, 500),
    ],
    ["from values of different formats", answer(`{"t":"${A}"}`), answer('{"t":"expired"}')],
    ["from values of different types", answer('{"accountId":17}'), answer('{"accountId":"17"}')],
    ["from prose", answer('{"note":"hello you"}'), answer('{"note":"hello me"}')],
    ["from bodies that are not what they say", answer("{broken"), answer(`{"t":"${B}"}`)],
    [
      "from a body that cannot be decoded",
      answer("nope", ["Content-Encoding: gzip"]),
      answer("{}"),
    ],
    [
      "from dates",
      answer("", ["Date: Sun, 29 Nov 2026 08:21:12 GMT"]),
      answer("", ["Date: Sun, 29 Nov 2026 08:21:13 GMT"]),
    ],
  ])("%s", (_name, a, b) => expect(learned(a, b)).toEqual([]));

  it.each(["1\r\nX-Evil: 1", "1\ud800", "1\u0000"])("from what could not be sent: %j", (evil) => {
    const found = learned(
      answer('{"order_url":"/orders/17"}'),
      answer(JSON.stringify({ order_url: `/orders/${evil}` })),
    );
    expect(found).toEqual([]);
  });

  it("from members that every object has", () => {
    expect(learned(answer('{"constructor":17}'), answer("{}"))).toEqual([]);
    expect(learned(answer('{"toString":{"id":1}}'), answer("{}"))).toEqual([]);
  });
});

it("one answer gives five thousand pairs at most", () => {
  const body = JSON.stringify(
    Array.from({ length: 900 }, (_, i) =>
      Object.fromEntries(Array.from({ length: 10 }, (__, j) => [`k${j}Id`, i * 10 + j + 1000])),
    ),
  );
  expect(
    pairsOf(answer(body), answer(body), undefined, () => undefined).length,
  ).toBeLessThanOrEqual(5000);
});
