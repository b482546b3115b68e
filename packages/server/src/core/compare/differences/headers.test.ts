import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headerDifferences } from "./headers.ts";

function found(a: string[], b: string[]): string[] {
  return headerDifferences(a, b).map(
    ({ path, kind, where }) => `${path} ${kind}${where === "" ? "" : ` ${where}`}`,
  );
}

describe("fields that differ", () => {
  it.each<[string, string[], string[], string[]]>([
    [
      "a value",
      ["Cache-Control", "no-store"],
      ["cache-control", "public"],
      ["cache-control value"],
    ],
    ["one that is missing", ["X-A", "1"], [], ["x-a missing"]],
    ["one that was added", [], ["X-A", "1"], ["x-a added"]],
    ["a lost coding", ["Content-Encoding", "gzip"], [], ["content-encoding missing"]],
    ["a cookie's value", ["Set-Cookie", "a=1"], ["Set-Cookie", "a=2"], ["set-cookie value a"]],
    [
      "a cookie's attribute",
      ["Set-Cookie", "a=1; HttpOnly"],
      ["Set-Cookie", "a=1"],
      ["set-cookie missing a; httponly"],
    ],
    [
      "a cookie's changed attribute",
      ["Set-Cookie", "a=1; SameSite=Lax"],
      ["Set-Cookie", "a=1; SameSite=None"],
      ["set-cookie value a; samesite"],
    ],
    [
      "a cookie that is missing",
      ["Set-Cookie", "a=1", "Set-Cookie", "b=1"],
      ["Set-Cookie", "b=1"],
      ["set-cookie missing a"],
    ],
    [
      "a type",
      ["Content-Type", "text/html"],
      ["Content-Type", "text/plain"],
      ["content-type value"],
    ],
    [
      "a name like those of every object",
      ["constructor", "1"],
      ["__proto__", "1"],
      ["constructor missing", "__proto__ added"],
    ],
  ])("%s", (_name, a, b, differences) => expect(found(a, b)).toEqual(differences));
});

describe("fields that say the same", () => {
  it.each<[string, string[], string[]]>([
    ["in other case and order", ["X-A", "1", "X-B", "2"], ["x-b", "2", "x-a", "1"]],
    [
      "of the connection and the clock",
      ["Date", "a", "Connection", "close", "Age", "1"],
      ["Date", "b", "Keep-Alive", "5"],
    ],
    ["as a set", ["Vary", "Accept, Origin"], ["Vary", "origin,accept"]],
    [
      "as a type with other blanks",
      ["Content-Type", "text/html; charset=UTF-8"],
      ["Content-Type", 'text/html;charset="utf-8"'],
    ],
    ["as validators", ["ETag", '"a"'], ["ETag", '"b"']],
    ["in one field or in two", ["X-A", "1, 2"], ["X-A", "1", "X-A", "2"]],
    [
      "in another case of an attribute",
      ["Set-Cookie", "a=1; Path=/; SECURE"],
      ["Set-Cookie", "a=1; secure; path=/"],
    ],
  ])("%s", (_name, a, b) => expect(found(a, b)).toEqual([]));

  it("in any order", () => {
    const names = ["x-a", "x-b", "content-language", "cache-control"];
    fc.assert(
      fc.property(fc.shuffledSubarray(names), fc.func(fc.string()), (order, valueOf) => {
        const fields = (all: readonly string[]): string[] =>
          all.flatMap((name) => [name, valueOf(name)]);
        expect(found(fields(order), fields(order.toReversed()))).toEqual([]);
      }),
    );
  });
});
