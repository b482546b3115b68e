import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONTENT_BYTES_MAX, contentOf } from "./body.ts";
import type { Content, ContentKind } from "./body.ts";

function kindOf(type: string | undefined, body: string | Uint8Array): string {
  const headers = type === undefined ? [] : ["Content-Type", type];
  const found = contentOf(headers, typeof body === "string" ? Buffer.from(body) : body);
  return typeof found === "string" ? found : found.kind;
}

describe("the kind of a body", () => {
  it.each<[string | undefined, string, ContentKind]>([
    ["application/json", '{"a":1}', "json"],
    ["application/problem+json; charset=utf-8", "[1]", "json"],
    ["application/json", "{broken", "text"],
    [undefined, ' {"a":1}', "json"],
    ["text/plain", "[1]", "json"],
    ["text/plain", "hello", "text"],
    [undefined, "<!DOCTYPE html><p>", "html"],
    [undefined, "<?xml version='1.0'?><a/>", "xml"],
    ["application/x-ndjson", '{"a":1}\n\n{"a":2}\n', "ndjson"],
    ["application/x-ndjson", "{oops\n", "text"],
    ["application/json-seq", '\u001e{"a":1}\n', "ndjson"],
    ["text/event-stream", "data: 1\n\n", "sse"],
    ["application/x-www-form-urlencoded", "a=1", "form"],
    ["multipart/form-data; boundary=x", "--x--", "multipart"],
    ["TEXT/HTML;charset=UTF-8", "<p>", "html"],
    ["image/svg+xml", "<svg/>", "xml"],
    ["text/csv", "a,b\n", "csv"],
    ["application/javascript", "f()", "text"],
    ["image/png", "PNG", "binary"],
    ["application/json", "", "empty"],
  ])("of %s %j is %s", (type, body, kind) => expect(kindOf(type, body)).toBe(kind));

  it("of bytes that are no text in their charset is binary, whatever their type says", () => {
    expect(kindOf("application/json", Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))).toBe("binary");
    expect(kindOf("text/html", Uint8Array.of(0x3c, 0, 1, 2))).toBe("binary");
    expect(kindOf("text/plain; charset=no-such-thing", "hello")).toBe("binary");
  });

  it("reads the charset that is announced", () => {
    const found = contentOf(
      ["Content-Type", "text/plain; charset=iso-8859-1"],
      Uint8Array.of(0x63, 0xe9),
    );
    expect(typeof found === "string" ? found : found.text).toBe("cé");
  });
});

describe("content codings", () => {
  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ["gzip", (bytes) => gzipSync(bytes)],
    ["br", (bytes) => brotliCompressSync(bytes)],
    ["gzip, br", (bytes) => brotliCompressSync(gzipSync(bytes))],
  ])("%s is undone", (coding, encode) => {
    const body = encode(Buffer.from('{"a":1}'));
    const found = contentOf(
      ["Content-Type", "application/json", "Content-Encoding", coding],
      body,
    ) as Content;
    expect(found.json).toEqual({ a: 1 });
  });

  it("that lie give a word and no content", () => {
    expect(contentOf(["Content-Encoding", "gzip"], Buffer.from("not gzip"))).toBe("undecodable");
    expect(contentOf(["Content-Encoding", "rot13"], Buffer.from("x"))).toBe("unknown-coding");
  });

  it("and plain bodies are bounded by what they decode to", () => {
    const bomb = gzipSync(Buffer.alloc(CONTENT_BYTES_MAX + 1));
    expect(contentOf(["Content-Encoding", "gzip"], bomb)).toBe("too-large");
    expect(contentOf([], Buffer.alloc(CONTENT_BYTES_MAX + 1, 0x61))).toBe("too-large");
  });
});

it("never throws, whatever the type and the bytes", () => {
  const types = [
    "application/json",
    "text/html",
    "text/event-stream",
    "x/ndjson",
    "",
    "a;charset=utf-16",
  ];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 200 }), (type, bytes) => {
      expect(() => contentOf(["content-type", type], bytes)).not.toThrow();
    }),
  );
});
