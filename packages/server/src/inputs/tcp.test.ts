import { EventEmitter, once } from "node:events";
import { mkdtempSync, statSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BodyState,
  ProducerSession,
  RecordType,
  WELCOME_MS_MAX,
  packRecords,
} from "@mirrorball/protocol";
import type { ExchangeRecord, Message, WireRecord } from "@mirrorball/protocol";
import { afterEach, describe, expect, it, vi } from "vitest";
import { freePort, isPlace } from "../../test/kit.ts";
import type { FrameIntake, FrameLine, InputJournal, IntakeFrame } from "../component/intake.ts";
import type { Accepted, InputContext } from "../component/types.ts";
import { inputTcp } from "./tcp.ts";

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** A loaded machine may take its time. */
const POLL = { timeout: 20_000 };

interface Rig {
  readonly port: number;
  readonly messages: Message[];
  readonly refusals: string[];
  readonly warnings: string[];
  readonly dropped: Record<string, number>;
  /** When set, emit answers with this promise. */
  gate: Accepted;
  /** How much further its clock is than the real one. */
  aheadMs: number;
  stop(): Promise<void>;
  abort(): void;
}

async function rig(
  argument?: string,
  options: Partial<{
    token: string;
    secure: boolean;
    clientCa: string;
    connections: number;
    connectionsPerAddress: number;
    inFlightBytes: number;
  }> = {},
  journal?: InputJournal,
): Promise<Rig> {
  const port = await freePort();
  const made: Rig = {
    port,
    messages: [],
    refusals: [],
    warnings: [],
    dropped: {},
    gate: undefined,
    aheadMs: 0,
    stop: () => input.stop(),
    abort: () => input.abort?.(),
  };
  const context: InputContext = {
    name: "input-tcp",
    speed: 1,
    emit: (batch) => {
      made.messages.push(...batch);
      return made.gate;
    },
    journal,
    dropped: (reason, count) => {
      made.dropped[reason] = (made.dropped[reason] ?? 0) + count;
    },
    refused: (reason) => made.refusals.push(reason),
    stdout: { write: async () => undefined },
    loopGuard: true,
    clock: { nowUs: () => Date.now() * 1000, monotonicMs: () => performance.now() + made.aheadMs },
    log: { warn: (line) => isPlace(line) || made.warnings.push(line), debug: () => {} },
  };
  const values = {
    secure: false,
    certificate: "",
    certificateKey: "",
    clientCa: "",
    token: "",
    tokenUnbound: false,
    connections: 100,
    connectionsPerAddress: 100,
    inFlightBytes: 100 * 4 * 1024 * 1024,
    ...options,
  };
  const input = (await inputTcp.load(values)).create(
    context,
    argument ?? `127.0.0.1:${port}`,
    values,
  );
  await input.start();
  closers.push(() => input.stop());
  return made;
}

/** A journal that does as it is told; producers are superseded as by a real one. */
function journalOf({
  trouble,
  safeSeq = async () => undefined,
  take = () => {},
}: {
  trouble?: string;
  safeSeq?: () => Promise<number | undefined>;
  take?: (frame: IntakeFrame, line: FrameLine) => void;
}): InputJournal {
  let last: FrameLine | undefined;
  const join: FrameIntake["join"] = ({ epoch }, line) => {
    last?.supersede();
    last = line;
    return {
      safeSeq: epoch === 0 ? undefined : safeSeq(),
      take: (frame): undefined => {
        take(frame, line);
      },
      leave: () => {},
      bye: () => {},
    };
  };
  return { intake: () => ({ join, trouble, tick: () => {}, end: async () => {} }) };
}

class Client {
  readonly session: ProducerSession;
  socket: Socket | undefined;

  constructor(
    id: number,
    token?: string,
    earlier?: { epoch: number; lastSeq: number },
    lastCall?: () => void,
  ) {
    this.session = new ProducerSession({
      producerId: Buffer.alloc(16, id),
      service: "shop",
      agent: "test/1",
      token,
      ...(lastCall === undefined ? {} : { lastCall }),
      ...(earlier === undefined
        ? {}
        : { epoch: earlier.epoch, resume: { firstUnackedSeq: 1, lastSeq: earlier.lastSeq } }),
    });
  }

  async connect(where: { port: number; host: string } | { path: string }): Promise<void> {
    const socket = connect(where);
    this.socket = socket;
    closers.push(() => void socket.destroy());
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      this.session.receive(chunk, performance.now());
      this.flush();
    });
    await once(socket, "connect");
    this.session.connect(Buffer.alloc(16, 9), performance.now());
    this.flush();
    await vi.waitFor(() =>
      expect(this.session.state === "open" || this.session.failure !== undefined).toBe(true),
    );
  }

  send(...exchanges: number[]): void {
    this.session.enqueue(packRecords(exchanges.map(exchangeRecord)), exchanges.length);
    this.flush();
  }

  flush(): void {
    for (const piece of this.session.takeOutput()) this.socket?.write(piece);
  }
}

