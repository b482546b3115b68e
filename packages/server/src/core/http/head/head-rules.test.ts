// What may stand in a head: no text becomes a line end on its way to bytes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBytes, isFieldValue, isTarget, isToken, toFieldValue, toTarget } from "./head-rules.ts";

const LINE_ENDS = "v\u010d\u010aX-Injected: yes";

describe("what may stand in a head", () => {
  it.each([
    ["GET", true, true, true],
    ["", false, true, false],
    ["a b\tc", false, true, false],
    ["caf\u00e9", false, true, true],
    [LINE_ENDS, false, false, false],
    ["a\r\nb", false, false, false],
    ["a\u0000", false, false, false],
    ["a\u007f", false, false, false],
    ["\ud800", false, false, false],
  ])("%j: a token %s, a value %s, a target %s", (text, token, value, target) => {
    expect([isToken(text), isFieldValue(text), isTarget(text)]).toEqual([token, value, target]);
  });

  it.each([
    ["plain", "plain"],
    ["caf\u00e9", "caf\u00e9"],
    ["a\r\nb\n\nc", "a b c"],
    ["\u2713", "\u00e2\u009c\u0093"],
    ["a\ud800b", "a\u00ef\u00bf\u00bdb"],
  ])("makes a value of %j", (text, value) => {
    expect(toFieldValue(text)).toBe(value);
  });

  it("makes what may stand there of any text, and leaves what may as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = toFieldValue(text);
        expect(isFieldValue(value)).toBe(true);
        expect(toFieldValue(value)).toBe(value);
        const target = toTarget(text);
        expect(text === "" || isTarget(target)).toBe(true);
        expect(toTarget(target)).toBe(target);
        expect(isBytes(value + target)).toBe(true);
        // As it goes to the wire: no line begins in it.
        expect(Buffer.from(value + target, "latin1").includes(0x0a)).toBe(false);
      }),
    );
    expect(toTarget("/a b?x=\u00fc\ud800")).toBe("/a%20b?x=%C3%BC%EF%BF%BD");
    expect(toFieldValue(LINE_ENDS)).not.toMatch(/[\r\n]/);
  });
});
