// A target and a control, real servers: neither gets ahead of the other, and nothing waits for what will never come.
import type { ServerResponse } from "node:http";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Message } from "@mirrorball/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { get, responseTo, run } from "../../../../test/kit.ts";
import { http } from "../../../../test/targets.ts";
import { catalogue } from "../../../catalogue.ts";
import { planFrom } from "../../../engine/plan/plan.ts";

const COUNT = 40;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const folder = mkdtempSync(join(tmpdir(), "mirrorball-paired-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function messages(): Message[] {
  return Array.from({ length: COUNT }, (_, i) => get(`/${i}`)).flatMap((request) => [
    request,
    responseTo(request, OK),
  ]);
}

interface Service {
  readonly address: string;
  readonly asked: string[];
}

/** Tells of every request, and answers it when told to. */
async function service(onRequest: (answer: () => void) => void): Promise<Service> {
  const asked: string[] = [];
  const address = await http(({ url = "" }, response: ServerResponse) => {
    asked.push(url);
    onRequest(() => response.end("ok"));
  });
  return { address, asked };
}

const words = (target: string, control: string, report: string): string[] =>
  `--output-http ${target} --output-http-workers 1 --output-compare ${report} --output-compare-control ${control}`.split(
    " ",
  );

describe("--output-compare-control", () => {
  it("sends neither side a request before the other side may have it", async () => {
    const answers: (() => void)[] = [];
    let lead = 0;
    // Answers of the target come late, one at a time: a control that went on by itself would get ahead.
    const target: Service = await service((answer) => {
      answers.push(answer);
      setImmediate(() => setImmediate(() => answers.shift()?.()));
    });
    const control: Service = await service((answer) => {
      lead = Math.max(lead, Math.abs(control.asked.length - target.asked.length));
      answer();
    });
    const report = join(folder, "paired.json");
    const { discrepancies } = await run(
      messages(),
      words(target.address, control.address, report),
      { batch: COUNT },
    );
    expect(discrepancies.every((open) => open === 0)).toBe(true);
    expect(target.asked).toHaveLength(COUNT);
    expect(control.asked).toEqual(target.asked);
    expect(lead).toBeLessThanOrEqual(1);
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({
      verdict: "same",
      exchanges: { compared: COUNT },
    });
  });

  it("sends the control alone what a limit takes from the target", async () => {
    const answerNow = (answer: () => void): void => answer();
    const [target, control] = [await service(answerNow), await service(answerNow)];
    const report = join(folder, "limited.json");
    const { counters } = await run(
      messages(),
      words(`${target.address}|1`, control.address, report),
    );
    const limited = counters.outputs[0]?.limited["rate-limit"] ?? 0;
    expect(limited).toBeGreaterThan(0);
    expect(target.asked).toHaveLength(COUNT - limited);
    expect(control.asked).toHaveLength(COUNT);
  });

  it("is refused where outputs take turns", () => {
    const all = [
      "--input-file",
      "x.gor",
      ...words("http://127.0.0.1:1", "http://127.0.0.1:2", "-"),
    ];
    expect(planFrom([...all, "--split-output"], catalogue)).toEqual({
      errors: [expect.stringContaining("--split-output: a control must get the same requests")],
    });
  });
});