function exchangeRecord(number: number): ExchangeRecord {
  return [
    RecordType.exchange, number, 1, 1, 1, 1, null, "GET", `/${number}`, "HTTP/1.1", ["Host", "x"], null,
    BodyState.complete, null, 1, 1, null, null, BodyState.complete, null, null, null,
  ]; // prettier-ignore
}

const targets = (messages: readonly Message[]): string[] =>
  messages.map((message) => {
    const { head } = message.http;
    return head !== undefined && "target" in head ? head.target : "";
  });

describe("a producer", () => {
  it("delivers its exchanges and is acknowledged", async () => {
    const server = await rig();
    const client = new Client(1);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    client.send(1, 2);
    client.send(3);
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(3));
    expect(targets(server.messages)).toEqual(["/1", "/2", "/3"]);
  });

  it("that comes back sends again what was not acknowledged, and nothing arrives twice", async () => {
    const server = await rig();
    const client = new Client(2);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    client.send(1);
    await vi.waitFor(() => expect(server.messages).toHaveLength(1));
    client.socket?.destroy();
    client.session.disconnect();
    client.send(2);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(2));
    expect(targets(server.messages)).toEqual(["/1", "/2"]);
  });

  it("gets no more credit than one window while the pipeline is full", async () => {
    const server = await rig();
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const client = new Client(3);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    const body = Buffer.alloc(60_000);
    for (let i = 1; i <= 200; i += 1) {
      const record = exchangeRecord(i);
      record[11] = body;
      client.session.enqueue(packRecords([record]), 1);
    }
    client.flush();
    await vi.waitFor(() => expect(client.session.ackedWeight).toBeGreaterThan(0), POLL);
    const stuckAt = client.session.ackedWeight;
    // What may be under way: one window (70 frames of 60 kB), and the batch the pipeline has taken.
    expect(stuckAt).toBeLessThan(100);
    server.gate = undefined;
    open();
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(200), POLL);
    expect(new Set(targets(server.messages)).size).toBe(200);
  });

  it("is gone when its connection is, though its last frame was refused later", async () => {
    const server = await rig();
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const client = new Client(8);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    const begun: WireRecord = [
      RecordType.requestHead, 1, 1, 1, 1, null, "PUT", "/1", "HTTP/1.1", [], null, null,
    ]; // prettier-ignore
    client.session.enqueue(packRecords([begun, exchangeRecord(2)]), 1);
    client.session.enqueue(Buffer.from("not msgpack"), 1);
    client.flush();
    await vi.waitFor(() => expect(targets(server.messages)).toEqual(["/2"]), POLL);
    const closed = once(client.socket ?? new EventEmitter(), "close");
    client.socket?.end();
    await closed;
    server.gate = undefined;
    open();
    await vi.waitFor(() => expect(server.refusals).toEqual(["payload"]), POLL);
    server.aheadMs += 61_000;
    await vi.waitFor(() => expect(targets(server.messages)).toEqual(["/2", "/1"]), POLL);
  });

  it("is heard over a Unix socket that only its owner may open", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "mirrorball-")), "m.sock");
    const server = await rig(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const client = new Client(4);
    await client.connect({ path });
    client.send(7);
    await vi.waitFor(() => expect(targets(server.messages)).toEqual(["/7"]));
  });

  it("must know the token, and so must the server", async () => {
    const server = await rig(undefined, { token: "open sesame, please" });
    const where = { port: server.port, host: "127.0.0.1" };
    const right = new Client(5, "open sesame, please");
    await right.connect(where);
    expect(right.session.state).toBe("open");
    const wrong = new Client(6, "open barley, please");
    await wrong.connect(where);
    expect(wrong.session.failure?.code).toBe("token-differs");
    const none = new Client(7);
    await none.connect(where);
    expect(none.session.failure?.code).toBe("token-required");
    const open = await rig();
    const expecting = new Client(8, "open sesame, please");
    await expecting.connect({ port: open.port, host: "127.0.0.1" });
    expect(expecting.session.failure?.code).toBe("server-not-proven");
  });
});

