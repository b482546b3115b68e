// The runtime's engine gives what RE2 gives, wherever it is lent a pattern; and it is never lent one that could hang it.
import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";
import { nativeOf } from "./native.ts";
import { PatternFault, compilePattern, compileReplacer } from "./regexp.ts";

const chars = [
  "a",
  "b",
  "A",
  "/",
  ".",
  "-",
  "1",
  " ",
  "_",
  "\t",
  "\v",
  "\n",
  "\r",
  "\xa0",
  "\xff",
  "\xb5",
  "$",
  "^",
  "]",
  "[",
  "z",
];
const subjects = fc
  .array(fc.constantFrom(...chars), { maxLength: 12 })
  .map((list) => list.join(""));

const atoms = fc.constantFrom(
  "a", "b", "A", "/", "1", "\\.", "\\/", "\\$", "\\-", "-", "_", " ", ".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "[ab]", "[^ab]", "[a-z]", "[^/]", "[^\\\\/]",
  "[\\w.-]", "[-a]", "[^\\s]", "[a-b-]", "[$^.]", "[\\d/]", "[^\\d]",
); // prettier-ignore
const repetition = fc.constantFrom("", "", "", "*", "+", "?", "*?", "+?", "??");
const edges = fc.constantFrom("^", "$", "\\b", "\\B", "");

const { pattern } = fc.letrec<{ pattern: string; sequence: string; group: string }>((tie) => ({
  pattern: fc.oneof({ depthSize: "small" }, tie("sequence"), fc.tuple(tie("sequence"), tie("sequence")).map(([a, b]) => `${a}|${b}`)), // prettier-ignore
  sequence: fc
    .tuple(
      edges,
      fc.array(
        fc.oneof(
          { depthSize: "small", withCrossShrink: true },
          fc.tuple(atoms, repetition).map((pair) => pair.join("")),
          tie("group"),
        ),
        { maxLength: 4 },
      ),
      edges,
    ) // prettier-ignore
    .map(([start, list, end]) => start + list.join("") + end),
  group: fc.tuple(fc.constantFrom("(", "(?:", "(?P<n>"), tie("pattern")).map(([open, inner]) => `${open}${inner})`), // prettier-ignore
}));
const sources = fc
  .tuple(fc.constantFrom("", "", "(?i)"), pattern)
  .map((pair) => pair.join(""))
  // A name may be given once.
  .filter((source) => source.split("(?P<n>").length <= 2);

/** Pieces that begin, end or change something somewhere, in any order: most of what comes out is no pattern at all. */
const soup = fc
  .array(
    fc.constantFrom(
      "a", "b", "-", "/", ".", "\\d", "\\w", "\\s", "\\.", "\\]", "\\[", "\\-", "\\^", "[", "]", "[^", "[^]", "[]", "[a", "-z]", "[^^", "[[", "[:", ":]", "^", "$", "(", ")",
      "(?:", "(?P<n>", "|", "*", "+", "?", "??", "{", "}", "{2}", "[ab]", "[^a]", "\\b", "(?i)", "_", " ",
    ), // prettier-ignore
    { minLength: 1, maxLength: 7 },
  )
  .map((pieces) => pieces.join(""));

function engineOf(source: string): RE2JS | undefined {
  try {
    return RE2JS.compile(source);
  } catch {
    return undefined;
  }
}

