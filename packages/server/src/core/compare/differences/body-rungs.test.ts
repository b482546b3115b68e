import { gzipSync } from "node:zlib";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyDifferences } from "./bodies.ts";
import { View } from "./view.ts";

const UNKNOWN = { image: () => undefined, isKnown: () => true };

function view(type: string, body: string | Uint8Array, coding?: string): View {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const encoded = coding === "gzip" ? gzipSync(bytes) : bytes;
  const fields = coding === undefined ? "" : `Content-Encoding: ${coding}\r\n`;
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\n${fields}Content-Length: ${encoded.length}\r\n\r\n`;
  const http = HttpMessage.fromRaw(Buffer.concat([Buffer.from(head), encoded]));
  return new View({ kind: MessageKind.response, id: "1", startedAt: 0, latencyNs: 0, http });
}

function found(type: string, a: string | Uint8Array, b: string | Uint8Array): string[] {
  return bodyDifferences(view(type, a), view(type, b), UNKNOWN).map(
    ({ path, kind }) => `${path} ${kind}`,
  );
}

const JSON_TYPE = "application/json";

describe("the rung on which bodies differ", () => {
  it.each<[string, string, string, string[]]>([
    [JSON_TYPE, '{"a":1}', "{}", ["$.a missing"]],
    [JSON_TYPE, "{}", '{"a":1}', ["$.a added"]],
    [JSON_TYPE, '{"a":1}', '{"a":"1"}', ["$.a type"]],
    [JSON_TYPE, '{"a":1}', '{"a":null}', ["$.a type"]],
    [JSON_TYPE, '{"a":1}', '{"a":2}', ["$.a value"]],
    [JSON_TYPE, "[1,2,3]", "[1,2]", ["$ length"]],
    [JSON_TYPE, "[1,2,3]", "[1,3,2]", ["$ order"]],
    [JSON_TYPE, '{"constructor":1}', "{}", ["$.constructor missing"]],
    [JSON_TYPE, "{}", '{"__proto__":1}', ["$.__proto__ added"]],
    [JSON_TYPE, '{"n":12345678901234567890}', '{"n":12345678901234567891}', ["$.n value"]],
    [JSON_TYPE, '{"n":0.1}', '{"n":0.1000000000000000055}', []],
    [JSON_TYPE, '{"n":1.0}', '{"n":1}', []],
    [JSON_TYPE, '{"a":1}', "", [" missing"]],
    [JSON_TYPE, "", '{"a":1}', [" added"]],
    [JSON_TYPE, '{"a":1}', "<html>", ["$ type"]],
    ["application/x-ndjson", '{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":3}\n', [" value"]],
    ["text/event-stream", 'data: {"a":1}\n\n', 'data: {"a":2}\n\n', [" value"]],
    ["text/event-stream", ": beat\n\ndata: 1\n\n", "data: 1\r\n\r\n", []],
    ["application/x-www-form-urlencoded", "a=1&b=2", "b=2&a=1", []],
    ["application/x-www-form-urlencoded", "a=1", "a=2", [" value"]],
    ["text/csv", "a,b\n1,2\n", "a,b\n1,3\n", [" value"]],
    ["text/plain", "one\ntwo", "one\ntwo\nthree", [" text"]],
    ["image/png", "\u0089PNG1", "\u0089PNG2", [" bytes"]],
  ])("%s %j beside %j", (type, a, b, differences) =>
    expect(found(type, a, b)).toEqual(differences),
  );

  it("is none when only the coding is another", () => {
    expect(
      bodyDifferences(view(JSON_TYPE, '{"a":1}', "gzip"), view(JSON_TYPE, '{"a":1}'), UNKNOWN),
    ).toEqual([]);
  });

  it("is that of bytes when a body cannot be looked into", () => {
    const broken = view(JSON_TYPE, "not gzip", "identity");
    const lied = view(JSON_TYPE, "x");
    expect(bodyDifferences(broken, lied, UNKNOWN)).toHaveLength(1);
  });

  it("of a form with a member that every object has is found", () => {
    expect(found("application/x-www-form-urlencoded", "toString=1", "a=1")).toEqual([
      " missing",
      " added",
    ]);
  });
});

describe("equal values", () => {
  it("have no differences, in whatever order their members stand", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 8 }), (members) => {
        const turned = Object.fromEntries(Object.entries(members).toReversed());
        expect(found(JSON_TYPE, JSON.stringify(members), JSON.stringify(turned))).toEqual([]);
      }),
    );
  });

  it("never throw and never hang, however hostile", () => {
    const nested = "[".repeat(100_000) + "]".repeat(100_000);
    expect(found(JSON_TYPE, nested, `${nested} `)).toHaveLength(1);
    const names = `{"${"n".repeat(2000)}":`.repeat(200);
    const deep = (value: string): string => `${names}${value}${"}".repeat(200)}`;
    const differences = bodyDifferences(
      view(JSON_TYPE, deep("1")),
      view(JSON_TYPE, deep("2")),
      UNKNOWN,
    );
    expect(differences).toHaveLength(1);
    expect(differences[0]?.path.length).toBeLessThan(1000);
    const many = (value: number): string =>
      JSON.stringify(Array.from({ length: 900 }, (_, i) => ({ id: i, value })));
    expect(found(JSON_TYPE, many(1), many(2)).length).toBeLessThanOrEqual(500);
  });
});