describe("a peer that speaks something else", () => {
  const cases: [name: string, bytes: string | Buffer, code: string][] = [
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "foreign"],
    ["TLS", Buffer.from("16030100c8010000c40303", "hex"), "foreign"],
    ["random bytes", Buffer.from("00ff00ff00ff", "hex"), "foreign"],
    ["a newer version", Buffer.from(`4d4202${"00".repeat(21)}`, "hex"), "version"],
    ["a number that begins no record", "12345678", "foreign"],
    ["a first line that is none", "1 abc def\nGET / HTTP/1.1\r\n\r\n", "foreign"],
    ["a first line without end", `1 ${"a".repeat(5000)}`, "foreign"],
    ["a first byte and no more", "1", "foreign"],
    ["half a frame", "MB", "handshake-timeout"],
  ];
  for (const [name, bytes, code] of cases) {
    it(`is closed, counted and named once: ${name}`, async () => {
      const server = await rig();
      const good = new Client(1);
      await good.connect({ port: server.port, host: "127.0.0.1" });
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      socket.on("error", () => {});
      if (bytes.length > 0) socket.write(bytes);
      socket.resume();
      await once(socket, "close");
      expect(server.refusals).toEqual([code]);
      expect(server.warnings).toHaveLength(1);
      good.send(1);
      await vi.waitFor(() => expect(good.session.ackedWeight).toBe(1));
    });
  }

  it("is closed when it says nothing and a token is asked for; without one it may be a gor that waits", async () => {
    const strict = await rig(undefined, { token: "sesame, open sesame" });
    const socket = connect({ port: strict.port, host: "127.0.0.1" }).resume();
    await once(socket, "close");
    expect(strict.refusals).toEqual(["handshake-timeout"]);
    const gor = connect({ port: strict.port, host: "127.0.0.1" }).resume();
    gor.on("error", () => {});
    gor.write("1 a 1 1\nGET / HTTP/1.1\r\n\r\n\n🐵🙈🙉\n");
    await once(gor, "close");
    expect(strict.refusals).toEqual(["handshake-timeout", "foreign"]);
  });

  it("or sends a frame that cannot be taken loses that frame, and neither its connection nor what comes behind", async () => {
    const server = await rig();
    const client = new Client(1);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    client.send(1);
    client.session.enqueue(Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]), 1);
    client.flush();
    client.send(2);
    await vi.waitFor(() => expect(client.session.unackedFrames).toBe(0));
    expect(client.session.ackedWeight).toBe(2);
    expect(targets(server.messages)).toEqual(["/1", "/2"]);
    expect(server.refusals).toEqual(["payload"]);
    expect(server.warnings.join()).toMatch(/^refused of .*: frame 2: /);
    // How many exchanges were in it only its producer knows, and this one says nothing of its books.
    expect(server.dropped).toEqual({ "refused-frame": 1 });
  });
});

describe("limits", () => {
  it.each([
    ["connections", { connections: 2 }, "connections"],
    ["connections of an address", { connectionsPerAddress: 2 }, "connections-of-address"],
  ])(
    "on %s: those beyond are refused, and there is room when one has left",
    async (_, limit, code) => {
      const server = await rig(undefined, limit);
      const where = { port: server.port, host: "127.0.0.1" };
      const [one, two] = [new Client(1), new Client(2)];
      await one.connect(where);
      await two.connect(where);
      const refused = connect(where);
      refused.on("error", () => {});
      await once(refused, "close");
      expect(server.refusals).toEqual([code]);
      one.socket?.destroy();
      // The server hears of the end first, then of this.
      two.send(1);
      await vi.waitFor(() => expect(two.session.ackedWeight).toBe(1));
      const three = new Client(3);
      await three.connect(where);
      expect(three.session.state).toBe("open");
    },
  );

  it("on bytes in flight: all connections share them, and each gets its turn", async () => {
    const frameBytes = 1024 * 1024 + 24;
    const server = await rig(undefined, { inFlightBytes: 2 * frameBytes });
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const clients = Array.from({ length: 12 }, (_, i) => new Client(i + 1));
    const record = exchangeRecord(1);
    record[11] = Buffer.alloc(250_000);
    for (const client of clients) {
      await client.connect({ port: server.port, host: "127.0.0.1" });
      for (let i = 0; i < 10; i += 1) client.session.enqueue(packRecords([record]), 1);
      client.flush();
    }
    // Nothing is taken after the first frame of each, so that this is all that may come.
    const sent = (): number =>
      clients.reduce((sum, { session }) => sum + 10 - session.unsentFrames, 0);
    await vi.waitFor(() => expect(sent()).toBeGreaterThan(6));
    const acked = clients.reduce((sum, { session }) => sum + session.ackedWeight, 0);
    expect(sent() * 250_000).toBeLessThanOrEqual(2 * frameBytes + (acked + 12) * 250_000);
    server.gate = undefined;
    open();
    const all = clients.map(({ session }) => session);
    await vi.waitFor(() => expect(all.every((one) => one.ackedWeight === 10)).toBe(true), POLL);
    expect([server.messages.length, server.refusals]).toEqual([120, []]);
  });
});

