// Texts cut into tokens, and what surrounds each that differs.
import { describe, expect, it } from "vitest";
import { shapeOf, tokenPairs } from "./tokens.ts";

describe("tokens of two texts", () => {
  const a = '<a nonce="c493">user = "8662"</a>';
  const b = '<a nonce="53d3">user = "280b"</a>';

  it("pairs those that differ", () => {
    expect(tokenPairs(a, b)).toEqual([
      { a: "c493", b: "53d3" },
      { a: "8662", b: "280b" },
    ]);
    expect(tokenPairs(a, "<a>x</a>")).toBeUndefined();
  });

  it("gives each a place of its own", () => {
    expect(shapeOf(a, b, 0)).toBe('<a nonce="*">user = "…"</a>');
    expect(shapeOf(a, b, 1)).toBe('<a nonce="…">user = "*"</a>');
  });
});
