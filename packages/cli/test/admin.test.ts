// `--admin` of the real command: metrics, health and counters, who gets them, and that the law of the guide holds in them.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, mirrorball, root } from "./processes.ts";
import type { Program } from "./processes.ts";
import { have } from "./programs.ts";

const TOKEN = "a token of some length";
const WITH_TOKEN = { headers: { authorization: `Bearer ${TOKEN}` } };
const REQUESTS = 40;
const target = createServer((_, response) => response.end("ok"));
const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
let program: Program;
let admin = "";
let closedPort = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  closedPort = await freePort();
  program = mirrorball(
    "--input-http", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--admin-token", TOKEN,
    "--output-http", `http://127.0.0.1:${port}|50%`, "--output-http", `http://127.0.0.1:${closedPort}`,
    "--output-null",
  ); // prettier-ignore
  admin = (await program.printed(/metrics on (http:\S+)\/metrics/))[1] ?? "";
  const input = (await program.printed(/input-http .*listening on (\S+)/))[1] ?? "";
  for (let i = 0; i < REQUESTS; i += 1) await (await fetch(`http://${input}/?n=${i}`)).text();
});

afterAll(async () => {
  program.child.kill("SIGTERM");
  await program.ended;
  target.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Series {
  readonly name: string;
  readonly output: string;
  readonly value: number;
  /** As PromQL writes it. */
  readonly selector: string;
}

async function scrape(): Promise<string> {
  const answer = await fetch(`${admin}/metrics`, WITH_TOKEN);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return answer.text();
}

function seriesOf(text: string): Series[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("mirrorball_messages_"))
    .map((line) => {
      const [, selector = "", name = "", output = "", value = ""] =
        /^((\w+)\{output="((?:[^"\\]|\\.)*)".*\}) (\S+)$/.exec(line) ?? [];
      return { name, output, value: Number(value), selector };
    });
}

/** The guide's expression. */
function law(): string {
  const guide = readFileSync(`${root}docs/guides/in-production.md`, "utf8");
  return /```promql\n([^`]+)```/.exec(guide)?.[1] ?? "";
}

/** What it says of this text: a difference of two sums by output, each of the metrics that a pattern names. */
function evaluate(expression: string, series: readonly Series[]): Map<string, number> {
  const sum = String.raw`sum by \(instance, output\) \((.+)\)`;
  const [, minuend = "", subtrahend = ""] =
    new RegExp(`^${sum}\\s+- ${sum}\\s*$`).exec(expression) ?? [];
  const pattern = /^\{__name__=~"(.*)"\}$/.exec(subtrahend)?.[1] ?? "";
  const left = new Map<string, number>();
  for (const { name, output, value } of series) {
    const sign = name === minuend ? 1 : new RegExp(`^(?:${pattern})$`).test(name) ? -1 : 0;
    left.set(output, (left.get(output) ?? 0) + sign * value);
  }
  return left;
}

/** All that came in was offered to all outputs, and is settled. */
async function settled(): Promise<string> {
  for (;;) {
    const text = await scrape();
    const series = seriesOf(text);
    const under = series.filter(({ name }) => /_(queued|outstanding)$/.test(name));
    const received = series.filter(({ name }) => name.endsWith("_received_total"));
    // At every moment.
    expect([...evaluate(law(), series).values()]).toEqual([0, 0, 0]);
    if (received.every(({ value }) => value === REQUESTS) && under.every(({ value }) => value === 0))
      return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
} // prettier-ignore

interface Answer {
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

/** The values that a Prometheus finds for an expression, once it finds any. */
async function askedUntilKnown(place: string, query: string): Promise<string[]> {
  for (;;) {
    try {
      const url = `http://${place}/api/v1/query?${new URLSearchParams({ query }).toString()}`;
      const { data } = (await (await fetch(url)).json()) as Answer;
      if (data.result.length > 0) return data.result.map(({ value }) => value[1]);
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("the metrics", () => {
  it("keep the law of the guide, of outputs that deliver, limit and fail", async () => {
    const series = seriesOf(await settled());
    const valueOf = (name: string, output: string): number =>
      series
        .filter((one) => one.name === `mirrorball_messages_${name}` && one.output.endsWith(output))
        .reduce((sum, { value }) => sum + value, 0);
    expect(valueOf("delivered_total", "null")).toBe(REQUESTS);
    expect(valueOf("failed_total", `:${closedPort}`)).toBe(REQUESTS);
    expect(valueOf("limited_total", "")).toBeGreaterThan(0);
  });

  it.runIf(have("promtool"))("are what Prometheus takes, by promtool", async () => {
    const text = await settled();
    const told = execFileSync("promtool", ["check", "metrics"], {
      input: text,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
    });
    expect(told).toBe("");
  });

  it.runIf(have("promtool"))("keep the law by Prometheus' own reckoning", async () => {
    const series = seriesOf(await settled());
    const outputs = [...new Set(series.map(({ output }) => output))];
    const test = {
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: series.map(({ selector, value }) => ({ series: selector, values: `${value}` })),
          promql_expr_test: [
            {
              expr: law(),
              eval_time: "0m",
              exp_samples: outputs.map((output) => ({ labels: `{output="${output}"}`, value: 0 })),
            },
          ],
        },
      ],
    }; // prettier-ignore
    const file = join(folder, "law.json");
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(test));
    const told = execFileSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    expect(told).toContain("SUCCESS");
  });

  it.runIf(have("prometheus"))(
    "are scraped by a real Prometheus, as OpenMetrics, and keep the law there",
    async () => {
      await settled();
      const file = join(folder, "prometheus.json");
      const scrapes = {
        job_name: "mirrorball",
        scrape_interval: "1s",
        authorization: { credentials: TOKEN },
        static_configs: [{ targets: [new URL(admin).host] }],
      };
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ scrape_configs: [scrapes] }));
      const place = `127.0.0.1:${await freePort()}`;
      const words = [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, "tsdb")}`,
        `--web.listen-address=${place}`,
      ];
      const prometheus = spawn("prometheus", words, { stdio: "ignore" });
      const failed = new Promise<never>((_, reject) => {
        prometheus.once("error", reject);
        prometheus.once("exit", (code) => reject(new Error(`prometheus ended with ${code}`)));
      });
      const ended = new Promise((resolve) => prometheus.once("close", resolve));
      try {
        const values = await Promise.race([failed, askedUntilKnown(place, law())]);
        expect(values).toEqual(["0", "0", "0"]);
        expect(await askedUntilKnown(place, "mirrorball_build_info")).toEqual(["1"]);
        expect(await askedUntilKnown(place, 'up{job="mirrorball"}')).toEqual(["1"]);
        // Only OpenMetrics tells units.
        const metadata = await fetch(
          `http://${place}/api/v1/metadata?metric=process_resident_memory_bytes`,
        );
        expect(await metadata.text()).toContain('"unit":"bytes"');
      } finally {
        prometheus.kill("SIGKILL");
        await ended;
      }
    },
  );

  it("come as OpenMetrics to who asks for that", async () => {
    const answer = await fetch(`${admin}/metrics`, {
      headers: { ...WITH_TOKEN.headers, accept: "application/openmetrics-text;version=1.0.0" },
    });
    expect(answer.headers.get("content-type")).toMatch(/^application\/openmetrics-text; version=1/);
    const text = await answer.text();
    expect(text).toMatch(/^# TYPE mirrorball_messages_received counter$/m);
    expect(text).toMatch(/^mirrorball_build_info\{version="\d+\.\d+\.\d+[^"]*",node="[\d.]+"\} 1$/m);
    expect(text.endsWith("\n# EOF\n")).toBe(true);
  }); // prettier-ignore
});

