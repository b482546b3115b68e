// Whatever throws in here: the client gets the same bytes, the process lives, the law holds, the error is counted. One row for
// every way from the host and from Node's loop into our code.
import { once } from "node:events";
import { IncomingMessage, ServerResponse, createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { channel } from "node:diagnostics_channel";
import { PayloadWriter, ProducerSession, RecordType } from "@mirrorball/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lawHolds, serve } from "../../test/service.ts";
import type { Service } from "../../test/service.ts";
import { Sink } from "../../test/sink.ts";
import { ask, bodyOf, dial, talk } from "../../test/wire.ts";
import { Batch } from "../send/batch.ts";
import { BreakerCore } from "../guard/breaker.ts";
import { createMirror } from "../index.ts";
import type { MirrorOptions } from "../index.ts";
import { mirror as koaMirror } from "../koa.ts";
import { Ownership } from "./ownership.ts";
import { RecordWriter } from "../record/record-writer.ts";
import { Recorder } from "../record/recorder.ts";
import { Redactor } from "../redact/redactor.ts";
import { PAUSE_MS } from "../guard/suspension.ts";

const { end: nodesEnd } = ServerResponse.prototype;
const TAP = Symbol.for("mirrorball.tap.1");
const closers: (() => unknown)[] = [];
const uncaught: unknown[] = [];
const onUncaught = (error: unknown): void => void uncaught.push(error);
beforeEach(() => {
  // A tap remembers its faults for a while.
  Reflect.deleteProperty(globalThis, TAP);
  uncaught.length = 0;
  process.on("uncaughtException", onUncaught).on("unhandledRejection", onUncaught);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).toReversed()) await close();
  process.off("uncaughtException", onUncaught).off("unhandledRejection", onUncaught);
  expect(uncaught).toEqual([]);
});

class Mine extends Error {}

/** From now on the method throws, the first `times` times it is called. */
function breaks<T extends object>(target: T, name: keyof T & string, times = 1): void {
  const original = target[name] as (...given: unknown[]) => unknown;
  let left = times;
  vi.spyOn(target as Record<string, () => unknown>, name).mockImplementation(function broken(
    this: unknown,
    ...given: unknown[]
  ) {
    if (left === 0) return original.apply(this, given);
    left -= 1;
    throw new Mine(name);
  });
}

const service = (options?: MirrorOptions, handler?: RequestListener): Promise<Service> =>
  serve({
    createMirror,
    closers,
    ...(options === undefined ? {} : { options }),
    ...(handler === undefined ? {} : { handler }),
  });

async function echoes({ port }: Service, body = "fine"): Promise<void> {
  const length = `Content-Length: ${body.length}`;
  expect(bodyOf(await talk(port, ask("POST /", [length], body)))).toContain(body);
}

/** One exchange while something is broken, two afterwards. */
async function costsOne(made: Service): Promise<void> {
  await echoes(made);
  await vi.waitFor(() => expect(made.tee.stats().internalErrors).toBe(1));
  lawHolds(made.tee);
  await echoes(made);
  await echoes(made);
  const stats = await made.tee.close();
  expect(stats).toMatchObject({ offered: 3, acked: 2, buffered: 0, bufferedBytes: 0 });
  expect(stats.dropped).toEqual({ internal: 1 });
  expect(made.sink.whole).toHaveLength(2);
  // The server knows of it, too.
  expect(made.sink.records).toContainEqual([RecordType.loss, "internal", 1]);
  expect(made.lines).toHaveLength(1);
  expect(made.lines[0]).toMatch(/an error of its own; the service goes on.*: Error: .* at /);
}

