// From words to values: gor's spellings, every error at once, suggestions.
import { describe, expect, it } from "vitest";
import { catalogue } from "../catalogue.ts";
import { planFrom } from "../engine/plan/plan.ts";
import type { Plan } from "../engine/plan/planned.ts";
import { flagsOf } from "./flags.ts";
import { helpOn } from "./describe/help.ts";
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from "./kinds.ts";
import { referencePages } from "./describe/reference.ts";
import { toolCall } from "./tool.ts";
import { unsupportedFlags } from "./unsupported-flags.ts";

function planOf(...words: string[]): Plan {
  const made = planFrom(words, catalogue);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  return made.plan;
}

function errorsOf(...words: string[]): readonly string[] {
  const made = planFrom(words, catalogue);
  return "errors" in made ? made.errors : [];
}

describe("durations, as Go writes them", () => {
  it.each([
    ["0", 0], ["300ms", 300], ["1.5s", 1500], ["1h30m", 5_400_000], [".5s", 500], ["2us", 0.002], ["1m0.5s", 60_500],
  ])("%s", (text, ms) => expect(parseDurationMs(text)).toBeCloseTo(ms, 9)); // prettier-ignore

  it.each(["", "5", "s", "-1s", "1d", "1s ", "1.2.3s", "1e3s"])("refuses %j", (text) =>
    expect(parseDurationMs(text)).toBeUndefined(),
  );

  it("are written back in their shortest form", () => {
    expect([0, 5000, 90_000, 3_600_000, 1500].map(formatDuration)).toEqual([
      "0",
      "5s",
      "90s",
      "1h",
      "1500ms",
    ]);
  });
});

describe("sizes, as gor reads them", () => {
  it.each([
    ["512", 512], ["64kb", 65_536], ["32mb", 33_554_432], ["1gb", 2 ** 30], ["2tb", 2 ** 41], ["1K", 1024], ["0x10", 16], ["010", 8], ["1_000", 1000],
  ])("%s", (text, bytes) => expect(parseSizeBytes(text)).toBe(bytes)); // prettier-ignore

  it.each(["", "kb", "1.5mb", "-1", "1pb", "1 kb", "9007199254740993"])("refuses %j", (text) =>
    expect(parseSizeBytes(text)).toBeUndefined(),
  );

  it("are written back in the largest unit that divides", () => {
    expect([0, 512, 65_536, 33_554_432].map(formatSize)).toEqual(["0", "512", "64kb", "32mb"]);
  });
});

describe("words", () => {
  it("may have one dash or two, and = or a space", () => {
    for (const words of [
      ["-input-tcp", ":1", "--output-null", "-output-null-queue-len=7"],
      ["--input-tcp=:1", "-output-null", "--output-null-queue-len", "7"],
    ]) {
      const plan = planOf(...words);
      expect(plan.inputs.map(({ argument }) => argument)).toEqual([":1"]);
      expect(plan.outputs[0]?.queue.queueLen).toBe(7);
    }
  });

  it("make one instance for each repetition, in their order", () => {
    const plan = planOf(
      "--input-tcp",
      ":1",
      "--output-http",
      "a:1",
      "--output-null",
      "--output-http",
      "b:2",
    );
    expect(plan.outputs.map(({ declaration, argument }) => [declaration.name, argument])).toEqual([
      ["output-http", "a:1"],
      ["output-null", ""],
      ["output-http", "b:2"],
    ]);
  });

  it("switch off what =false says", () => {
    expect(
      planOf("--input-tcp", ":1", "--output-http", "a", "--output-http-track-response=false")
        .outputs[0]?.options,
    ).toMatchObject({ trackResponse: false });
  });

  it.each([
    [["--output-htp", "x"], /--output-htp.*output-http/],
    [["--output-http-timeout"], /--output-http-timeout/],
    [
      ["--output-http-timeout", "5"],
      /must be a duration such as 300ms, 1.5s or 2m, at least 100ms; got "5"/,
    ],
    [["--output-http-workers", "1.5"], /whole number from 0 to 10000; got "1.5"/],
    [["stray"], /stray/],
  ])("%j is refused with the rule", (words, pattern) => {
    expect(errorsOf("--input-tcp", ":1", "--output-null", ...words).join("\n")).toMatch(pattern);
  });
});