describe("who may ask", () => {
  it.each(["/metrics", "/debug/vars"])("%s wants the token", async (path) => {
    const refused = await fetch(`${admin}${path}`);
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await refused.text()).not.toContain("output-null");
    expect((await fetch(`${admin}${path}`, WITH_TOKEN)).status).toBe(200);
  });

  it("health is open, and says of each output how it is", async () => {
    await settled();
    const alive = await fetch(`${admin}/healthz`);
    expect([alive.status, await alive.text()]).toEqual([200, "alive\n"]);
    const ready = await fetch(`${admin}/readyz`);
    const text = await ready.text();
    expect([ready.status, text.split("\n")[0]]).toEqual([200, "ready"]);
    expect(text).toMatch(new RegExp(`^output-http http://127.0.0.1:${closedPort}: (?!ok$).+$`, "m"));
    expect(text).toMatch(/^output-null: ok$/m);
  }); // prettier-ignore
});

describe("an output over TCP", () => {
  it("is down until the other server answers, and again when that is gone", async () => {
    const place = `127.0.0.1:${await freePort()}`;
    const sender = mirrorball("--input-http", "127.0.0.1:0", "--output-tcp", place, "--admin", "127.0.0.1:0");
    const origin = (await sender.printed(/metrics on (http:\S+)\/metrics/))[1] ?? "";
    const states = async (): Promise<[string, string]> => {
      const ready = await (await fetch(`${origin}/readyz`)).text();
      const metrics = await (await fetch(`${origin}/metrics`)).text();
      return [
        /^output-tcp \S+: (.*)$/m.exec(ready)?.[1] ?? "",
        /^mirrorball_output_up\{.*\} (\d)$/m.exec(metrics)?.[1] ?? "",
      ];
    };
    const become = async (health: RegExp, up: string): Promise<void> => {
      for (;;) {
        const [said, figure] = await states();
        if (health.test(said) && figure === up) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    let receiver: Program | undefined;
    try {
      await become(/ECONNREFUSED/, "0");
      receiver = mirrorball("--input-tcp", place, "--output-null");
      await become(/^ok$/, "1");
      receiver.child.kill("SIGKILL");
      await become(/closed|ECONN/, "0");
    } finally {
      sender.child.kill("SIGKILL");
      receiver?.child.kill("SIGKILL");
    }
  });
}); // prettier-ignore

describe("on the page's address", () => {
  it("the tools' token opens the metrics and no page, and health is open", async () => {
    const one = mirrorball(
      "--input-http", "127.0.0.1:0", "--output-null", "--page", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--admin-token", TOKEN,
    );
    try {
      const origin = (await one.printed(/metrics on (http:\S+)\/metrics/))[1] ?? "";
      const [, page = ""] = await one.printed(/page on (http:\S+)/);
      expect(new URL(page).origin).toBe(origin);
      const statusOf = async (path: string, init: RequestInit = {}): Promise<number> =>
        (await fetch(`${origin}${path}`, init)).status;
      expect(await statusOf("/healthz")).toBe(200);
      expect(await statusOf("/metrics")).toBe(401);
      expect(await statusOf("/metrics", WITH_TOKEN)).toBe(200);
      expect(await statusOf("/api/history", WITH_TOKEN)).toBe(401);
      const entered = await fetch(page, { redirect: "manual" });
      const cookie = entered.headers.get("set-cookie")?.split(";")[0] ?? "";
      expect(await statusOf("/metrics", { headers: { cookie } })).toBe(200);
      expect(await statusOf("/debug/vars", { headers: { cookie } })).toBe(200);
    } finally {
      one.child.kill("SIGKILL");
    }
  });
}); // prettier-ignore
