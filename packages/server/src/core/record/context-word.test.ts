// What an exchange knows, as a word of a record's first line: whole, cut to the room there is, and malformed.
import { HttpMessage } from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contextWord, parseContextWord } from "./context-word.ts";
import { RecordDecoder } from "./decode.ts";
import { EncodeReport, encodeRecords } from "./encode.ts";

const ROOM = 100_000;
const full: MessageContext = {
  connection: 5, connectionSeq: 0, peer: "10.0.0.7:51334", service: "shop", route: "/users/:id", tags: ["user", "7", "a=b", "x&y z%"],
}; // prettier-ignore
const text = "c=5&n=0&p=10.0.0.7:51334&s=shop&r=/users/:id&t.user=7&t.a%3Db=x%26y%20z%25";

function written(context: MessageContext, extra: Partial<Message> = {}): string {
  const http = HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
  const message: Message = { kind: 1, id: "a", startedAt: 1, latencyNs: undefined, http, context, ...extra }; // prettier-ignore
  return encodeRecords([message]).toString("latin1");
}

function read(file: string): (MessageContext | undefined)[] {
  const out = { messages: [] as Message[], timesNs: [] };
  const decoder = new RecordDecoder({ skipped: (reason) => expect(reason).toBe("none") });
  decoder.push(Buffer.from(file, "latin1"), out);
  decoder.end(out);
  return out.messages.map(({ context }) => context);
}

describe("a context", () => {
  it("is one word of visible ASCII", () => {
    expect(contextWord(full, ROOM)).toEqual({ text, leftOut: 0 });
    expect(parseContextWord(text)).toEqual(full);
    expect(written(full).split("\n")[0]).toBe(`1 a 1000 -1 context=${text}`);
  });

  it("comes back, whatever it holds", () => {
    const any = fc.string({ unit: "grapheme" });
    const context = fc.record(
      {
        connection: fc.nat(), connectionSeq: fc.nat(), peer: any, service: any, route: any,
        tags: fc.array(fc.tuple(any, any), { minLength: 1, maxLength: 3 }).map((pairs) => pairs.flat()),
      },
      { requiredKeys: [] },
    ); // prettier-ignore
    fc.assert(
      fc.property(context, (known) => {
        const word = contextWord(known, ROOM).text;
        expect(word).toMatch(/^[!-~]*$/);
        expect(parseContextWord(word) ?? {}).toEqual(known);
        expect(read(written(known))).toEqual([word === "" ? undefined : known]);
      }),
    );
  });

  it("leaves out what does not fit, tags first, and counts it; the line stays below 4,096 bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3700, max: 4100 }), fc.boolean(), (length, isMarked) => {
        const known: MessageContext = {
          connection: 1,
          route: "r".repeat(length - 100),
          tags: ["a", "b".repeat(90), "c", "d"],
          framing: isMarked ? "ambiguous" : undefined,
        };
        const report = new EncodeReport();
        const http = HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
        const file = encodeRecords([{ kind: 1, id: "a", startedAt: 1, latencyNs: 5, http, context: known }], report); // prettier-ignore
        expect(file.indexOf("\n") + 1).toBeLessThan(4096);
        const [back] = read(file.toString("latin1"));
        expect(back?.connection).toBe(1);
        const kept = (back?.route === undefined ? 0 : 1) + (back?.tags?.length ?? 0) / 2;
        expect(kept + report.leftOut).toBe(3);
      }),
    );
  });

  it("is the same word for a request and its response, and another for the next exchange", () => {
    const next = { ...full, connectionSeq: 1, tags: undefined };
    const contexts = [full, full, next, next, full, { framing: "ambiguous" as const, ...next }];
    const file = contexts.map((context, i) => written(context, { id: `${i}`, latencyNs: i })).join(""); // prettier-ignore
    const plain = contexts.map((context) =>
      Object.fromEntries(Object.entries(context).filter(([, value]) => value !== undefined)),
    );
    expect(read(file)).toEqual(plain);
    const http = HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    const batch = contexts.map((context, i): Message => ({ kind: 1, id: `${i}`, startedAt: 1, latencyNs: i, http, context })); // prettier-ignore
    expect(encodeRecords(batch).toString("latin1")).toBe(file);
  });
});

describe("a malformed word", () => {
  it.each([
    ["", undefined],
    ["x", undefined],
    ["c=", undefined],
    ["c=x&n=-1&p", undefined],
    ["c=1234567890123456", undefined],
    ["z=1&r=/a&y", { route: "/a" }],
    ["r=%&s=%4&p=%zz", { route: "%", service: "%4", peer: "%zz" }],
    ["r=%ff", { route: "\ufffd" }],
    ["c=1&c=2", { connection: 1 }],
    ["__proto__=1&constructor=2&t.__proto__=3", { tags: ["__proto__", "3"] }],
  ])("%j gives what is right in it", (word, expected) => {
    expect(parseContextWord(word)).toEqual(expected);
  });

  it("and words that nobody knows cost nothing", () => {
    const record = (words: string): string =>
      `1 a 1000 5${words}\nGET / HTTP/1.1\r\n\r\n\n🐵🙈🙉\n`;
    const file = ["", " future=1 context=c=1", " context= x", "  context=c=2  context=c=3 "]
      .map(record)
      .join("");
    expect(read(Buffer.from(file).toString("latin1"))).toEqual([
      undefined,
      { connection: 1 },
      undefined,
      { connection: 2 },
    ]);
  });
});

it("what is not known leaves gor's line as it is, four fields or three", () => {
  for (const context of [{}, { bodyState: 1 as const }, { keepHost: true }])
    expect(written(context).split("\n")[0]).toBe("1 a 1000");
  expect(written({}, { latencyNs: 5 }).split("\n")[0]).toBe("1 a 1000 5");
});