describe("words as old and odd gor command lines have them", () => {
  const outputs = (...words: string[]): (readonly [string, string])[] =>
    planOf("--input-tcp", ":1", ...words).outputs.map(({ declaration, argument }) => [declaration.name, argument]); // prettier-ignore

  it.each([
    [["-output-dummy"]], [["--output-dummy", "0"]], [["--output-dummy=0"]], [["-output-dummy", "--stats"]], [["--output-stdout"]], [["--output-stdout", "true"]], [["--output-stdout=1"]],
  ])("%j writes to standard output", (words) => expect(outputs(...words)).toEqual([["output-stdout", ""]])); // prettier-ignore

  it("make one instance of a switch, and none when its last word is false", () => {
    expect(outputs("--output-null", "--output-stdout", "--output-null")).toEqual([["output-null", ""], ["output-stdout", ""]]); // prettier-ignore
    expect(outputs("--output-null", "--output-stdout", "--output-null=false")).toEqual([["output-stdout", ""]]); // prettier-ignore
  });

  it.each([
    [["--verbose"], 1], [["--verbose", "--output-null"], 1], [["--verbose", "2"], 2], [["-verbose=3"], 3], [["--verbose", "true"], 1], [["--verbose=false"], 0],
  ])("%j is a level", (words, level) =>
    expect(planOf("--input-tcp", ":1", "--output-null", ...words).run.verbose).toBe(level)); // prettier-ignore

  it.each([
    "output-http-header", "http-header", "http-set-header",
  ])("--%s sets a header", (name) => {
    const { changed } = planOf("--input-tcp", ":1", "--output-null", `--${name}`, "A: b");
    expect(changed.map(({ flag, value }) => [flag.name, value])).toEqual([["http-set-header", "A: b"]]); // prettier-ignore
  }); // prettier-ignore

  it("end at --, behind which nothing belongs to anything", () => {
    expect(planOf("--input-tcp", ":1", "--output-null", "--").outputs).toHaveLength(1);
    expect(errorsOf("--input-tcp", ":1", "--output-null", "--", "x")).toHaveLength(1);
  });

  it.each(unsupportedFlags.flatMap(({ names }) => names))("--%s is refused in one line, value and all", (name) => {
    for (const words of [[`--${name}`, "x"], [`-${name}=x`], [`--${name}`]]) {
      const errors = errorsOf(...words, "--input-tcp", ":1", "--output-null");
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatch(new RegExp(`^--${name}: not supported: \\S`));
    }
  }); // prettier-ignore

  it("names what gor's sub-commands are replaced by", () => {
    expect(errorsOf("file-server").join()).toMatch(/^file-server: not supported: /);
  });
});

describe("help and reference", () => {
  const flags = flagsOf(catalogue);

  it("name every flag, with its default", () => {
    const help = helpOn("all", catalogue) ?? "";
    for (const { name, owner, ...flag } of flags) {
      const isCommon = flag.role === "option" && flag.isCommon;
      const shown = isCommon ? `output-…${name.slice(owner.length)}` : name;
      expect(help).toContain(`--${shown}`);
    }
    expect(help).toMatch(/--output-http-timeout DURATION\n.*\n?.*default 5s/);
  });

  it("begin with examples that work", () => {
    for (const { args } of catalogue.run.examples) {
      const [name = "", ...rest] = args;
      const tool = catalogue.tools.find((each) => each.name === name);
      const made = tool === undefined ? planFrom(args, catalogue) : toolCall(tool, rest);
      expect(made).not.toHaveProperty("errors");
    }
  });

  it("have a page for every component and a row for every flag", () => {
    const pages = new Map(referencePages(catalogue).map(({ file, content }) => [file, content]));
    for (const { name, owner } of flags) {
      expect(pages.get(`${owner}.md`)).toContain(`## \`--${name}`);
      expect(pages.get("README.md")).toContain(`--${name}`);
    }
  });
});
