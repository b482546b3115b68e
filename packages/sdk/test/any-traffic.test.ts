// Whatever traffic a service has, the receiver takes every frame that the recorder makes of it: nothing is refused, nothing sent again for ever.
import { once } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { connect } from "node:net";
import { createMirror } from "@mirrorball/sdk";
import type { Mirror } from "@mirrorball/sdk";
import fc from "fast-check";
import { afterEach, expect, it } from "vitest";
import { serve } from "./service.ts";
import { Sink } from "./sink.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Asked {
  /** Header lines, each a name and nothing: the most values a byte. */
  readonly lines: number;
  readonly body: number;
  readonly answer: "plain" | "many fields" | "tiny chunks" | "trailers" | "broken off" | "held";
}

const asked: fc.Arbitrary<Asked> = fc.record({
  lines: fc.oneof(fc.nat(8), fc.nat(990)),
  body: fc.oneof(fc.nat(64), fc.nat(40_000)),
  answer: fc.constantFrom("plain", "many fields", "tiny chunks", "trailers", "broken off", "held"),
});

/** A service that answers as the path says; what is held ends in one moment, when all requests are there. */
async function service(
  server: string,
): Promise<{ tee: Mirror; port: number; release: () => void }> {
  const held: ServerResponse[] = [];
  const handler: RequestListener = (req, res) => {
    const how = decodeURIComponent(req.url ?? "").slice(1);
    req.resume().on("end", () => answer(res, how, held));
  };
  const options = { server, maxBufferBytes: 64 * 1024 * 1024 };
  const { tee, port } = await serve({ createMirror, closers, options, handler });
  const release = (): void => {
    for (const res of held.splice(0)) res.end("z");
  };
  return { tee, port, release };
}

function answer(res: ServerResponse, how: string, held: ServerResponse[]): void {
  if (how === "many fields") for (let i = 0; i < 900; i += 1) res.setHeader(`x${i}`, "");
  if (how === "trailers") res.setHeader("trailer", "t");
  if (how === "tiny chunks") for (let i = 0; i < 600; i += 1) res.write("x");
  if (how === "held" || how === "broken off") res.write("a");
  if (how === "trailers") {
    res.write("a");
    res.addTrailers(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`t${i}`, ""])));
  }
  if (how === "held") held.push(res);
  else if (how === "broken off") res.destroy();
  else res.end("z");
}

/** Resolves when the connection is over. */
async function ask(port: number, { lines, body, answer: how }: Asked): Promise<void> {
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const head = `POST /${encodeURIComponent(how)} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n`;
  socket.write(`${head}content-length: ${body}\r\n${"a:\r\n".repeat(lines)}\r\n`);
  socket.write(Buffer.alloc(body, 98));
  await once(socket.resume(), "close");
}

async function allTaken(requests: readonly Asked[]): Promise<void> {
  const sink = await Sink.listen();
  closers.push(() => sink.close());
  const { tee, port, release } = await service(sink.address);
  const held = requests.filter(({ answer: how }) => how === "held");
  const others = requests.filter(({ answer: how }) => how !== "held");
  const waiting = held.map((each) => ask(port, each));
  for (const each of others) await ask(port, each);
  // Every one of them is being recorded before the first of them ends.
  await expect.poll(() => tee.stats().offered, { timeout: 20_000 }).toBe(requests.length);
  await expect
    .poll(
      () => {
        release();
        return tee.stats().acked;
      },
      { timeout: 20_000 },
    )
    .toBe(requests.length);
  await Promise.all(waiting);
  const stats = await tee.close();
  expect(stats).toMatchObject({ offered: requests.length, acked: requests.length, dropped: {} });
}

it("of requests and answers of every shape, in any mixture", async () => {
  await fc.assert(fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 12 }), allTaken), {
    numRuns: 15,
  });
});

it("of a hundred streams that end in the same moment, as they do when a service is deployed", async () => {
  await allTaken(
    Array.from({ length: 100 }, () => ({ lines: 3, body: 0, answer: "held" as const })),
  );
});
