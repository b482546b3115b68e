// Go's syntax and its ReplaceAll, linear time, faults that say what is missing.
import { describe, expect, it } from "vitest";
import { PatternFault, compilePattern, compileReplacer, templateFault } from "./regexp.ts";

function matches(source: string, subject: string): boolean {
  const pattern = compilePattern(source);
  if (pattern instanceof PatternFault) throw new Error(pattern.rule);
  return pattern.test(subject);
}

function replaced(source: string, template: string, subject: string): string | undefined {
  const replacer = compileReplacer(source, template);
  if (replacer instanceof PatternFault) throw new Error(replacer.rule);
  return replacer.replace(subject);
}

/** How a text looks in a head: its UTF-8 bytes, one a character. */
const onWire = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("patterns", () => {
  it.each([
    ["/api", "/v1/api/x", true], ["/api", "/v1", false], ["", "anything", true],
    ["^/api", "/api/x", true], ["^/api", "/v1/api", false], ["png$", "/a.png", true], ["png$", "/a.png?x", false],
    ["^/$", "/", true], ["^/$", "//", false], ["a\\.b", "a.b", true], ["a\\.b", "axb", false], ["\\/v1\\-x", "/v1-x", true],
    ["^1\\.0\\d", "1.04", true], ["^1\\.0\\d", "1.0", false], ["(?i)^get$", "GET", true], ["a{2}", "baab", true],
    ["^(?:v1|v2)$", "v2", true], ["\\Qa.b\\E", "a.b", true], ["[[:digit:]]+x", "12x", true], ["a.c", "a\nc", false],
    ["(?P<year>\\d{4})", "in 2015", true], ["é", onWire("/café"), true], ["^/caf.$", onWire("/café"), false],
    ["é+$", onWire("/cafééé"), true], ["[éè]", onWire("/è"), true],
  ])("%j in %j: %s", (source, subject, expected) => expect(matches(source, subject)).toBe(expected)); // prettier-ignore

  it.each([
    ["(?=x)", /has no look-around/], ["(?!x)", /has no look-around/], ["a(?<!b)", /has no look-around/], ["(?<=b)a", /has no look-around/],
    ["(a)\\1", /has no back-references/], ["(a", /missing closing \)/], ["a**", /RE2/], ["[z-a]", /RE2/], ["a{1,5000}", /RE2/], ["\\", /RE2/],
  ])("refuse %j", (source, rule) => {
    const fault = compilePattern(source);
    expect(fault).toBeInstanceOf(PatternFault);
    expect(fault instanceof PatternFault && fault.rule).toMatch(rule);
  }); // prettier-ignore

  it.each([
    ["(&|\\?)a=1", "$1tc_a=1", /\$1tc_a names the group "1tc_a".*\$\{1\}tc_a/],
    ["(a)", "$2", /\$2 names the group "2"/],
    ["(?P<x>a)", "${y}", /\$\{y\} names the group "y"/],
    ["/odata", "/o?$filter=1", /\$filter names the group "filter".*\$\$ is a dollar/],
  ])("of %j have no group that %j names: told", (source, template, rule) => {
    expect(templateFault(source, template)?.rule).toMatch(rule);
  });

  it.each([
    ["(a)(?P<x>b)", "$0$1${2}$x${x}$$9$ $"],
    ["(", "$1"],
  ])("of %j have all groups that %j names", (source, template) => {
    expect(templateFault(source, template)).toBeUndefined();
  });

  it("do not take an escaped parenthesis for look-around", () => {
    const fault = compilePattern("\\(?=[(?=](");
    expect(fault instanceof PatternFault && fault.rule).toMatch(/missing closing/);
  });

  it("take linear time, also those that would hang a backtracking engine", () => {
    const cost = (source: string, length: number): number => {
      const before = process.cpuUsage();
      for (let i = 0; i < 4; i += 1) matches(source, `${"a".repeat(length)}!`);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    for (const source of [
      "(a+)+$",
      "(a|a)*$",
      "(.*)*x",
      "(a?){20}a{20}$",
      "^(([a-z])+.)+[A-Z]([a-z])+$",
    ]) {
      expect(matches(source, "a".repeat(30))).toBe(!source.includes("x") && !source.includes("A"));
      // Exponential or even quadratic time would not come back from this within the test's time.
      expect(cost(source, 64 * 1024), source).toBeLessThan(20e6);
    }
  });
});

describe("replacing", () => {
  it.each([
    ["/v1/user/([^/]+)/ping", "/v2/user/$1/ping", "/v1/user/17/ping?a=1", "/v2/user/17/ping?a=1"],
    ["a", "b", "xaxa", "xbxb"], ["a", "b", "x", undefined], ["a", "a", "a", "a"],
    ["(?P<who>\\w+)@", "${who}.", "joe@x", "joe.x"], ["(\\w)(\\w)", "$2$1", "abcd", "badc"],
    ["(a)", "$1x", "a", ""], ["(a)", "${1}x", "a", "ax"], ["a", "$$1", "a", "$1"], ["a", "$", "a", "$"], ["a", "$-", "a", "$-"],
    ["(a)|(b)", "<$2>", "ab", "<><b>"], ["a", "$9$none", "a", ""], ["a", "$0$0", "xa", "xaa"],
    ["a*", "-", "baac", "-b-c-"], ["", "-", "ab", "-a-b-"], ["$", "!", "ab", "ab!"], ["^", "/x", "/a", "/x/a"],
    ["é", "ü", onWire("/é"), onWire("/ü")], ["e", "ü", "/e", onWire("/ü")], ["é", "u", "\xff\xe9", undefined],
  ])("%j by %j in %j: %j", (source, template, subject, expected) =>
    expect(replaced(source, template, subject)).toBe(expected)); // prettier-ignore

  it("refuses what is no expression", () => {
    expect(compileReplacer("(", "x")).toBeInstanceOf(PatternFault);
  });
});