describe("a `tags` that ends its own mirror", () => {
  it.each([
    ["with an exchange that goes as one record", "fine"],
    ["with one that has to go in pieces", "x".repeat(300_000)],
  ])("%s costs that exchange, and the call comes back", async (_what, body) => {
    let close = (): void => {};
    const made = await service({ tags: () => (close(), {}) }, (req, res) =>
      req.resume().on("end", () => res.end("done")),
    );
    close = () => void made.tee.close({ timeoutMs: 0 });
    const request = ask("POST /", [`Content-Length: ${body.length}`], body);
    expect(bodyOf(await talk(made.port, request))).toBe("done");
    await vi.waitFor(() => expect(made.tee.stats().buffered).toBe(0));
    expect(made.tee.stats()).toMatchObject({ offered: 1, acked: 0, dropped: { shutdown: 1 } });
  });
});

describe("an error while a request is served costs its exchange and nothing else:", () => {
  it.each<[string, () => void]>([
    ["when it begins, before it is anybody's", () => breaks(Ownership.prototype, "wants")],
    ["when it begins, while it is taken", () => breaks(Recorder.prototype, "adopt")],
    ["in `push`", () => breaks(Recorder.prototype, "requestChunk")],
    ["at the end of the request", () => breaks(Recorder.prototype, "requestEnded")],
    ["in `write`", () => breaks(Recorder.prototype, "responseChunk")],
    ["in `end`, before its record", () => breaks(RecordWriter.prototype, "tagsOf")],
    ["in `end`, with its record", () => breaks(RecordWriter.prototype, "whole")],
    ["in `end`, in the middle of its record", () => breaks(PayloadWriter.prototype, "textsOrNull")],
    ["in `end`, after its record", () => breaks(PayloadWriter.prototype, "end")],
    ["when the batch is made", () => breaks(PayloadWriter.prototype, "take")],
    ["when the batch is handed over", () => breaks(ProducerSession.prototype, "enqueueFrame")],
  ])("%s", async (_where, arrange) => {
    const made = await service();
    arrange();
    await costsOne(made);
  });

  it("while its secrets are looked for", async () => {
    const made = await service({ redact: { headers: ["x-key"] } });
    breaks(Redactor.prototype, "redactorFor");
    await costsOne(made);
  });

  it("in `end`, with a text", async () => {
    const made = await service({}, (_req, res) => void res.end("fine"));
    breaks(Recorder.prototype, "responseText");
    await costsOne(made);
  });

  it("in a getter that the host put on its request", async () => {
    let asked = 0;
    const made = await service({}, (req, res) => {
      asked += 1;
      if (asked === 1)
        Object.defineProperty(req, "route", {
          get() {
            throw new Error("the host's");
          },
        });
      void req.pipe(res);
    });
    await costsOne(made);
  });

  it("on the channel, when the system took the answer later", async () => {
    const large = "x".repeat(8 * 1024 * 1024);
    const made = await service({ maxBodyBytes: 10 }, (_req, res) => void res.end(large));
    // On a slow machine it takes long enough to travel in pieces.
    breaks(RecordWriter.prototype, "whole");
    breaks(RecordWriter.prototype, "remainingRecords");
    const answer = await talk(made.port, ask("GET /"));
    expect(bodyOf(answer)).toHaveLength(large.length);
    await vi.waitFor(() => expect(made.tee.stats().dropped).toEqual({ internal: 1 }));
    lawHolds(made.tee);
  });

  it("in the timer that looks for long ones; what was sent of it is called back", async () => {
    const made = await service({}, (_req, res) => void res.write("first"));
    breaks(RecordWriter.prototype, "responseHead");
    const client = await dial(made.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    closers.push(() => client.destroy());
    await vi.waitFor(() => expect(made.tee.stats().internalErrors).toBe(1));
    const stats = await made.tee.close();
    expect(stats).toMatchObject({ offered: 1, acked: 0, buffered: 0, dropped: { internal: 1 } });
    const abandoned = await made.sink.until((records) =>
      records.find(([type]) => type === RecordType.abandon),
    );
    expect(abandoned).toEqual([RecordType.abandon, made.sink.records[0]?.[1], "internal"]);
  });

  it("in the timer that looks for clients that went away", async () => {
    const made = await service({}, (_req, res) => void res.write("first"));
    breaks(Recorder.prototype, "finish");
    const client = await dial(made.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.destroy();
    await vi.waitFor(() => expect(made.tee.stats().dropped).toEqual({ internal: 1 }));
    lawHolds(made.tee);
  });

  it("in the middleware", async () => {
    const sink = await Sink.listen();
    const tee = createMirror({ server: sink.address, log: () => {} });
    const host = createServer((req, res) => tee(req, res, () => void req.pipe(res)));
    await once(host.listen(0, "127.0.0.1"), "listening");
    closers.push(
      () => sink.close(),
      () => host.close(),
    );
    const { port } = host.address() as AddressInfo;
    breaks(Ownership.prototype, "claim");
    for (let i = 0; i < 2; i += 1)
      expect(bodyOf(await talk(port, ask("POST /", ["Content-Length: 1"], "x")))).toContain("x");
    const stats = await tee.close();
    expect(stats).toMatchObject({ offered: 2, acked: 1, dropped: { internal: 1 } });
    expect(stats.internalErrors).toBe(1);
  });
});

describe("an error between requests costs nothing:", () => {
  it.each<[string, () => void]>([
    ["when connected", () => breaks(ProducerSession.prototype, "connect")],
    ["when bytes come", () => breaks(ProducerSession.prototype, "receive")],
    ["when bytes are written", () => breaks(ProducerSession.prototype, "takeOutput")],
  ])("%s", async (_where, arrange) => {
    arrange();
    const made = await service();
    await echoes(made);
    const stats = await made.tee.close();
    expect(stats).toMatchObject({ offered: 1, acked: 1, dropped: {}, internalErrors: 1 });
  });

  it("when the connection is lost", async () => {
    const made = await service();
    // The first request connects.
    await echoes(made);
    await vi.waitFor(() => expect(made.tee.stats().acked).toBe(1));
    breaks(ProducerSession.prototype, "disconnect");
    const { port } = made.sink;
    made.sink.close();
    await vi.waitFor(() => expect(made.tee.stats().internalErrors).toBe(1));
    const again = await Sink.listen({ port });
    closers.push(() => again.close());
    await echoes(made);
    expect(await made.tee.close()).toMatchObject({ offered: 2, acked: 2, internalErrors: 1 });
  });

  it("in the timer of heartbeats", async () => {
    const made = await service();
    breaks(ProducerSession.prototype, "tick");
    await echoes(made);
    await vi.waitFor(() => expect(made.tee.stats().internalErrors).toBe(1), { timeout: 10_000 });
    await echoes(made);
    expect(await made.tee.close()).toMatchObject({ offered: 2, acked: 2, dropped: {} });
  });

  it("in the breaker, which is off from then on", async () => {
    const made = await service({ breaker: { startupMs: 0 } });
    // The first request starts it.
    await echoes(made);
    const observe = vi.spyOn(BreakerCore.prototype, "observe").mockImplementation(() => {
      throw new Mine("observe");
    });
    await vi.waitFor(() => expect(made.tee.stats().internalErrors).toBe(1), { timeout: 10_000 });
    await echoes(made);
    expect(await made.tee.close()).toMatchObject({ acked: 2, internalErrors: 1 });
    expect(observe).toHaveBeenCalledTimes(1);
  });

  it("when the process has nothing left to do", async () => {
    const made = await service();
    breaks(Recorder.prototype, "stats");
    process.emit("beforeExit", 0);
    expect(made.tee.stats().internalErrors).toBe(1);
  });

  it("in close()", async () => {
    const made = await service();
    await echoes(made);
    breaks(Batch.prototype, "flush", 2);
    expect(await made.tee.close()).toMatchObject({ offered: 1, internalErrors: 1 });
  });

  it("when a certificate cannot be read", async () => {
    const made = await service({ tls: { cert: "no certificate", key: "no key" } });
    await echoes(made);
    await vi.waitFor(() => expect(made.lines[0]).toMatch(/cannot reach .*; the service goes on/));
    await echoes(made);
  });
});

describe("what is not Node's", () => {
  it("responses and contexts whose getters throw are left alone", async () => {
    const made = await service();
    const throws = {
      get(): never {
        throw new Error("the host's");
      },
    };
    const odd = (): ServerResponse => {
      const made = new ServerResponse(new IncomingMessage(Object.create(null)));
      return Object.defineProperty(made, "req", throws);
    };
    const res = odd();
    // Newer Nodes ask for it themselves.
    const outcome = (step: () => unknown): string => {
      try {
        step();
        return "fine";
      } catch (error) {
        return String(error);
      }
    };
    const own = outcome(() => Reflect.apply(nodesEnd, odd(), ["x"]));
    expect(outcome(() => res.end("x"))).toBe(own);
    const req = Object.create(null) as IncomingMessage;
    Object.defineProperty(req, "socket", throws);
    const koa = koaMirror({ enabled: true, server: made.sink.address, log: () => {} });
    closers.push(() => koa.close({ timeoutMs: 0 }));
    const context = Object.defineProperty({ req, res }, "mountPath", throws);
    expect(await koa(context, () => Promise.resolve("answer"))).toBe("answer");
    expect(await koa({ req, res }, () => Promise.resolve("answer"))).toBe("answer");
  });

  it.each(["http.server.request.start", "http.server.response.finish"])(
    "anything may be published on %s",
    async (name) => {
      const made = await service();
      for (const message of [undefined, null, 1, {}, { request: {}, response: {}, socket: {} }])
        channel(name).publish(message);
      await echoes(made);
      expect(await made.tee.close()).toMatchObject({ offered: 1, acked: 1, dropped: {} });
    },
  );
});

describe("ten errors in requests within a minute", () => {
  const FAULTS = 10;
  const { end, write } = ServerResponse.prototype;
  /** Breaks this mirror so often that recording is suspended. */
  async function suspends(made: Service): Promise<void> {
    breaks(Recorder.prototype, "responseChunk", FAULTS);
    for (let i = 0; i < FAULTS; i += 1) {
      expect(made.tee.stats().suspended).toBe(false);
      await echoes(made);
    }
    expect(made.tee.stats().suspended).toBe(true);
  }
  // The minute, and no timer of Node's sockets.
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  it("suspend recording for a minute: nothing is touched, everything is counted", async () => {
    const made = await service();
    expect(ServerResponse.prototype.end).not.toBe(end);
    await suspends(made);
    expect(ServerResponse.prototype.end).toBe(end);
    await echoes(made);
    await echoes(made);
    lawHolds(made.tee);
    expect(made.tee.stats().dropped).toEqual({ internal: 10, suspended: 2 });
    vi.advanceTimersByTime(PAUSE_MS);
    expect(made.tee.stats().suspended).toBe(false);
    await echoes(made);
    const stats = await made.tee.close();
    expect(stats).toMatchObject({ offered: 13, acked: 1, buffered: 0, bufferedBytes: 0 });
    expect(stats.dropped).toEqual({ internal: 10, suspended: 2 });
    expect(made.lines.slice(1)).toEqual([
      "mirrorball: too many errors of its own; nothing is recorded for a minute, and counted",
      "mirrorball: recording again; 2 exchanges were left out so far",
    ]);
    expect(ServerResponse.prototype.end).toBe(end);
  });

  it("what was under way is dropped, not recorded with a hole", async () => {
    const made = await service({}, (req, res) => {
      if (req.url !== "/long") req.pipe(res);
      else res.write("first");
      long ??= res;
    });
    let long: ServerResponse | undefined;
    const answer = talk(made.port, ask("GET /long"));
    await vi.waitFor(() => expect(long).toBeDefined());
    await suspends(made);
    expect(made.tee.stats().dropped).toEqual({ internal: 10, suspended: 1 });
    long?.write("in the hole");
    vi.advanceTimersByTime(PAUSE_MS);
    long?.end("last");
    for (const part of ["first", "in the hole", "last"])
      expect(bodyOf(await answer)).toContain(part);
    const stats = await made.tee.close();
    expect(stats.dropped).toEqual({ internal: 10, suspended: 1 });
    lawHolds(made.tee);
    expect(made.sink.whole).toEqual([]);
  });

  it("requests of a server that is nobody's yet are counted by whom they reach, or not recorded", async () => {
    const made = await service();
    const tee = createMirror({ enabled: true, server: made.sink.address, log: () => {} });
    closers.push(() => tee.close({ timeoutMs: 0 }));
    let go: (() => void) | undefined;
    const host = createServer((req, res) => {
      const reach = (): void => tee(req, res, () => void req.pipe(res));
      if (req.url === "/held") go = reach;
      else reach();
    });
    await once(host.listen(0, "127.0.0.1"), "listening");
    closers.push(() => host.close());
    const { port } = host.address() as AddressInfo;
    const held = talk(port, ask("GET /held"));
    await vi.waitFor(() => expect(go).toBeDefined());
    await suspends(made);
    expect(tee.stats()).toMatchObject({ suspended: true, offered: 0 });
    await talk(port, ask("GET /"));
    expect(tee.stats()).toMatchObject({ offered: 1, dropped: { suspended: 1 } });
    vi.advanceTimersByTime(PAUSE_MS);
    // It began before, and a part of it may have passed unseen.
    go?.();
    await held;
    await talk(port, ask("GET /"));
    const stats = await tee.close();
    expect(stats).toMatchObject({ offered: 3, acked: 1, dropped: { suspended: 2 } });
  });

  it("the last mirror ends it; the next one records", async () => {
    const made = await service();
    await suspends(made);
    await made.tee.close();
    expect(vi.getTimerCount()).toBe(0);
    const next = await service();
    await echoes(next);
    expect(await next.tee.close()).toMatchObject({ offered: 1, acked: 1, suspended: false });
  });

  it("a mirror that is made meanwhile is suspended, too", async () => {
    const made = await service();
    await suspends(made);
    const next = await service();
    expect(next.tee.stats().suspended).toBe(true);
    await echoes(next);
    vi.advanceTimersByTime(PAUSE_MS);
    await echoes(next);
    const stats = await next.tee.close();
    expect(stats).toMatchObject({ offered: 2, acked: 1, dropped: { suspended: 1 } });
  });

  it("below a library that wrapped our methods, each exchange is recorded once afterwards", async () => {
    const made = await service();
    const ours = ServerResponse.prototype.write;
    const wrapped: typeof ours = function wrapped(this: ServerResponse, ...given: unknown[]) {
      return Reflect.apply(ours, this, given);
    };
    ServerResponse.prototype.write = wrapped;
    await suspends(made);
    vi.advanceTimersByTime(PAUSE_MS);
    await echoes(made, "once");
    await made.tee.close();
    // As the library that wrapped it would, with ours below.
    ServerResponse.prototype.write = write;
    expect(made.sink.whole).toHaveLength(1);
    expect(String(made.sink.whole[0]?.[17])).toBe("once");
  });
});

it("prototypes that are frozen are left alone", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { push } = IncomingMessage.prototype;
  const { end } = ServerResponse.prototype;
  Object.preventExtensions(ServerResponse.prototype);
  const made = await service();
  expect([IncomingMessage.prototype.push, ServerResponse.prototype.end]).toEqual([push, end]);
  expect(warn).toHaveBeenCalledOnce();
  await echoes(made);
  expect(await made.tee.close()).toMatchObject({ offered: 0, internalErrors: 0 });
});
