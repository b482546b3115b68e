// The HTTP output over several exchanges: kept connections, order, redirects elsewhere, bounds of what is kept.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { BodyState, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, request, run } from "../../test/kit.ts";
import { http, recording, sockets } from "../../test/targets.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const many = (count: number): Message[] => Array.from({ length: count }, (_, i) => get(`/${i}`));
const post = (path: string): Message =>
  request(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`);

/** A target of bare sockets that calls `answer` for each request, with its number on that socket. */
async function answering(
  answer: (socket: Socket, number: number) => void,
): Promise<{ address: string; connections: () => number }> {
  let connections = 0;
  const address = await sockets((socket) => {
    connections += 1;
    let number = 0;
    socket.on("data", () => {
      number += 1;
      answer(socket, number);
    });
  });
  return { address, connections: () => connections };
}

describe("connections", () => {
  const one = (address: string): string[] => ["--output-http", address, "--output-http-workers", "1"];

  it("are kept from one exchange to the next", async () => {
    const { address, connections } = await answering((socket) => socket.write(OK));
    const { counters } = await run(many(50), one(address));
    expect(counters.outputs[0]?.delivered).toBe(50);
    expect(connections()).toBe(1);
  });

  it.each([
    ["Connection: close", OK.replace("200 OK", "200 OK\r\nConnection: close")],
    ["HTTP/1.0", OK.replace("HTTP/1.1", "HTTP/1.0")],
    ["a length that is the end of the stream", "HTTP/1.1 200 OK\r\n\r\nok"],
    ["more than was asked for", `${OK}${OK}`],
  ])("are not kept with %s", async (_name, answer) => {
    const { address, connections } = await answering((socket) => {
      socket.write(answer);
      if (!answer.includes("Content-Length")) socket.end();
    });
    const { counters } = await run(many(5), one(address));
    expect(counters.outputs[0]?.delivered).toBe(5);
    expect(connections()).toBe(5);
  });

  it("closed by the target cost no safe request, and no other is sent twice", async () => {
    // Every connection answers one request and closes as the second one comes.
    const target = (): ReturnType<typeof answering> =>
      answering((socket, number) => {
        if (number === 1) socket.write(OK);
        else socket.destroy();
      });
    const safe = await target();
    const got = await run(many(6), one(safe.address));
    expect(got.counters.outputs[0]).toMatchObject({ delivered: 6, failed: {} });
    const unsafe = await target();
    const posted = await run(["/1", "/2", "/3", "/4"].map(post), one(unsafe.address));
    expect(posted.counters.outputs[0]).toMatchObject({ delivered: 2, failed: { reset: 2 } });
    expect(posted.discrepancies).toEqual([0]);
  });

  it("are not used when the target said it would have closed them by now", async () => {
    const { address, connections } = await answering((socket) =>
      socket.write(OK.replace("200 OK", "200 OK\r\nKeep-Alive: timeout=1")),
    );
    await run([post("/1"), post("/2")], one(address));
    expect(connections()).toBe(2);
  });

  it("answered before the request was out are not used again", async () => {
    const large = request(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(9_000_000)}`,
    );
    const { address, connections } = await answering((socket, number) => {
      socket.pause();
      if (number === 1) socket.write(OK);
    });
    const { counters } = await run([large, get("/")], one(address));
    expect(counters.outputs[0]?.delivered).toBe(2);
    expect(connections()).toBe(2);
  });
}); // prettier-ignore

