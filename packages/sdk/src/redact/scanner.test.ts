// "No" is never wrong: whatever holds a name of the rules, or a spelling that may hide one, is found; and the scan is the same for text and bytes.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scanner } from "./scanner.ts";

function scanner(...names: string[]): Scanner {
  return new Scanner(names.map((name) => ({ name, as: "mark" })));
}

describe("the scan", () => {
  const usual = scanner("*password*", "pin", "pass", "*_pin", "x-*-key");

  it.each([
    "password", "a PassWord b", "xpasswordx", '"pin":1', "pin", "user_pin", "my-pin", "a\\npin: 1", "x-api-key", "%70in", "\\u0070in", "\\x70in", "&#112;in",
    "é", "p\u0000i\u0000n\u0000", "pinpin pin", "papass pass", "https://u:p@h", "://a@", "\u212a",
  ])("stops at %s", (text) => {
    expect([usual.text(text), usual.bytes(Buffer.from(text))]).toEqual([true, true]);
  }); // prettier-ignore

  it.each(["", "passwor", "shopping pins", "compass passes", "x-api-ke", "me@a.example", "https://a/@me", '"a@b"', "100 & 5 # 1 \\n"])("passes %s", (text) => {
    expect([usual.text(text), usual.bytes(Buffer.from(text))]).toEqual([false, false]);
  }); // prettier-ignore

  it("stops at everything when a rule names everything", () => {
    expect(scanner("*").text("a")).toBe(true);
  });

  it("finds every name between any other characters", () => {
    const name = fc.stringMatching(/^[a-c_-]{1,5}$/);
    const filler = fc.stringMatching(/^[a-c _.:]{0,12}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 6 }), filler, filler, fc.boolean(), (names, before, after, isGlob) => {
        const [first = ""] = names;
        const scan = scanner(...names.map((one) => (isGlob ? `*${one}*` : one)));
        const text = isGlob ? before + first.toUpperCase() + after : `${before} ${first}=${after}`;
        expect([scan.text(text), scan.bytes(Buffer.from(text))]).toEqual([true, true]);
      }),
    ); // prettier-ignore
  });
});
