import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { Comparison } from "./comparison.ts";

function request(id: string, path = "/things"): Message {
  const http = HttpMessage.fromRaw(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
  return { kind: MessageKind.request, id, startedAt: Number(id) * 1000, latencyNs: 0, http };
}

function answer(
  id: string,
  body: unknown,
  { status = 200, failure }: { status?: number; failure?: string } = {},
): Message {
  const text = JSON.stringify(body);
  const raw = `HTTP/1.1 ${status} X\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const http = HttpMessage.fromRaw(Buffer.from(raw));
  return {
    kind: MessageKind.replayed,
    id,
    startedAt: Number(id) * 1000,
    latencyNs: 1000,
    http,
    context: { failure },
  };
}

const failed = (id: string): Message => answer(id, {}, { status: 502, failure: "refused" });

describe("without a control", () => {
  it("equal answers are the same, and other ones are different where they differ", () => {
    const comparison = new Comparison({ control: false });
    for (const [id, replayed] of [
      ["1", { a: 1 }],
      ["2", { a: 2 }],
    ] as const) {
      comparison.request(request(id));
      comparison.answer("original", answer(id, { a: 1 }));
      comparison.answer("replayed", answer(id, replayed));
    }
    comparison.end();
    const { verdict, exchanges, endpoints } = comparison.report();
    expect(verdict).toBe("different");
    expect(exchanges).toMatchObject({
      sent: 2,
      compared: 2,
      statusAlike: 2,
      unpaired: 0,
      failed: 0,
    });
    expect(endpoints[0]?.differences).toMatchObject([
      { part: "body", path: "$.a", kind: "value", count: 1, of: 2, evidence: null },
    ]);
  });

  it("a report may be asked for at any time, and gives the same again", () => {
    const comparison = new Comparison({ control: false });
    comparison.request(request("1"));
    comparison.answer("original", answer("1", { a: 1 }));
    comparison.answer("replayed", answer("1", { a: "x" }));
    expect(comparison.report()).toEqual(comparison.report());
  });

  it("answers nobody asked for, and requests nobody answered, are counted", () => {
    const comparison = new Comparison({ control: false });
    comparison.answer("replayed", answer("9", {}));
    comparison.request(request("1"));
    comparison.end();
    expect(comparison.report()).toMatchObject({
      verdict: "inconclusive",
      exchanges: { compared: 0, unpaired: 2 },
    });
  });
});

describe("with a control", () => {
  it("its failures are counted and never compared with", () => {
    const comparison = new Comparison({ control: true });
    comparison.request(request("1"));
    comparison.answer("control", failed("1"));
    comparison.answer("replayed", answer("1", { a: 1 }));
    comparison.end();
    const { verdict, remarks, exchanges, endpoints } = comparison.report();
    expect(verdict).toBe("inconclusive");
    expect(remarks).toContain("the control gave no answer to 1 requests");
    expect(exchanges).toMatchObject({ compared: 0, unpaired: 1 });
    expect(endpoints).toEqual([]);
  });

  it("it stands in for originals that are not there", () => {
    const comparison = new Comparison({ control: true });
    comparison.request(request("1"));
    comparison.answer("control", answer("1", { a: 1 }));
    comparison.answer("replayed", answer("1", {}));
    comparison.end();
    const [endpoint] = comparison.report().endpoints;
    expect(endpoint?.differences).toMatchObject([{ path: "$.a", kind: "missing" }]);
  });

  it("what it differs in as well is noise, with that as the reason", () => {
    const comparison = new Comparison({ control: true });
    for (let i = 1; i <= 20; i += 1) {
      const id = String(i);
      comparison.request(request(id));
      comparison.answer("original", answer(id, { mood: "calm" }));
      comparison.answer("control", answer(id, { mood: i % 2 === 0 ? "wild" : "calm" }));
      comparison.answer("replayed", answer(id, { mood: i % 2 === 1 ? "wild" : "calm" }));
    }
    comparison.end();
    const { verdict, endpoints } = comparison.report();
    expect(endpoints[0]?.noise).toMatchObject([{ path: "$.mood", why: "control" }]);
    expect(verdict).toBe("same");
  });
});
