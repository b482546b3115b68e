// A secret option takes its value from a file and from the environment as well; what is said wins, and nothing of it is ever shown.
import { describe, expect, it } from "vitest";
import { describePlan } from "../engine/plan/describe-plan.ts";
import { planFrom } from "../engine/plan/plan.ts";
import type { PlanSources } from "../engine/plan/plan.ts";
import { catalogue } from "../catalogue.ts";
import { helpOn } from "./describe/help.ts";
import { referencePages } from "./describe/reference.ts";

const SECRET = "a secret of 16 characters";
const base = ["--input-tcp", "127.0.0.1:0", "--output-null"];

function sources(files: Record<string, string> = {}, environment: Record<string, string> = {}): PlanSources {
  const readText = (file: string): string => {
    const text = files[file];
    if (text === undefined) throw new Error("is not there");
    return text;
  };
  return { readConfig: readText, readSecret: readText, environment };
} // prettier-ignore

function planned(words: readonly string[], from: PlanSources = sources()): { options: unknown; shown: string } {
  const made = planFrom([...base, ...words], catalogue, from);
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  return { options: made.plan.inputs[0]?.options, shown: describePlan(made.plan) };
} // prettier-ignore

function errorsOf(words: readonly string[], from: PlanSources = sources()): string {
  const made = planFrom(words, catalogue, from);
  return "errors" in made ? made.errors.join("\n") : "";
}

describe("a secret", () => {
  it("comes from a file, from the environment, or as it is said, which wins", () => {
    const name = "MIRRORBALL_INPUT_TCP_TOKEN";
    const file = sources({ "token.txt": `${SECRET}\r\n` });
    expect(planned(["--input-tcp-token-file", "token.txt"], file).options).toMatchObject({ token: SECRET });
    const environment = sources({}, { [name]: SECRET });
    expect(planned([], environment).options).toMatchObject({ token: SECRET });
    const said = planned(["--input-tcp-token", "another one, and longer"], environment);
    expect(said.options).toMatchObject({ token: "another one, and longer" });
    const config = sources({ "c.yaml": "input-tcp-token-file: t\n", t: SECRET }, { [name]: "unused, but long enough" });
    expect(planned(["--config", "c.yaml"], config).options).toMatchObject({ token: SECRET });
  }); // prettier-ignore

  it("of which there may be several stands one a line", () => {
    const made = planFrom([...base, "--http-set-header-file", "h"], catalogue, sources({ h: "Authorization: Bearer a\n\nX-Key: b\n" }));
    const stage = "plan" in made ? made.plan.stages.find(({ declaration }) => declaration.name === "set-header") : undefined;
    expect(stage?.options).toMatchObject({ fields: [{ value: "Bearer a" }, { value: "b" }] });
  }); // prettier-ignore

  it("that is not there is told with the place, and nothing of what is", () => {
    expect(errorsOf([...base, "--input-tcp-token-file", "none"])).toBe("--input-tcp-token-file: none: is not there");
    expect(errorsOf([...base, "--input-tcp-token-file", "e"], sources({ e: "\n" }))).toBe("--input-tcp-token-file: e: is empty");
    const wrong = errorsOf([...base, "--http-set-header-file", "h"], sources({ h: `Content-Length: ${SECRET}` }));
    expect(wrong).toMatch(/^--http-set-header-file h: http-set-header: must not change Content-Length/);
  }); // prettier-ignore

  it("is never shown: by check", () => {
    const { shown } = planned([
      "--input-tcp-token", SECRET, "--output-tcp", "127.0.0.1:1", "--output-tcp-token", SECRET, "--http-set-header", `Authorization: Bearer ${SECRET}`,
      "--http-set-param", `api_key=${SECRET.replaceAll(" ", "")}`, "--http-basic-auth-filter", `^user:${SECRET}`, "--http-rewrite-header", `Cookie: a,${SECRET}`,
      "--middleware", `./x --key ${SECRET}`, "--output-http", "http://user:p@secret@127.0.0.1:1", "--output-http-elasticsearch", "http://u:secret@h/i",
    ]); // prettier-ignore
    expect(shown).not.toMatch(/secret of|secretof|p@|secret@/);
    expect(shown).toContain("--http-set-header Authorization: ***");
    expect(shown).toContain("--middleware ./x ***");
    expect(shown).toContain("output-http http://user:***@127.0.0.1:1");
  });

  it.each([
    [["--output-http", "http://user:SECRET@host:99999"]],
    [["--output-http", "http://user:p@SECRET@host:99999"]],
    [["--output-http", "http:/user:SECRET@ho st"]],
    [["--output-http-elasticsearch", "u:SECRET@h/UPPER"]],
    [["--output-tcp", "user:SECRET@h"]],
    [["--http-set-header", "Authorization: SECRET\u0007"]],
    [["--http-set-header", "SECRET"]],
    [["--http-basic-auth-filter", "user:(SECRET"]],
    [["--http-rewrite-header", "Authorization: (SECRET,x"]],
    [["--input-tcp-tokn", "SECRET"]],
    [["--input-tcp-token", "a", "SECRET"]],
    [["--http-set-header", "Authorization:", "Bearer", "SECRET"]],
    [["--output-null", "http://u:SECRET@h"]],
    [["--middleware", "x 'SECRET"]],
  ])("is never shown: in the error of %j", (words) => {
    const errors = errorsOf(["--input-tcp", ":0", "--output-null", ...words]);
    expect(errors).not.toBe("");
    expect(errors).not.toContain("SECRET");
  });

  it.each(["input-tcp-token: [SECRET, b]", 'input-tcp-token: "SECRET', "input-tcp-token: @SECRET", "input-tcp-token: {SECRET: 1", "input-tcp-token: a: SECRET", "- SECRET", "input-tcp-token: *SECRET", "output-http: http://u:SECRET@h:99999"])(
    "is never shown: in the error of the config file %s", (text) => {
      const errors = errorsOf([...base, "--config", "c"], sources({ c: `${text}\n` }));
      expect(errors).not.toBe("");
      expect(errors).not.toContain("SECRET");
    },
  ); // prettier-ignore

  it("is said in help and in the reference", () => {
    const helpWords = (topic: string): string => helpOn(topic, catalogue)?.replaceAll(/\s+/g, " ") ?? "";
    expect(helpWords("input-tcp-token-file")).toContain("--input-tcp-token-file FILE Read --input-tcp-token from this file, so that it stands in no list of processes; the variable MIRRORBALL_INPUT_TCP_TOKEN does the same.");
    expect(helpWords("all")).toContain("or from a file by --input-tcp-token-file FILE, or from the variable MIRRORBALL_INPUT_TCP_TOKEN");
    const page = referencePages(catalogue).find(({ file }) => file === "output-tcp.md");
    expect(page?.content).toContain("MIRRORBALL_OUTPUT_TCP_TOKEN");
  }); // prettier-ignore
});
