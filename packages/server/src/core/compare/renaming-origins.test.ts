// One map of all values: what is mixed up in it, and whose a value is.
import { describe, expect, it } from "vitest";
import { Renaming } from "./renaming.ts";

describe("the renaming", () => {
  it("keeps the first name of a value", () => {
    const renaming = new Renaming();
    renaming.learn("a", "x");
    renaming.learn("a", "y");
    expect(renaming.image("a")).toBe("x");
  });

  it("gives a value of the copy to the one that it was most often seen for", () => {
    const renaming = new Renaming();
    renaming.learn("a", "y");
    expect(renaming.mostlyFrom("y")).toBe("a");
    renaming.learn("b", "y");
    expect(renaming.mostlyFrom("y")).toBe("a");
    renaming.learn("b", "y");
    expect(renaming.mostlyFrom("y")).toBe("b");
    expect(renaming.mostlyFrom("z")).toBeUndefined();
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
