// No credential is shown, whatever it holds, and what is none stays as it is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskArguments, maskNamed, maskUserinfo } from "./mask.ts";

describe("what is shown", () => {
  it.each([
    ["http://user:S@h:1/p", "http://user:***@h:1/p"],
    ["user:p@S@h", "user:***@h"],
    ["http://user:p@S@h/a", "http://user:***@h/a"],
    ["user:S@h:1/index", "user:***@h:1/index"],
    ["http://S@h", "http://***@h"],
    ['"http://user:S@a"', '"http://user:***@a"'],
    ["http:/user:p/S@a:1", "http:/user:***@a:1"],
    [":S@h", ":***@h"],
    ["http://user:p/S@h", "http://user:***@h"],
    ["http:/user:S@h", "http:/user:***@h"],
    ["http:user:S@h", "http:user:***@h"],
    ["user:p?S#S@h", "user:***@h"],
    ["redis://:S@h/0", "redis://:***@h/0"],
    ["http://user:S@host:99999", "http://user:***@host:99999"],
    ["http://user:%zzS@h", "http://user:***@h"],
    ["http://user:80/S@h", "http://user:***@h"],
    ["a:9092,user:S@h:9092", "a:***@h:9092"],
  ])("of %s is %s", (text, shown) => {
    expect(maskUserinfo(text)).toBe(shown);
  });

  it.each([
    "http://h/@me",
    "http://h/a@b?c",
    ":28020",
    "requests.gor",
    "a@b.gor",
    "unix:/run/a.sock",
    "",
  ])("of %s is all", (text) => {
    expect(maskUserinfo(text)).toBe(text);
  });

  it("is no password of any characters", () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 12 }),
        fc.constantFrom("http://", "https://", "", "http:/"),
        (noise, scheme) => {
          expect(maskUserinfo(`${scheme}user:${noise}SECRET@host`)).not.toContain("SECRET");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("of a field is its name where that says what the value is", () => {
    expect(maskNamed("Authorization: Bearer S")).toBe("Authorization: ***");
    expect(maskNamed("X-Api-Key:S")).toBe("X-Api-Key:***");
    expect(maskNamed("api_key=S")).toBe("api_key=***");
    expect(maskNamed("User-Agent: Replayed")).toBe("User-Agent: Replayed");
    expect(maskNamed("A")).toBe("A");
    expect(maskNamed("dGhlIGtleQ")).toBe("***");
  });

  it("of a command is its program", () => {
    expect(maskArguments("./mask --key S")).toBe("./mask ***");
    expect(maskArguments("./mask.mjs")).toBe("./mask.mjs");
  });
});