describe("--preserve-order", () => {
  it("lets a follower wait for the answer to its predecessor, and the others go on", async () => {
    const held: ServerResponse[] = [];
    const seen: string[] = [];
    let openOfA = 0;
    let openOfAMost = 0;
    const release = (): void => {
      held.shift()?.end();
    };
    const address = await http((req: IncomingMessage, res) => {
      const url = req.url ?? "";
      seen.push(url);
      if (!url.startsWith("/a")) {
        res.end();
        // All of the others have come although the first of a has no answer yet.
        if (seen.filter((path) => path.startsWith("/b")).length === 10) release();
        return;
      }
      openOfA += 1;
      openOfAMost = Math.max(openOfAMost, openOfA);
      res.on("finish", () => (openOfA -= 1));
      held.push(res);
      if (seen.length > 10) release();
    });
    const sequence = (key: string): Message[] =>
      Array.from({ length: 10 }, (_, i) => get(`/${key}${i}`, `Cookie: x=1; sid=${key}`));
    const { counters, discrepancies } = await run(
      [...sequence("a"), ...sequence("b")],
      ["--output-http", address, "--preserve-order", "cookie:sid"],
      { batch: 20 },
    );
    expect(counters.outputs[0]?.delivered).toBe(20);
    expect(discrepancies).toEqual([0]);
    for (const key of ["/a", "/b"]) {
      const ours = seen.filter((url) => url.startsWith(key));
      expect(ours).toEqual(Array.from({ length: 10 }, (_, i) => `${key}${i}`));
    }
    expect(openOfAMost).toBe(1);
  });

  it("goes on behind a replay that failed", async () => {
    const seen: string[] = [];
    const address = await http((req, res) => {
      seen.push(req.url ?? "");
      if (req.url === "/1") res.destroy();
      else res.end();
    });
    const messages = ["/0", "/1", "/2"].map((path) => get(path, "X-User: 7"));
    const flags = ["--output-http", address, "--preserve-order", "header:x-user"];
    const { counters } = await run(messages, flags);
    expect(counters.outputs[0]).toMatchObject({ delivered: 2, failed: { reset: 1 } });
    expect(seen.filter((url, i) => url !== seen[i - 1])).toEqual(["/0", "/1", "/2"]);
  });
});

describe("--output-http-redirects-anywhere", () => {
  it("follows to another host, and leaves credentials behind", async () => {
    const other = await recording();
    const address = await http((_req, res) => {
      res.writeHead(303, { Location: `http://${other.address}/there?a=b` }).end();
    });
    const message = request(
      "POST / HTTP/1.1\r\nHost: recorded.test\r\nCookie: secret\r\nX-Kept: 1\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nhi",
    );
    const { counters } = await run(
      [message, get("/second")],
      ["--output-http", `http://user:pass@${address}`, "--output-http-redirects", "1", "--output-http-redirects-anywhere"],
    ); // prettier-ignore
    expect(counters.outputs[0]?.stats.statuses?.["2xx"]).toBe(2);
    const followed = other.seen.find(({ req }) => req.headers["x-kept"] === "1");
    expect(followed?.req).toMatchObject({ method: "GET", url: "/there?a=b" });
    expect(followed?.req.rawHeaders).toEqual([
      "Host",
      other.address,
      "X-Kept",
      "1",
      "X-Mirrorball-Replay",
      "1",
    ]);
  });
});

describe("--output-http-response-buffer", () => {
  it("keeps so many bytes of a tracked answer, and says that it was cut", async () => {
    const address = await http((req, res) => res.end("x".repeat(Number(req.url?.slice(1)))));
    const { collected } = await run(
      [get("/99999"), get("/100")],
      ["--output-http", address, "--output-http-track-response", "--output-http-response-buffer", "1kb", "--output-collect"],
    ); // prettier-ignore
    const kept = collected
      .filter(({ kind }) => kind === MessageKind.replayed)
      .map(({ http: { body }, context }) => [body.length, context?.bodyState]);
    expect(new Map(kept as [number, unknown][])).toEqual(
      new Map<number, unknown>([
        [100, undefined],
        [1024, BodyState.truncated],
      ]),
    );
  });
});

describe("--output-http-workers", () => {
  it("closes connections that are idle, down to the minimum", async () => {
    const open = new Set<Socket>();
    let most = 0;
    let atLeast: () => void = () => {};
    const address = await sockets((socket) => {
      open.add(socket);
      most = Math.max(most, open.size);
      socket.on("close", () => {
        open.delete(socket);
        if (open.size === 1) atLeast();
      });
      // The fourth one of each four lets all go.
      socket.on("data", () => {
        if (open.size >= 4) for (const each of open) if (each.writable) each.write(OK);
      });
    });
    const shrunk = new Promise<void>((resolve) => (atLeast = resolve));
    const { counters } = await run(
      many(4),
      ["--output-http", address, "--output-http-workers", "4", "--output-http-workers-min", "1", "--output-http-worker-timeout", "200ms"],
      { beforeStop: () => shrunk },
    ); // prettier-ignore
    expect(counters.outputs[0]?.delivered).toBe(4);
    expect(most).toBe(4);
  });
});
