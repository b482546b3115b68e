import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementPath, memberPath, PATH_CHARS_MAX } from "./path.ts";
import { ownText } from "./own-text.ts";
import { TIMES, ValueClass, classesOf, isStrong, timeOf, timeStepOf } from "./value-class.ts";

function names(text: string): string[] {
  const classes = classesOf(text);
  return Object.entries(ValueClass).flatMap(([name, bit]) => ((classes & bit) === 0 ? [] : [name]));
}

describe("the classes of a value", () => {
  it.each<[string, string]>([
    ["6f1c1f0e-8f5b-4e4b-9a51-0b8f3f6a2c11", "uuid"],
    ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "ulid"],
    ["507f1f77bcf86cd799439011", "objectId"],
    ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_9", "jwt"],
    ["d41d8cd98f00b204e9800998ecf8427e", "hash"],
    ["q7Zt9KpL2mXw4Rb8", "token"],
    ["2026-11-29T08:21:12.123Z", "isoTime"],
    ["2026-11-29 08:21", "isoTime"],
    ["2026-11-29", "isoDate"],
    ["Sun, 29 Nov 2026 08:21:12 GMT", "httpTime"],
    ["1796000000", "epochSeconds"],
    ["1796000000123", "epochMs"],
    ["-17", "integer"],
    ["3.50", "decimal"],
    ["https://x.test/a", "url"],
    ["a.b+c@x.test", "email"],
    ["ACC-10017", "labelledId"],
    ["ord_17", "labelledId"],
  ])("%s is a %s", (text, name) => expect(names(text)).toContain(name));

  it.each(["", "hello world", "Main Street", "active", "some-longer-word-with-dashes"])(
    "%j is plain text",
    (text) => expect(names(text)).toEqual([]),
  );

  it("takes linear time for hostile texts of the greatest length", () => {
    for (const text of [
      "a@".repeat(2048),
      "1.".repeat(2048),
      "eyJ.".repeat(1024),
      "a-".repeat(2048),
    ]) {
      expect(() => classesOf(text)).not.toThrow();
    }
    expect(classesOf("1".repeat(4097))).toBe(0);
  });
});

it.each([
  ["17", false],
  ["ACC-10017", false],
  ["hello", false],
  ["1234567890123456", true],
  ["6f1c1f0e-8f5b-4e4b-9a51-0b8f3f6a2c11", true],
])("%s carries 64 bits of its own: %s", (text, strong) => {
  expect(isStrong(text, classesOf(text))).toBe(strong);
});

describe("the moment of a value", () => {
  const at = Date.UTC(2026, 10, 29, 8, 21, 12);
  it.each([
    "2026-11-29T08:21:12Z",
    "2026-11-29 08:21:12",
    "2026-11-29T09:21:12+01:00",
    "2026-11-29T09:21:12+0100",
    "2026-11-29T08:21:12,000Z",
    "Sun, 29 Nov 2026 08:21:12 GMT",
    String(at),
    String(at / 1000),
  ])("%s", (text) => expect(timeOf(text, classesOf(text))).toBe(at));

  it("is none for what is no time", () => {
    expect(timeOf("hello", classesOf("hello"))).toBeNaN();
    expect(classesOf("hello") & TIMES).toBe(0);
  });

  it("is as coarse as its text", () => {
    expect(timeStepOf(ValueClass.isoDate, "2026-11-29")).toBe(86_400_000);
    expect(timeStepOf(ValueClass.isoTime, "2026-11-29T08:21Z")).toBe(60_000);
    expect(timeStepOf(ValueClass.isoTime, "2026-11-29T08:21:12Z")).toBe(1000);
  });
});

it("a text of its own is the same text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
      expect(ownText(text)).toBe(text);
    }),
  );
  // Half a surrogate pair, as JSON may hold it.
  expect(ownText("\ud800 and some more text")).toBe("\ud800 and some more text");
});

it("places stay short, however long the names in a body are", () => {
  let path = "$";
  for (let i = 0; i < 10_000; i += 1) path = elementPath(memberPath(path, "a".repeat(i % 100)));
  expect(path.length).toBeLessThan(PATH_CHARS_MAX + 3);
  expect(memberPath("$", "a")).toBe("$.a");
  expect(elementPath("$.a")).toBe("$.a[]");
});
