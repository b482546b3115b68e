// The TCP output against a real TCP input, over connections that break, and against a stand-in of a gor.
import { mkdtempSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { BodyState, ConsumerSession, HttpMessage, MessageKind, timestampToNs } from "@mirrorball/protocol"; // prettier-ignore
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { certificate } from "../../test/certificate.ts";
import { freePort, get, receive, request, responseTo, run } from "../../test/kit.ts";
import type { Receiver } from "../../test/kit.ts";
import { encodeRecords } from "../core/record/encode.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function receiver(port: number, ...flags: string[]): Promise<Receiver> {
  const made = await receive("--input-tcp", `127.0.0.1:${port}`, ...flags);
  closers.push(() => made.server.stop());
  return made;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A loaded machine may take its time. */
const POLL = { timeout: 20_000 };

const directory = (): string => mkdtempSync(join(tmpdir(), "mirrorball-"));

function flat(message: Message): unknown {
  const { kind, id, latencyNs, http, startedAt, context } = message;
  const bytes = Buffer.from(http.raw).toString("latin1");
  const about = Object.entries(context ?? {}).filter(([, value]) => value !== undefined);
  return {
    kind,
    id,
    latencyNs,
    bytes,
    at: String(timestampToNs(startedAt)),
    ...Object.fromEntries(about),
  };
}

/** A little of everything a message can be. */
function mixed(): Message[] {
  const first = get("/1", "X-Case-KEPT: a", "x-dup: 1", "X-Dup: caf\u00e9");
  const large = request(
    `PUT /large HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n${"\u00fe".repeat(3_000_000)}`,
  );
  return [
    { ...first, startedAt: 1_732_406_400_123_456_789n, latencyNs: -1 },
    responseTo(first, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    { ...responseTo(first, "HTTP/1.1 521 Replay Failed\r\n\r\n"), kind: MessageKind.replayed, context: { failure: "connect-refused" } },
    large,
    { ...get("/2"), latencyNs: undefined, context: { service: "shop", connection: 7, connectionSeq: 0, peer: "[::1]:9", route: "/:n", tags: ["team", "blue"], bodyState: BodyState.aborted } },
    { ...get("/3"), http: HttpMessage.fromParts({ version: "HTTP/1.1", status: 200, reason: "", headers: ["Transfer-Encoding", "chunked"] }, Buffer.from("abc"), ["X-Sum", "1"]) },
    // So small and so many that one frame would hold more values than a receiver takes.
    ...Array.from({ length: 2000 }, () => ({ ...request("x"), id: "1" })),
    get("/last"),
  ]; // prettier-ignore
}

describe("frames", () => {
  it("carry every kind of message exactly, in order, and acknowledge each", async () => {
    const port = await freePort();
    const next = await receiver(port);
    const messages = mixed();
    const { counters, discrepancies } = await run(messages, ["--output-tcp", `127.0.0.1:${port}`]);
    expect(counters.outputs[0]).toMatchObject({
      received: messages.length,
      delivered: messages.length,
    });
    expect(discrepancies).toEqual([0]);
    expect(counters.lost).toBe(0);
    expect(next.collected.map(flat)).toEqual(messages.map(flat));
  });

  it("go over a Unix socket, and over TLS with a certificate that is verified", async () => {
    const folder = directory();
    const cert = join(folder, "cert.pem");
    const key = join(folder, "key.pem");
    writeFileSync(cert, certificate.cert);
    writeFileSync(key, certificate.key);
    const path = `unix:${join(folder, "m.sock")}`;
    const unix = await receive("--input-tcp", path);
    closers.push(() => unix.server.stop());
    expect((await run([get("/unix")], ["--output-tcp", path])).counters.outputs[0]?.delivered).toBe(
      1,
    );
    const port = await freePort();
    await receiver(port, "--input-tcp-secure", "--input-tcp-certificate", cert, "--input-tcp-certificate-key", key); // prettier-ignore
    const target = ["--output-tcp", `127.0.0.1:${port}`, "--output-tcp-secure"];
    for (const flags of [["--output-tcp-ca", cert], ["--output-tcp-skip-verify"]]) {
      expect((await run([get("/tls")], [...target, ...flags])).counters.outputs[0]?.delivered).toBe(
        1,
      );
    }
    const unverified = await run([get("/tls")], [...target, "--drain-timeout", "300ms"]);
    expect(unverified.counters.outputs[0]).toMatchObject({
      delivered: 0,
      dropped: { shutdown: 1 },
    });
    expect(unverified.log.join("\n")).toMatch(/cannot send: self-signed: .*--output-tcp-ca FILE/);
  });

  it("are sent only to who knows the token", async () => {
    const port = await freePort();
    await receiver(port, "--input-tcp-token", "sesame, open sesame");
    const target = ["--output-tcp", `127.0.0.1:${port}`, "--output-tcp-token"];
    expect(
      (await run([get("/")], [...target, "sesame, open sesame"])).counters.outputs[0]?.delivered,
    ).toBe(1);
    const wrong = await run(
      [get("/")],
      [...target, "barley, open barley", "--drain-timeout", "300ms"],
    );
    expect(wrong.counters.outputs[0]).toMatchObject({ delivered: 0, dropped: { shutdown: 1 } });
    expect(wrong.log.join("\n")).toContain("token-differs");
  });

  it("need a token of sixteen characters, on either side", async () => {
    for (const flag of ["--output-tcp-token", "--input-tcp-token"]) {
      const other = flag === "--input-tcp-token" ? ["--input-tcp", ":1"] : [];
      const started = run([], ["--output-tcp", ":1", ...other, flag, "fifteen letters"]);
      await expect(started).rejects.toThrow(`${flag}: must have at least 16 characters`);
    }
  });

  it("lose and double nothing when the connection breaks at any byte", async () => {
    const port = await freePort();
    const next = await receiver(port);
    let left = 1;
    const proxy = createServer((socket) => {
      // Longer each time, so that the run comes to an end: a dozen breaks on the way.
      left = left * 3 + 97;
      let allowed = left;
      const up = connect(port, "127.0.0.1");
      for (const each of [socket, up]) each.on("error", () => {});
      socket.on("data", (chunk) => {
        up.write(chunk.subarray(0, allowed));
        allowed -= chunk.length;
        if (allowed <= 0) up.end(() => socket.destroy());
      });
      up.on("data", (chunk) => socket.write(chunk));
      up.on("close", () => socket.destroy());
      socket.on("close", () => up.destroy());
    });
    const messages = mixed();
    const { counters } = await run(messages, ["--output-tcp", `127.0.0.1:${await listening(proxy)}`, "--drain-timeout", "60s"]); // prettier-ignore
    expect(counters.lost).toBe(0);
    expect(counters.outputs[0]?.delivered).toBe(messages.length);
    expect(next.collected.map(flat)).toEqual(messages.map(flat));
  });

  it("count what no receiver takes", async () => {
    const port = await freePort();
    const next = await receiver(port);
    const { counters, discrepancies } = await run(
      [get("/1"), { ...get("/2"), id: "two words" }, get("/3")],
      ["--output-tcp", `127.0.0.1:${port}`],
    );
    expect(counters.outputs[0]).toMatchObject({ delivered: 2, failed: { "bad-id": 1 } });
    expect(discrepancies).toEqual([0]);
    expect(next.collected).toHaveLength(2);
  });
});

describe("a frame that the other side will not have for what it holds", () => {
  const POISON = "/poison";
  /** Each fills a frame of its own. */
  // Longer than a frame is meant to be, so that each has a frame of its own.
  const filled = (path: string): Message =>
    request(`POST ${path} HTTP/1.1\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}`);

  /** Takes frames and refuses those: by name, as today's receivers do, or by closing the connection, as those before. */
  async function picky(
    names: boolean,
  ): Promise<{ port: number; taken: string[]; refusals: number }> {
    const acked = new Map<string, number>();
    const made = { port: 0, taken: [] as string[], refusals: 0 };
    const server = createServer((socket) => {
      let key = "";
      const resume = ({ producerId }: { producerId: Uint8Array }): number | undefined => {
        key = Buffer.from(producerId).toString("hex");
        return acked.get(key);
      };
      const session = new ConsumerSession({ nonce: Buffer.alloc(16, 1), resume }, 0);
      socket.on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        for (const { seq, payload } of session.receive(chunk, 0)) {
          const text = Buffer.from(payload).toString("latin1");
          const isPoison = text.includes(POISON);
          if (isPoison) made.refusals += 1;
          if (isPoison && names) session.refuse(seq, "there is poison in it");
          else if (isPoison) session.reject("there is poison in it", "payload");
          if (session.failure !== undefined) break;
          const [, path] = /POST\P{L}*\/(\d)/u.exec(text) ?? [];
          if (path !== undefined && !isPoison) made.taken.push(`/${path}`);
          acked.set(key, seq);
          session.accepted(seq, 1, payload.length);
        }
        for (const piece of session.takeOutput()) socket.write(piece);
        if (session.failure !== undefined) socket.destroySoon();
      });
    });
    made.port = await listening(server);
    return made;
  }

  it.each([
    ["named", true, []],
    ["named, with a journal", true, ["--journal"]],
    ["not named, by an older receiver", false, []],
    ["not named, with a journal", false, ["--journal"]],
  ] as const)("is counted, and what is behind it comes: %s", async (_how, names, journal) => {
    const next = await picky(names);
    const kept = journal.flatMap((flag) => [flag, join(directory(), "journal")]);
    const to = [...kept, "--output-tcp", `127.0.0.1:${next.port}`, "--drain-timeout", "60s"];
    const messages = ["/1", "/2", POISON, "/3", "/4"].map(filled);
    const endless = kept.length > 0;
    const { counters, discrepancies, log } = await run(messages, to, { batch: 1, endless });
    expect(next.taken).toEqual(["/1", "/2", "/3", "/4"]);
    expect(counters.outputs[0]).toMatchObject({ delivered: 4, failed: { refused: 1 } });
    expect(discrepancies).toEqual([0]);
    expect(log.filter((line) => line.includes("poison")).length).toBeGreaterThan(0);
    if (!endless) return;
    // The next run does not begin with it again.
    const { refusals } = next;
    const again = await run([filled("/5")], to, { endless });
    expect(again.counters.outputs[0]).toMatchObject({ delivered: 1, failed: {} });
    expect([next.taken.at(-1), next.taken.length, next.refusals]).toEqual(["/5", 5, refusals]);
  });
});

