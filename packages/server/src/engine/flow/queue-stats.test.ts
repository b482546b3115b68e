// gor's queue figures, from a running server.
import { describe, expect, it } from "vitest";
import { get, run } from "../../../test/kit.ts";
import { recording } from "../../../test/targets.ts";

describe("--output-http-stats", () => {
  const lineOf = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d output_http:(.*)$/;

  it("prints how full the queue is, every --output-http-stats-ms", async () => {
    const { address, seen } = await recording();
    let enough: () => void = () => {};
    const counted = new Promise<void>((resolve) => (enough = resolve));
    const { log } = await run(
      [get("/1"), get("/2"), get("/3")],
      ["--output-http", address, "--stats", "--output-http-stats", "--output-http-stats-ms", "100"],
      {
        onLog: (line) => {
          if (/output_http:\d+,\d+,\d+,3,30$/.test(line)) enough();
        },
        beforeStop: () => counted,
      },
    );
    const figures = log.flatMap((line) => lineOf.exec(line)?.[1] ?? []);
    expect(figures.slice(0, 2)).toEqual(["latest,mean,max,count,count/second", "0,0,0,0,0"]);
    expect(figures).toContain("3,2,3,3,30");
    expect(seen).toHaveLength(3);
  });

  it("does nothing without --stats", async () => {
    const { address } = await recording();
    const { log } = await run([get("/")], ["--output-http", address, "--output-http-stats"]);
    expect(log.filter((line) => lineOf.test(line))).toEqual([]);
  });
});