describe("the runtime's engine", () => {
  it("finds the same matches and groups as RE2", () => {
    let lent = 0;
    fc.assert(
      fc.property(sources, subjects, (source, subject) => {
        const native = nativeOf(source);
        if (native === undefined || subject.length > native.subjectLengthMax) return;
        lent += 1;
        const { expression } = native;
        expression.lastIndex = 0;
        const ours = expression.exec(subject);
        const theirs = RE2JS.compile(source).matcher(subject);
        expect(ours !== null).toBe(theirs.find());
        if (ours === null) return;
        const groups = Array.from(ours, (group) => group ?? null);
        expect([ours.index, ...groups]).toEqual([theirs.start(), ...groups.map((_, i) => theirs.group(i))]); // prettier-ignore
      }),
      { numRuns: 5000 },
    );
    // Else this would show nothing.
    expect(lent).toBeGreaterThan(3000);
  });

  it("agrees with RE2 on whatever it is lent of pieces that were put together blindly", () => {
    let lent = 0;
    fc.assert(
      fc.property(soup, subjects, (source, subject) => {
        const engine = engineOf(source);
        const native = nativeOf(source);
        // What RE2 refuses is refused before anybody asks here, but for what has no meaning of its own.
        if (engine === undefined || native === undefined) return;
        lent += 1;
        native.expression.lastIndex = 0;
        const ours = native.expression.exec(subject);
        const theirs = engine.matcher(subject);
        expect([source, ours !== null]).toEqual([source, theirs.find()]);
        if (ours !== null)
          expect([source, ours.index, ours[0]]).toEqual([source, theirs.start(), theirs.group(0)]);
      }),
      { numRuns: 20_000 },
    );
    expect(lent).toBeGreaterThan(3000);
  });

  it.each([
    ["[^]a[b]", "xb"],
    ["[^]a[b]", "]ab"],
    ["[^^]", "^"],
    ["[^^]a", "xa"],
  ])("%s and RE2 agree about %s", (source, subject) => {
    const native = nativeOf(source);
    const expected = RE2JS.compile(source).test(subject);
    const pattern = compilePattern(source);
    expect(pattern instanceof PatternFault || pattern.test(subject)).toBe(expected);
    if (native !== undefined) expect(native.expression.test(subject)).toBe(expected);
  });

  it("replaces the same", () => {
    fc.assert(
      fc.property(sources, subjects, (source, subject) => {
        const replacer = compileReplacer(source, "<$0$1>");
        // A counted repetition of one means nothing and is RE2's alone.
        const slow = compileReplacer(`(?:${source}){1}`, "<$0$1>");
        if (!("replace" in replacer) || !("replace" in slow)) throw new Error(source);
        expect(replacer.replace(subject)).toBe(slow.replace(subject));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    "(a+)+$", "(a|b)*", "a{2,3}", "(?:ab)?", "é", "\\pL", "[[:alpha:]]", "\\x41", "\\Qa\\E", "(?s).", "(?m)^a", "(?U)a*", "\\A", "[^]a]", "[a-\\d]", "a**", "(?P<n>a", "(?=a)", "(?i:a)", "[\\D]", "\\z",
  ])("is not lent %s", (source) => expect(nativeOf(source)).toBeUndefined()); // prettier-ignore

  it.each([
    ["^/api/[^/]+$", 65_535], ["/v1/user/([^/]+)/ping", 256], ["a*a*b", 40], ["^a*a*b", 256], ["^(a|b)c", 32_768], ["a?a?a?a?b", 4096],
  ])("is lent %s for subjects of at most %d", (source, lengthMax) =>
    expect(Math.abs((nativeOf(source)?.subjectLengthMax ?? 0) - lengthMax)).toBeLessThanOrEqual(1)); // prettier-ignore

  it("has an end with the worst subjects", () => {
    for (const source of [
      "a*a*a*a*b",
      "(a|a)(a|a)(a|a)(a|a)(a|a)a*b",
      "a?a?a?a?a?a?a?a?a?a?a*aaaaaaaaaab",
    ]) {
      const native = nativeOf(source);
      expect(native).toBeDefined();
      if (native === undefined) continue;
      const subject = "a".repeat(Math.min(native.subjectLengthMax, 60_000));
      const before = process.cpuUsage();
      native.expression.lastIndex = 0;
      native.expression.test(subject);
      const { user, system } = process.cpuUsage(before);
      // Milliseconds on any machine; seconds only if the bound were none.
      expect(user + system, source).toBeLessThan(1e6);
    }
  });
});
