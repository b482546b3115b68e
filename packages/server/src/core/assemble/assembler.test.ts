import { BodyState, HttpMessage, MessageKind, RecordType } from "@mirrorball/protocol";
import type { ExchangeRecord, Message, RequestHeadRecord, WireRecord } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { Assembler } from "./assembler.ts";
import { MemoryBudget } from "../memory/budget.ts";
import { BODY_BYTES_MAX } from "./partial-body.ts";

interface Bench {
  readonly assembler: Assembler;
  readonly dropped: Record<string, number>;
  readonly budget: MemoryBudget;
  readonly take: (...records: WireRecord[]) => Message[];
}

function bench(budget = new MemoryBudget(2 ** 30)): Bench {
  const dropped: Record<string, number> = {};
  const assembler = new Assembler({
    idPrefix: "0123456789ab",
    service: "shop",
    memory: budget.account(),
    dropped: (reason, count) => {
      dropped[reason] = (dropped[reason] ?? 0) + count;
    },
  });
  return {
    assembler,
    dropped,
    budget,
    take: (...records) => {
      const out: Message[] = [];
      assembler.take(records, out);
      return out;
    },
  };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

function exchange(
  number: number,
  change: (record: ExchangeRecord) => void = () => {},
): ExchangeRecord {
  const record: ExchangeRecord = [
    RecordType.exchange, number, 1_700_000_000_000_000, 250, 7, 3, "127.0.0.1:5000",
    "POST", "/a?b=c", "HTTP/1.1", ["Host", "shop", "X-A", "1", "x-a", "2"],
    bytes("hello"), BodyState.complete, null,
    1_700_000_000_000_900, 40, "HTTP/1.1 201 Created\r\nX-B: 2\r\n\r\n", bytes("made"), BodyState.complete, null,
    "/a", ["team", "blue"],
  ]; // prettier-ignore
  change(record);
  return record;
}

const head = (number: number): RequestHeadRecord => [
  RecordType.requestHead,
  number,
  1_700_000_000_000_000,
  1,
  0,
  null,
  "PUT",
  "/up",
  "HTTP/1.1",
  ["Host", "h"],
  null,
  null,
];

describe("a whole exchange", () => {
  it("becomes a request and its response under one id, with everything that was recorded", () => {
    const [request, response] = bench().take(exchange(255));
    expect(request).toMatchObject({
      kind: MessageKind.request,
      id: "0123456789ab0000000000ff",
      startedAt: 1_700_000_000_000_000,
      latencyNs: 250_000,
      context: {
        service: "shop",
        connection: 7,
        connectionSeq: 3,
        peer: "127.0.0.1:5000",
        route: "/a",
        tags: ["team", "blue"],
      },
    });
    expect(Buffer.from(request?.http.raw ?? []).toString()).toBe(
      "POST /a?b=c HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello",
    );
    expect(response).toMatchObject({
      kind: MessageKind.response,
      id: request?.id,
      latencyNs: 40_000,
    });
    expect(Buffer.from(response?.http.raw ?? []).toString()).toBe(
      "HTTP/1.1 201 Created\r\nX-B: 2\r\n\r\nmade",
    );
  });

  it("gives no response message when none was teed", () => {
    const messages = bench().take(exchange(1, (record) => (record[16] = null)));
    expect(messages.map((message) => message.kind)).toEqual([MessageKind.request]);
  });

  it("marks each body by its own state", () => {
    const [request, response] = bench().take(
      exchange(1, (record) => {
        record[12] = BodyState.truncated;
        record[18] = BodyState.aborted;
      }),
    );
    expect(request?.context?.bodyState).toBe(BodyState.truncated);
    expect(response?.context?.bodyState).toBe(BodyState.aborted);
  });
});

describe("an exchange in pieces", () => {
  it("gives the request as soon as it is whole, the response when it ends", () => {
    const { take, assembler, budget } = bench();
    expect(take(head(5), [RecordType.requestChunk, 5, bytes("one ")])).toEqual([]);
    const [request] = take(
      [RecordType.requestChunk, 5, bytes("two")],
      [RecordType.requestEnd, 5, 99, BodyState.complete, ["X-Sum", "9"]],
    );
    expect(Buffer.from(request?.http.body ?? []).toString()).toBe("one two");
    expect(request?.http.trailers).toEqual(["X-Sum", "9"]);
    const [response] = take(
      [RecordType.responseHead, 5, 17, "HTTP/1.1 200 OK\r\n\r\n"],
      [RecordType.responseChunk, 5, bytes("data: 1\n\n")],
      [RecordType.responseEnd, 5, 8, BodyState.aborted, null],
    );
    expect(response).toMatchObject({
      id: request?.id,
      startedAt: 17,
      context: { bodyState: BodyState.aborted },
    });
    expect(Buffer.from(response?.http.body ?? []).toString()).toBe("data: 1\n\n");
    expect(assembler.openExchanges).toBe(0);
    expect(budget.usedBytes).toBe(0);
  });

  it("emits what an absent producer left unfinished as aborted", () => {
    const { take, assembler, budget } = bench();
    take(head(1), [RecordType.requestChunk, 1, bytes("half")]);
    const out: Message[] = [];
    assembler.end(out);
    expect(out).toHaveLength(1);
    expect(out[0]?.context?.bodyState).toBe(BodyState.aborted);
    expect(budget.usedBytes).toBe(0);
  });

  it("forgets an abandoned exchange and counts it by the producer's reason", () => {
    const { take, dropped, budget } = bench();
    take(head(1), [RecordType.requestChunk, 1, bytes("x")]);
    expect(take([RecordType.abandon, 1, "buffer-full"])).toEqual([]);
    expect(dropped).toEqual({ "buffer-full": 1 });
    expect(budget.usedBytes).toBe(0);
  });

  it("cuts bodies at the bound and says so", () => {
    const { take, budget } = bench(new MemoryBudget(64 * 1024));
    const chunk = Buffer.alloc(10_000, 0x61);
    const [request] = take(
      head(1),
      ...Array.from({ length: 10 }, (): WireRecord => [RecordType.requestChunk, 1, chunk]),
      [RecordType.requestEnd, 1, 0, BodyState.complete, null],
    );
    expect(request?.http.body.length).toBe(30_000);
    expect(request?.context?.bodyState).toBe(BodyState.truncated);
    expect(BODY_BYTES_MAX).toBeGreaterThan(5 * 1024 * 1024);
    take([RecordType.abandon, 1, "aborted"]);
    expect(budget.usedBytes).toBe(0);
  });

  it("charges heads that wait, of requests and of responses, and counts those that find no room", () => {
    const { take, dropped, budget, assembler } = bench(new MemoryBudget(1_000_000));
    const large = (number: number): RequestHeadRecord => {
      const record = head(number);
      record[9] = ["x", "v".repeat(50_000)];
      return record;
    };
    for (let i = 0; i < 100; i += 1) take(large(i));
    // One that is alone may have half of it.
    expect(assembler.openExchanges).toBe(4);
    expect(dropped).toEqual({ "out-of-memory": 96 });
    expect(budget.usedBytes).toBeGreaterThan(400_000);
    take([RecordType.responseHead, 0, 1, `HTTP/1.1 200 OK\r\nX: ${"y".repeat(60_000)}\r\n\r\n`]);
    expect(dropped).toEqual({ "out-of-memory": 97 });
    assembler.end([]);
    expect(budget.usedBytes).toBe(0);
  });

  it("holds a million chunks of one byte in a few megabytes", () => {
    const { take, budget } = bench();
    take(head(1));
    const chunks = Array.from({ length: 1000 }, (): WireRecord => [RecordType.requestChunk, 1, bytes("x")]); // prettier-ignore
    for (let i = 0; i < 1000; i += 1) take(...chunks);
    expect(budget.usedBytes).toBeLessThan(2_000_000);
    const [request] = take([RecordType.requestEnd, 1, 0, BodyState.complete, null]);
    expect(request?.http.body.length).toBe(1_000_000);
  });

  it("counts the end of an exchange whose head never came, once", () => {
    const { take, dropped } = bench();
    take(
      [RecordType.responseChunk, 9, bytes("x")],
      [RecordType.responseEnd, 9, 0, BodyState.complete, null],
    );
    expect(dropped).toEqual({ orphan: 1 });
  });
});

describe("losses told by the producer", () => {
  it("are counted by reason, and a reason that is no plain word becomes other", () => {
    const { take, dropped } = bench();
    take([RecordType.loss, "buffer-full", 12], [RecordType.loss, "__proto__\n", 3]);
    expect(dropped).toEqual({ "buffer-full": 12, other: 3 });
  });

  it("cannot make counters without end", () => {
    const { take, dropped } = bench();
    for (let i = 0; i < 1000; i += 1) take([RecordType.loss, `reason-${i}`, 1]);
    expect(Object.keys(dropped).length).toBeLessThan(40);
    expect(Object.values(dropped).reduce((a, b) => a + b, 0)).toBe(1000);
  });
});

it("HttpMessage of a chunked response in pieces is framed again on demand", () => {
  const message = HttpMessage.fromHeadText(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    bytes("abc"),
  );
  expect(Buffer.from(message.raw).toString()).toBe(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
});