describe("a listener that other machines reach", () => {
  it("warns once when nobody has to prove anything", async () => {
    const server = await rig(`0.0.0.0:${await freePort()}`);
    expect(server.warnings).toEqual([expect.stringMatching(/nobody has to prove anything/)]);
    const known = await rig(`0.0.0.0:${await freePort()}`, { token: "secret" });
    expect(known.warnings).toEqual([]);
  });

  it("does not take client certificates without TLS", async () => {
    await expect(rig(undefined, { clientCa: "/x" })).rejects.toThrow("needs --input-tcp-secure");
  });
});

describe("start and stop", () => {
  it("says that a port is in use", async () => {
    const server = await rig();
    await expect(rig(`127.0.0.1:${server.port}`)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${server.port}: the address is in use by another process`,
    );
  });

  it("says which file TLS lacks", async () => {
    await expect(rig(undefined, { secure: true })).rejects.toThrow("--input-tcp-certificate FILE");
  });

  it("stops after what it accepted is in the pipeline", async () => {
    const server = await rig();
    let open = (): void => {};
    server.gate = new Promise((resolve) => (open = resolve));
    const client = new Client(1);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    client.send(1);
    await vi.waitFor(() => expect(server.messages).toHaveLength(1));
    const stopped = server.stop();
    server.gate = undefined;
    open();
    await stopped;
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(1));
  });
});

describe("a journal that takes nothing", () => {
  it("does not keep an input open that is aborted, as at the end of the drain timeout", async () => {
    let taken = 0;
    const journal = journalOf({ take: () => void (taken += 1) });
    const server = await rig(undefined, {}, journal);
    const client = new Client(1);
    await client.connect({ port: server.port, host: "127.0.0.1" });
    client.send(1);
    await vi.waitFor(() => expect(taken).toBe(1), POLL);
    const stopped = server.stop();
    server.abort();
    await stopped;
    await vi.waitFor(() => expect(client.socket?.destroyed).toBe(true), POLL);
    expect(client.session.ackedWeight).toBe(0);
  });
});

describe("a producer that keeps its id over restarts", () => {
  it("is answered when nothing of it is on its way to the disk any more, and its older connection is closed", async () => {
    let safeSeq = 0;
    let settled = Promise.resolve();
    const journal = journalOf({
      safeSeq: async () => settled.then(() => safeSeq),
      take: ({ seq, payload }, line) => {
        safeSeq = seq;
        line.safe(seq, payload.length);
      },
    });
    const server = await rig(undefined, {}, journal);
    const where = { port: server.port, host: "127.0.0.1" };
    const first = new Client(1, undefined, { epoch: 1, lastSeq: 0 });
    await first.connect(where);
    first.send(1, 2);
    await vi.waitFor(() => expect(first.session.ackedWeight).toBe(2));
    let disk = (): void => {};
    settled = new Promise((resolve) => (disk = resolve));
    const second = new Client(1, undefined, { epoch: 2, lastSeq: 5 });
    const welcomed = second.connect(where);
    await vi.waitFor(() => expect(first.socket?.destroyed).toBe(true));
    expect(second.session.state).toBe("handshake");
    safeSeq = 4;
    disk();
    await welcomed;
    expect([second.session.resumedSeq, second.session.state]).toEqual([4, "open"]);
    second.send(3);
    await vi.waitFor(() => expect(second.session.ackedWeight).toBe(1));
    expect([safeSeq, server.refusals]).toEqual([5, []]);
  });

  it("hears why, when it has to wait for too long", async () => {
    let asked = false;
    const journal = journalOf({
      trouble: "the disk of its journal takes nothing",
      safeSeq: () => {
        asked = true;
        return new Promise(() => {});
      },
    });
    const server = await rig(undefined, {}, journal);
    const client = new Client(1, undefined, { epoch: 2, lastSeq: 5 });
    const answered = client.connect({ port: server.port, host: "127.0.0.1" });
    await vi.waitFor(() => expect(asked).toBe(true), POLL);
    server.aheadMs += WELCOME_MS_MAX / 2;
    await answered;
    expect(server.refusals).toEqual(["journal-waits"]);
    expect(client.session.failure).toEqual({
      code: "journal-waits",
      message:
        "the receiver cannot tell yet which frames of an earlier run it has: the disk of its journal takes nothing",
    });
  });
});

describe("what a producer takes with it", () => {
  const where = (server: Rig): { port: number; host: string } => ({
    port: server.port,
    host: "127.0.0.1",
  });

  async function withBooks(server: Rig, id: number): Promise<Client> {
    const client = new Client(id);
    await client.connect(where(server));
    client.session.figures({ offered: 0, accounted: 0, isLast: 0 });
    client.flush();
    return client;
  }

  async function gone(client: Client): Promise<void> {
    const closed = once(client.socket ?? new EventEmitter(), "close");
    client.socket?.destroy();
    await closed;
  }

  it("is unaccounted for when it stays away past the time it has to send it again", async () => {
    const server = await rig();
    const client = await withBooks(server, 1);
    client.send(1, 2);
    client.session.enqueue(packRecords([[RecordType.loss, "buffer-full", 3]]), 0);
    client.session.figures({ offered: 9, accounted: 0, isLast: 0 });
    client.flush();
    await vi.waitFor(() => expect(client.session.unackedFrames).toBe(0));
    await gone(client);
    expect(server.dropped).toEqual({ "buffer-full": 3 });
    server.aheadMs += 61_000;
    await vi.waitFor(() => expect(server.dropped["unaccounted"]).toBe(4), POLL);
    expect(server.warnings.join()).toContain("4 exchanges of producer shop (010101010101) unaccounted for"); // prettier-ignore
  });

  it("is not when it comes back with it", async () => {
    const server = await rig();
    const client = await withBooks(server, 1);
    client.session.figures({ offered: 2, accounted: 0, isLast: 0 });
    client.flush();
    client.send(1);
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(1));
    await gone(client);
    client.session.disconnect();
    await client.connect(where(server));
    client.session.figures({ offered: 2, accounted: 1, isLast: 0 });
    client.send(2);
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(2));
    await gone(client);
    server.aheadMs += 61_000;
    await server.stop();
    expect(server.dropped).toEqual({});
  });

  it("is unaccounted for at the end of the run, and at once after a goodbye", async () => {
    const server = await rig();
    const [dead, polite] = [await withBooks(server, 1), await withBooks(server, 2)];
    dead.session.figures({ offered: 5, accounted: 0, isLast: 0 });
    dead.flush();
    polite.session.figures({ offered: 2, accounted: 0, isLast: 0 });
    polite.session.bye();
    polite.flush();
    await vi.waitFor(() => expect(server.dropped["unaccounted"]).toBe(2), POLL);
    await gone(dead);
    await server.stop();
    expect(server.dropped["unaccounted"]).toBe(7);
  });

  it("stays with who is connected when the server stops: that is asked for what it has, first", async () => {
    const server = await rig();
    const asked: string[] = [];
    const client = new Client(1, undefined, undefined, () => {
      asked.push("last call");
      client.send(8);
      client.session.figures({ offered: 3, accounted: 0, isLast: 1 });
      client.flush();
    });
    await client.connect(where(server));
    client.session.figures({ offered: 2, accounted: 0, isLast: 0 });
    client.flush();
    client.send(7);
    await vi.waitFor(() => expect(client.session.ackedWeight).toBe(1));
    await server.stop();
    expect(asked).toEqual(["last call"]);
    expect(targets(server.messages)).toEqual(["/7", "/8"]);
    expect(server.dropped).toEqual({});
  });
});

describe("a producer that does not prove the token", () => {
  it("is counted and logged with its address, for each reason anew, whoever else was refused before", async () => {
    const server = await rig(undefined, { token: "open sesame, please" });
    const where = { port: server.port, host: "127.0.0.1" };
    for (const token of ["open barley, please", "open barley, please", undefined]) {
      await new Client(6, token).connect(where);
    }
    expect(server.refusals).toEqual(["token-differs", "token-differs", "token-required"]);
    expect(server.warnings).toHaveLength(2);
    expect(server.warnings[0]).toMatch(/^closed 127.0.0.1:\d+: the producer does not know/);
    expect(server.warnings[1]).toMatch(/^closed 127.0.0.1:\d+: this server wants a token/);
  });

  it("is counted when it goes away instead, having learnt nothing", async () => {
    const server = await rig(undefined, { token: "open sesame, please" });
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    const session = new ProducerSession({
      producerId: Buffer.alloc(16, 1),
      service: "scan",
      agent: "scan",
      token: "guess",
    });
    session.connect(Buffer.alloc(16, 9), 0);
    socket.write(Buffer.concat(session.takeOutput()));
    await once(socket, "data");
    socket.destroy();
    await vi.waitFor(() => expect(server.refusals).toEqual(["token-unproven"]), POLL);
  });
});
