// Small captures of what real ones have and textbooks have not, each with the figures that are right.
import { fileURLToPath } from "node:url";
import { MessageKind } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { runInput } from "../../test/kit-input.ts";
import type { InputRun } from "../../test/kit-input.ts";

interface Right {
  readonly requests: number;
  readonly responses: number;
  /** Bytes that are no message. */
  readonly notHttp?: number;
  readonly ambiguous?: Readonly<Record<string, number>>;
  readonly unrequested?: number;
  readonly said?: RegExp;
}

const captures: Readonly<Record<string, Right>> = {
  "tfo-whole-request-in-syn": { requests: 1, responses: 1 },
  "midstream-client-port-lower": { requests: 3, responses: 3 },
  "two-blanks-behind-method": { requests: 2, responses: 2, ambiguous: { "request-line": 1 } },
  "no-minor": { requests: 2, responses: 2, ambiguous: { "request-line": 1 } },
  "two-blanks-before-version": { requests: 2, responses: 2, ambiguous: { "request-line": 1 } },
  http09: {
    requests: 0,
    responses: 0,
    unrequested: 1,
    notHttp: 8,
    said: /HTTP\/0\.9 was captured, which is not read: counted as unsupported:http0\.9/,
  },
  "ack-and-second-segment-before-first": { requests: 1, responses: 1 },
  "bad-length-then-next": {
    requests: 3,
    responses: 3,
    ambiguous: { "content-length-invalid": 1, "after-fault": 2 },
  },
  "bad-chunk-request": {
    requests: 2,
    responses: 2,
    notHttp: 14,
    ambiguous: { "chunk-size": 1, "after-fault": 1 },
  },
  "one-stale-ack": { requests: 3, responses: 3 },
};

async function read(name: string): Promise<InputRun> {
  const path = fileURLToPath(new URL(`../../test/fixtures/captures/${name}.pcap`, import.meta.url));
  return runInput(["--input-raw", path, "--input-raw-track-response"]);
}

describe("a capture of", () => {
  it.each(Object.entries(captures))("%s", async (name, right) => {
    const { messages, counters, log } = await read(name);
    const figures = counters.inputs[0]?.stats.figures ?? {};
    expect(figures).toMatchObject({
      connections: 1,
      requests: right.requests,
      responses: right.responses,
      responsesUnrequested: right.unrequested ?? 0,
      requestsUnanswered: 0,
      bytesLost: 0,
      bytesDuplicate: 0,
      bytesEvicted: 0,
      bytesPending: 0,
      bytesNotHttp: right.notHttp ?? 0,
    });
    const doubts = Object.entries(figures)
      .filter(([figure]) => figure.startsWith("ambiguous."))
      .map(([figure, count]) => [figure.slice("ambiguous.".length), count]);
    expect(Object.fromEntries(doubts)).toEqual(right.ambiguous ?? {});
    const ids = (kind: MessageKind): string[] =>
      messages.filter((message) => message.kind === kind).map(({ id }) => id);
    expect(ids(MessageKind.response)).toEqual(ids(MessageKind.request));
    const marked = messages.filter(({ context }) => context?.framing === "ambiguous");
    const doubted = Object.values(right.ambiguous ?? {}).reduce((sum, count) => sum + count, 0);
    expect(marked).toHaveLength(doubted);
    // Both are usable: what servers answer has a method and a target.
    expect(messages.every(({ http }) => http.head !== undefined)).toBe(true);
    if (right.said === undefined) expect(log.join("\n")).not.toContain("was captured");
    else expect(log.filter((line) => right.said?.test(line))).toHaveLength(1);
    expect(counters.lost).toBe(0);
  });
});