interface Gor {
  readonly port: number;
  /** What each connection brought, in the order of the connections. */
  readonly streams: () => Buffer[];
}

/** Listens as gor does: takes bytes, answers nothing. */
async function gor(make: (on: (socket: Socket) => void) => Server = createServer): Promise<Gor> {
  const streams: Buffer[][] = [];
  const server = make((socket: Socket) => {
    const chunks: Buffer[] = [];
    streams.push(chunks);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  });
  const port = await listening(server);
  return { port, streams: () => streams.map((chunks) => Buffer.concat(chunks)) };
}

const SEPARATOR = "\n🐵🙈🙉\n";
const records = (stream: Buffer): string[] => stream.toString().split(SEPARATOR).slice(0, -1);
const idIn = (record: string): string => record.split(" ")[1] ?? "";

describe("a gor stream", () => {
  const format = ["--output-tcp-format", "gor"];

  it("is byte for byte that of a gor, requests and responses only", async () => {
    const peer = await gor();
    const first = get("/1");
    const messages = [first, responseTo(first, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    const replayed = { ...get("/3"), kind: MessageKind.replayed };
    const { counters } = await run([...messages, replayed], ["--output-tcp", `127.0.0.1:${peer.port}`, ...format, "--output-tcp-workers", "1"]); // prettier-ignore
    expect(counters.outputs[0]).toMatchObject({
      delivered: 2,
      filtered: { "replayed-response": 1 },
    });
    await expect
      .poll(() => peer.streams()[0]?.toString(), POLL)
      .toBe(encodeRecords(messages).toString());
  });

  it("spreads over ten connections in turns, or by the id", async () => {
    for (const sticky of [false, true]) {
      const peer = await gor();
      const requests = Array.from({ length: 200 }, (_, i) => get(`/${i}`));
      const messages = requests.flatMap((each) => [
        each,
        responseTo(each, "HTTP/1.1 204 No Content\r\n\r\n"),
      ]);
      await run(messages, ["--output-tcp", `127.0.0.1:${peer.port}`, ...format, ...(sticky ? ["--output-tcp-sticky"] : [])]); // prettier-ignore
      await expect.poll(() => peer.streams().flatMap(records).length, POLL).toBe(400);
      expect(peer.streams()).toHaveLength(10);
      const together = peer.streams().every((stream) => {
        const ids = records(stream).map(idIn);
        return ids.every((id) => ids.filter((other) => other === id).length === 2);
      });
      expect(together).toBe(sticky);
      if (!sticky)
        for (const stream of peer.streams()) expect(records(stream).length).toBeGreaterThan(20);
    }
  });

  it("comes back after the other side went away, and sends again, whole, what was not written", async () => {
    const peer = await gor();
    // Deaf from the first byte: what is written fills the kernel's buffers and then waits.
    const deaf = createServer((socket) => socket.pause());
    const port = await listening(deaf);
    const body = "b".repeat(1_000_000);
    const messages = Array.from({ length: 40 }, (_, i) => request(`POST /${i} HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`)); // prettier-ignore
    deaf.once("connection", (socket: Socket) => {
      setTimeout(() => {
        deaf.close();
        socket.resetAndDestroy();
        const back = createServer((again) => connect(peer.port, "127.0.0.1", function forward(this: Socket) {
          again.pipe(this);
        })); // prettier-ignore
        back.listen(port, "127.0.0.1");
        closers.push(() => back.close());
      }, 200);
    });
    const { counters, discrepancies } = await run(messages, ["--output-tcp", `127.0.0.1:${port}`, ...format, "--output-tcp-workers", "1", "--drain-timeout", "30s"]); // prettier-ignore
    expect(counters.outputs[0]?.delivered).toBe(40);
    expect(discrepancies).toEqual([0]);
    const got = (): string[] => peer.streams().flatMap(records);
    await expect.poll(() => got().at(-1)?.includes("/39"), POLL).toBe(true);
    // What had left whole before the break went down with the deaf peer; everything after arrives, in order and whole.
    const ids = got().map(idIn);
    expect(ids).toEqual(messages.slice(-ids.length).map(({ id }) => id));
    for (const record of got()) expect(record.endsWith(body)).toBe(true);
  });

  it("goes over TLS, and refuses a token it could not prove", async () => {
    const peer = await gor((on) => createTlsServer({ ...certificate }, on)); // prettier-ignore
    await run([get("/tls")], ["--output-tcp", `127.0.0.1:${peer.port}`, ...format, "--output-tcp-secure", "--output-tcp-skip-verify"]); // prettier-ignore
    await expect.poll(() => peer.streams().flatMap(records).length).toBe(1);
    await expect(
      run([], ["--output-tcp", ":1", ...format, "--output-tcp-token", "x".repeat(16)]),
    ).rejects.toThrow("--output-tcp-token");
    await expect(run([], ["--output-tcp", ":1", "--output-tcp-secure", "--output-tcp-ca", "/nowhere"])).rejects.toThrow("cannot read /nowhere"); // prettier-ignore
  });
});
