// Config files: the same names and rules as flags, lines in errors, and what the command line does to them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { catalogue } from "../catalogue.ts";
import { planFrom } from "../engine/plan/plan.ts";
import { describePlan } from "../engine/plan/describe-plan.ts";
import type { Plan } from "../engine/plan/planned.ts";
import { configSchema } from "./describe/config-schema.ts";
import { flagsOf } from "./flags.ts";

function made(text: string, ...words: string[]): ReturnType<typeof planFrom> {
  const readConfig = (file: string): string => {
    if (file !== "replay.yaml") throw new Error("no such file");
    return text;
  };
  const sources = { readConfig, readSecret: readConfig, environment: {} };
  return planFrom(["--config", "replay.yaml", ...words], catalogue, sources);
}

function planOf(text: string, ...words: string[]): Plan {
  const result = made(text, ...words);
  if ("errors" in result) throw new Error(result.errors.join("\n"));
  return result.plan;
}

function errorsOf(text: string, ...words: string[]): readonly string[] {
  const result = made(`input-tcp: ":1"\noutput-null: true\n${text}`, ...words);
  return "errors" in result ? result.errors : [];
}

const whole = `
# A comment, an anchor, every sort of value
input-tcp: ":28020"
output-http: [&staging "http://staging:8080|10", "http://dev"]
output-null: true
output-http-timeout: 1.5s
output-http-workers: 0
output-file: "true"
http-allow-header:
  - api-version:^1
  - 'X-Y: z'
http-original-host: yes please
`;

describe("a config file", () => {
  it("gives what flags would give", () => {
    const text = whole.replace("yes please", "true").replace('"true"', "*staging");
    const byFile = planOf(text);
    const flags = [
      "--input-tcp", ":28020", "--output-http", "http://staging:8080|10", "--output-http", "http://dev", "--output-null",
      "--output-http-timeout", "1.5s", "--output-http-workers", "0", "--output-file", "http://staging:8080|10",
      "--http-allow-header", "api-version:^1", "--http-allow-header", "X-Y: z", "--http-original-host",
    ]; // prettier-ignore
    const byFlags = planFrom(flags, catalogue);
    if ("errors" in byFlags) throw new Error(byFlags.errors.join("\n"));
    const withoutConfig = (plan: Plan): string => describePlan(plan).replace(/.*--config.*\n/, "");
    expect(withoutConfig(byFile)).toBe(withoutConfig(byFlags.plan));
    expect(byFile.outputs[0]?.options).toMatchObject({ timeoutMs: 1500, originalHost: true });
    expect(byFile.outputs.map(({ limit }) => limit)).toEqual(byFlags.plan.outputs.map(({ limit }) => limit)); // prettier-ignore
  });

  it("may be JSON, with tabs", () => {
    const plan = planOf(
      '{\n\t"input-tcp": ":1",\n\t"output-file": ["a\\/b.gor"],\n\t"output-null": true\n}',
    );
    expect(plan.outputs.map(({ argument }) => argument)).toEqual(["a/b.gor", ""]);
  });

  it("may be empty, and named several times", () => {
    expect("errors" in made("# nothing\n", "--input-tcp", ":1", "--output-null")).toBe(false);
    expect(
      planOf('input-tcp: ":1"\noutput-null: true', "--config", "replay.yaml").inputs,
    ).toHaveLength(2);
  });

  it("gives way to the command line, or is added to", () => {
    const text =
      'input-tcp: ":1"\noutput-null: true\noutput-http-timeout: 1s\nhttp-allow-url: /a\nverbose: 2\n';
    const plan = planOf(text, "--output-http-timeout", "2s", "--http-allow-url", "/b", "--input-tcp", ":2", "--output-http", "a", "--output-null=false", "--verbose=0"); // prettier-ignore
    expect(plan.inputs.map(({ argument }) => argument)).toEqual([":1", ":2"]);
    expect(plan.outputs.map(({ declaration }) => declaration.name)).toEqual(["output-http"]);
    expect(plan.outputs[0]?.options).toMatchObject({ timeoutMs: 2000 });
    expect(plan.changed.filter(({ flag }) => flag.name === "http-allow-url").map(({ value }) => value)).toEqual(["/a", "/b"]); // prettier-ignore
    expect(plan.run.verbose).toBe(0);
  });

  it("keeps numbers as they are written", () => {
    const errors = errorsOf("output-http-timeout: 1.50\noutput-http-workers: 0x10\n");
    expect(errors).toEqual([
      expect.stringMatching(/^replay\.yaml:3: output-http-timeout: must be a duration.*; got "1\.50"$/),
      expect.stringMatching(/^replay\.yaml:4: output-http-workers: must be a whole number.*; got "0x10"$/),
    ]); // prettier-ignore
  });

  it.each([
    ["output-htp: x", /^replay\.yaml:3: unknown name "output-htp"; did you mean output-http\?$/],
    ["zzz: x", /^replay\.yaml:3: unknown name "zzz"; see mirrorball help all$/],
    ["--stats: true", /^replay\.yaml:3: --stats: must be written without dashes: stats$/],
    ["output-kafka-host: a", /^replay\.yaml:3: output-kafka-host: not supported: /],
    ["config: other.yaml", /^replay\.yaml:3: config: a config file cannot name another one$/],
    ["output-file: true", /^replay\.yaml:3: output-file: must be FILE; got true, which needs quotes/],
    ["http-allow-url:", /^replay\.yaml:3: http-allow-url: has no value$/],
    ["http-allow-url: {a: b}", /^replay\.yaml:3: http-allow-url: must be one value, or a list/],
    ["http-allow-url:\n  - /a\n  - (x", /^replay\.yaml:5: http-allow-url: must be a regular expression.*missing closing.*; got "\(x"$/],
    ["output-http-timeout: [1s, 2s]", /^replay\.yaml:3: output-http-timeout: must be one value; got a list$/],
    ["output-stdout: [true]", /^replay\.yaml:3: output-stdout: must be one value; got a list$/],
    ["output-stdout: yes", /^replay\.yaml:3: output-stdout: must be true or false; got "yes"$/],
    ["stats: true\nstats: false", /^replay\.yaml:4: stats is there twice; several values are a list: stats: \[A, B\]$/],
    ["http-allow-url: [a", /^replay\.yaml:\d: /],
    ["http-allow-url: *none", /^replay\.yaml:3: /],
  ])("%j is told with its line", (text, pattern) => {
    const errors = errorsOf(text);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(pattern);
  }); // prettier-ignore

  it("tells every fault at once, with those of the command line", () => {
    const errors = errorsOf("output-htp: x\nhttp-allow-url: (x\n", "--output-http-timeout", "soon", "stray"); // prettier-ignore
    expect(errors).toHaveLength(4);
  });

  it("that is a list, or not there, is told", () => {
    const list = made("- a\n", "--input-tcp", ":1", "--output-null");
    expect(list).toEqual({ errors: [expect.stringMatching(/^replay\.yaml: must hold names and values/)] }); // prettier-ignore
    const none = planFrom(["--input-tcp", ":1", "--output-null", "--config", "/no/such.yaml"], catalogue); // prettier-ignore
    expect(none).toEqual({
      errors: [
        expect.stringMatching(/^--config: cannot read \/no\/such\.yaml: it does not exist$/),
      ],
    });
    const endless = planFrom(["--input-tcp", ":1", "--output-null", "--config", "/"], catalogue);
    expect("errors" in endless && endless.errors[0]).toMatch(
      /^--config: cannot read \/: it is a directory$/,
    );
  });

  it("cannot be a bomb of aliases", () => {
    const bomb = `${Array.from({ length: 30 }, (_, i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}`}]`).join("\n")}\n`;
    expect(errorsOf(bomb).length).toBeLessThan(40);
  });
});

