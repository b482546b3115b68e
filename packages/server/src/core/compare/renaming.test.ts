import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isIdName } from "./id-names.ts";
import { Renaming, mayBeRenamed, nameOfPath } from "./renaming.ts";
import { shapeOf, tokenPairs } from "./differences/tokens.ts";

describe("the renaming", () => {
  it("keeps the first mapping, and is one to one", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }))), (pairs) => {
        const renaming = new Renaming();
        const first = new Map<string, string>();
        for (const [a, b] of pairs) {
          renaming.learn(`a${a}`, `b${b}`);
          if (!first.has(`a${a}`) && ![...first.values()].includes(`b${b}`))
            first.set(`a${a}`, `b${b}`);
        }
        for (const [a, b] of first) {
          expect(renaming.image(a)).toBe(b);
          expect(renaming.origin(b)).toBe(a);
        }
      }),
    );
  });

  it("tells of contradictions, and believes nothing that is mostly contradicted", () => {
    const renaming = new Renaming();
    renaming.learn("a", "x");
    expect(renaming.sightings("a", "x")).toBe(1);
    expect(renaming.contradicts("a", "y")).toBe(true);
    expect(renaming.contradicts("b", "x")).toBe(true);
    expect(renaming.contradicts("b", "y")).toBe(false);
    renaming.learn("a", "y");
    renaming.learn("a", "z");
    expect(renaming.sightings("a", "x")).toBe(0);
  });
});

it.each([
  ["id", "17", "23", true],
  ["price", "17", "23", false],
  ["note", "ord_10017", "ord_10023", true],
  ["tier", "tier_2", "tier_3", false],
  ["id", "ord_17", "inv_23", false],
  ["name", "Anna", "Berta", false],
  ["createdAt", "2026-11-29T08:00:00Z", "2026-11-29T09:00:00Z", false],
  ["x", "6f1c1f0e-8f5b-4e4b-9a51-0b8f3f6a2c11", "7f1c1f0e-8f5b-4e4b-9a51-0b8f3f6a2c12", true],
])("at %s %s may be called %s: %s", (name, a, b, may) =>
  expect(mayBeRenamed(name, a, b)).toBe(may),
);

it.each([
  ["$.items[].id", "id"],
  ["$.ids[][]", "ids"],
  ["$", "$"],
])("the name of %s is %s", (path, name) => expect(nameOfPath(path)).toBe(name));

it.each([
  ["accountId", true],
  ["order_no", true],
  ["X-Request-ID", true],
  ["items[id]", true],
  ["paid", false],
  ["", false],
])("%j names something: %s", (name, isId) => expect(isIdName(name)).toBe(isId));

describe("texts cut into tokens", () => {
  it.each([
    ["/orders/17?page=2", "/orders/23?page=2", [{ a: "17", b: "23" }]],
    [
      "at 2026-11-29T08:00:00Z.",
      "at 2026-11-29T09:00:00Z.",
      [{ a: "2026-11-29T08:00:00Z", b: "2026-11-29T09:00:00Z" }],
    ],
    ["a b", "a b", []],
    ["a b", "a b c", undefined],
    ["a/b", "a b", undefined],
  ])("%j and %j", (a, b, pairs) => expect(tokenPairs(a, b)).toEqual(pairs));

  it("are put together again from their pairs", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const pairs = tokenPairs(a, a);
        expect(pairs).toEqual([]);
        expect(shapeOf(a, a, 0)).toBe(a);
        expect(() => tokenPairs(a, b)).not.toThrow();
      }),
    );
  });
});
