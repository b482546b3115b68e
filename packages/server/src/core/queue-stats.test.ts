// gor's line of queue figures.
import { describe, expect, it } from "vitest";
import { QueueStats, statsDate } from "./queue-stats.ts";

describe("QueueStats", () => {
  it("gives latest, mean, max, count and count a second, and starts anew", () => {
    const stats = new QueueStats("output_http", 5000);
    expect(stats.title).toBe("output_http:latest,mean,max,count,count/second");
    expect(stats.line()).toBe("output_http:0,0,0,0,0");
    for (const length of [0, 4, 8, 1]) stats.wrote(length);
    for (let i = 0; i < 46; i += 1) stats.wrote(0);
    // The mean passes zeros by: 4, then (4 + 8) / 2, then (6 + 1) / 2.
    expect(stats.line()).toBe("output_http:0,3,8,50,10");
    expect(stats.line()).toBe("output_http:0,0,0,0,0");
  });

  it("dates a line as gor does", () => {
    expect(statsDate(new Date(2014, 3, 3, 1, 9, 5))).toBe("2014/04/03 01:09:05");
  });
});