describe("the schema of config files", () => {
  const flags = flagsOf(catalogue);
  const schema = JSON.parse(configSchema(flags)) as { properties: Record<string, Record<string, unknown>> }; // prettier-ignore

  it("knows every name but config, with its default as one writes it", () => {
    for (const { name, aliases } of flags) {
      for (const known of [name, ...aliases]) expect(known in schema.properties).toBe(known !== "config"); // prettier-ignore
    }
    expect(schema.properties["output-http-timeout"]).toMatchObject({ default: "5s", type: ["string", "integer"] }); // prettier-ignore
    expect(schema.properties["output-http-workers"]).toMatchObject({ type: "integer", minimum: 0, default: 0 }); // prettier-ignore
    expect(schema.properties["output-null"]).toMatchObject({ type: "boolean" });
    expect(schema.properties["output-null-queue-full"]).toMatchObject({ enum: ["wait", "drop"] });
    expect(schema.properties["http-allow-url"]).toHaveProperty("anyOf");
    expect(schema.properties["http-header"]).toMatchObject({ deprecated: true });
  });

  it("takes the durations that the flags take", () => {
    const pattern = new RegExp(String(schema.properties["output-http-timeout"]?.["pattern"]));
    for (const good of ["0", "300ms", "1.5s", "1h30m", ".5s"]) expect(good).toMatch(pattern);
    for (const bad of ["", "5", "1d", "s"]) expect(bad).not.toMatch(pattern);
  });

  it("is what docs/reference holds", () => {
    const path = new URL("../../../../docs/reference/config.schema.json", import.meta.url);
    expect(readFileSync(path, "utf8")).toBe(configSchema(flags));
  });
});
