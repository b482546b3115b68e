// One map of all values: what is mixed up in it, and whose a value is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Renaming } from "./renaming.ts";

describe("the renaming", () => {
  it("keeps the first name of a value", () => {
    const renaming = new Renaming();
    renaming.learn("a", "x");
    renaming.learn("a", "y");
    expect(renaming.image("a")).toBe("x");
  });

  it("decides by independent witnesses whose a value is, whoever came first", () => {
    const renaming = new Renaming();
    // Another tenant's list came first, again and again at the same place; the tenant's own session shows the value at two.
    for (let i = 0; i < 5; i += 1) renaming.learn("mine", "theirs'", 1);
    renaming.learn("theirs", "theirs'", 2);
    renaming.learn("theirs", "theirs'", 3);
    renaming.learn("mine", "mine'", 1);
    expect(renaming.origin("theirs'")).toBe("mine");
    renaming.decide();
    expect(renaming.origin("theirs'")).toBe("theirs");
    expect(renaming.image("theirs")).toBe("theirs'");
    expect(renaming.image("mine")).toBe("mine'");
    renaming.decide();
    expect(renaming.image("mine")).toBe("mine'");
  });

  it("leaves what nobody contests alone, and the first where witnesses are as many", () => {
    const renaming = new Renaming();
    renaming.learn("a", "x", 1);
    renaming.learn("b", "y", 2);
    renaming.learn("b", "z", 2);
    renaming.decide();
    expect([renaming.image("a"), renaming.image("b")]).toEqual(["x", "y"]);
    expect(renaming.origin("z")).toBeUndefined();
  });

  it("stays one to one whatever it is told, before and after it decides", () => {
    const pair = fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 3 }));
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const renaming = new Renaming();
        for (const [a, b, witness] of pairs) renaming.learn(`a${a}`, `b${b}`, witness);
        for (const decides of [false, true]) {
          if (decides) renaming.decide();
          for (const [a] of pairs) {
            const image = renaming.image(`a${a}`);
            if (image !== undefined) expect(renaming.origin(image)).toBe(`a${a}`);
          }
        }
      }),
    );
  });

  it("knows two values that are mixed up, and one that is only seen anew", () => {
    const renaming = new Renaming();
    for (const [a, b] of [
      ["a", "x"],
      ["a", "x"],
      ["b", "y"],
      ["b", "y"],
    ] as const)
      renaming.learn(a, b);
    expect(renaming.isMixedUp("a", "y")).toBe(true);
    expect(renaming.isMixedUp("a", "x")).toBe(false);
    expect(renaming.isMixedUp("a", "new")).toBe(false);
    expect(renaming.isMixedUp("c", "y")).toBe(false);
  });
});
