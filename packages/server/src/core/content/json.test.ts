import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  NESTING_MAX,
  isArray,
  isObject,
  longNumber,
  parseJson,
  scalarText,
  typeOf,
} from "./json.ts";
import type { Json } from "./json.ts";

describe("parseJson", () => {
  it("gives what JSON.parse gives, for all values without long numbers", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain = !/\d{15}/.test(text);
        if (plain) expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("keeps every digit of whole numbers that a double changes", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (number) => {
        const found = parseJson(`{"a":[${number}]}`);
        const inner = isObject(found) ? found["a"] : undefined;
        const value = isArray(inner) ? (inner[0] ?? null) : null;
        expect(scalarText(value)).toBe(String(number));
        expect(typeOf(value)).toBe("number");
      }),
    );
  });

  it("takes a number of a thousand digits, which is beyond all doubles", () => {
    const digits = "9".repeat(1000);
    expect(scalarText(parseJson(digits) ?? null)).toBe(digits);
  });

  it("leaves digits inside strings and names alone", () => {
    const text = '{"12345678901234567890":"a 12345678901234567890 \\" 99999999999999999999"}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it.each(["", "{", "[1,]", "01234567890123456789", "{'a':1}", "nul", "[1]x", "-"])(
    "refuses %j",
    (text) => expect(parseJson(text)).toBeUndefined(),
  );

  it("refuses what is nested so deep that walking it would break, and takes what is not", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(parseJson(nested(NESTING_MAX))).toBeDefined();
    expect(parseJson(nested(NESTING_MAX + 1))).toBeUndefined();
    expect(parseJson(nested(500_000))).toBeUndefined();
    // Marks inside strings nest nothing, and hide no nesting either.
    expect(parseJson(JSON.stringify("[".repeat(5000)))).toBe("[".repeat(5000));
    expect(parseJson(`["${"]".repeat(5000)}",${nested(5000)}]`)).toBeUndefined();
  });

  it("has members called like those of every object, as members", () => {
    const found = parseJson('{"__proto__":{"polluted":1},"constructor":2}');
    expect(Object.keys(found ?? {})).toEqual(["__proto__", "constructor"]);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });
});

describe("a string that pretends to be a long number", () => {
  it("is one only when digits follow", () => {
    expect(longNumber("\u0000number 12345678901234567890")).toBe("12345678901234567890");
    expect(typeOf("\u0000number <b>")).toBe("string");
    expect(scalarText("\u0000number <b>")).toBe("\u0000number <b>");
  });
});

describe("typeOf", () => {
  it.each<[Json, string]>([
    [null, "null"],
    [true, "boolean"],
    [1, "number"],
    ["1", "string"],
    [[], "array"],
    [{}, "object"],
  ])("of %j is %s", (value, type) => expect(typeOf(value)).toBe(type));
});
