// The traps of capturing inside Node, one by one: the same server with and without a mirror must answer the same bytes, and the
// record must hold what was on the wire. The numbers are those of the table this project was designed by.
import { once } from "node:events";
import { IncomingMessage, ServerResponse, createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { BodyState, RecordType } from "@mirrorball/protocol";
import type { ExchangeRecord } from "@mirrorball/protocol";
import { createMirror } from "@mirrorball/sdk";
import type { Mirror, MirrorOptions } from "@mirrorball/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { report } from "../../cli/test/faults/figures.ts";
import { ABSENT, hostile, stopped } from "./server-states.ts";
import type { Place } from "./server-states.ts";
import { Sink } from "./sink.ts";
import { ask, bodyOf, dial, talk, undated } from "./wire.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Rig {
  readonly sink: Sink;
  readonly tee: Mirror;
  readonly port: number;
}

async function mirrored(server: Server, options: MirrorOptions = {}): Promise<Rig> {
  const sink = await Sink.listen();
  const tee = createMirror({ server: sink.address, log: () => {}, ...options });
  closers.push(
    () => sink.close(),
    () => tee.close({ timeoutMs: 0 }),
  );
  return { sink, tee, port: await listen(tee.attach(server)) };
}

const bad: Place[] = [];
beforeAll(async () => {
  bad.push({ address: ABSENT, close: () => {} }, await stopped(), await hostile());
});
/** Answers compared with those of the server without a mirror, by the state of the replay server. */
const compared = { healthy: 0, bad: 0 };
afterAll(() => {
  for (const { close } of bad) close();
  report("answers beside a twin without a mirror", {
    "compared, server healthy": compared.healthy,
    "absent, stopped or hostile": compared.bad,
    different: 0,
  });
});

/** Asks the server again with mirrors whose replay server is absent, stopped, hostile: always the answer of the plain one. */
async function sameInBadStates(make: () => Server, plain: string, ...steps: Steps): Promise<void> {
  expect(bad).toHaveLength(3);
  for (const { address } of bad) {
    const tee = createMirror({ server: address, log: () => {} });
    const port = await listen(tee.attach(make()));
    expect([address, undated(await talk(port, ...steps))]).toEqual([address, plain]);
    compared.bad += 1;
    await tee.close({ timeoutMs: 0 });
    const { offered, acked, dropped } = tee.stats();
    expect([acked, Object.values(dropped).reduce((sum, n) => sum + n, 0)]).toEqual([0, offered]);
  }
}

type Steps = Parameters<typeof talk> extends [number, ...infer S] ? S : never;

/** Asks both servers; expects the same bytes; returns the record. */
async function compareWithPlain(
  make: () => Server,
  ...steps: Steps
): Promise<{ record: ExchangeRecord; answer: Buffer; rig: Rig }> {
  const rig = await mirrored(make());
  const plainPort = await listen(make());
  const plain = await talk(plainPort, ...steps);
  const answer = await talk(rig.port, ...steps);
  expect(undated(answer)).toBe(undated(plain));
  compared.healthy += 1;
  await sameInBadStates(make, undated(plain), ...steps);
  const [record] = await rig.sink.exchanges(1);
  if (record === undefined) throw new Error("nothing was recorded");
  // The other server of this process is nobody's.
  expect(rig.tee.stats().offered).toBe(rig.sink.whole.length);
  return { record, answer, rig };
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString("latin1");
const served = (listener: RequestListener) => () => createServer(listener);

describe("request bodies (1, 2, 4)", () => {
  const readers: Record<string, RequestListener> = {
    "by data": (req, res) => {
      req.on("data", (chunk: Buffer) => res.write(chunk));
      req.on("end", () => res.end());
    },
    late: (req, res) => {
      void (async () => {
        for (let i = 0; i < 20; i += 1) await turn();
        req.pipe(res);
      })();
    },
    "by for await": (req, res) => {
      void (async () => {
        for await (const chunk of req) res.write(chunk);
        res.end();
      })();
    },
    "by readable and read": (req, res) => {
      req.on("readable", () => {
        for (let chunk: unknown = req.read(3); chunk !== null; chunk = req.read(3))
          res.write(chunk);
        const rest: unknown = req.read();
        if (rest !== null) res.write(rest);
      });
      req.on("end", () => res.end());
    },
    "as text": (req, res) => {
      req.setEncoding("utf8");
      let all = "";
      req.on("data", (chunk: string) => (all += chunk));
      req.on("end", () => res.end(all));
    },
    never: (_req, res) => res.end("unread"),
  };

  it.each(Object.entries(readers))("read %s, with a length", async (_name, listener) => {
    const { record } = await compareWithPlain(
      served(listener),
      ask("POST /a", ["Content-Length: 8"], "gr\u00fc\u00df \u00ff!!"),
    );
    expect(text(record[11])).toBe("gr\u00fc\u00df \u00ff!!");
    expect(record[12]).toBe(BodyState.complete);
  });

  it.each(Object.entries(readers).filter(([name]) => name !== "never"))(
    "read %s, chunked",
    async (_name, listener) => {
      const { record } = await compareWithPlain(
        served(listener),
        ask("POST /a", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
      );
      expect(text(record[11])).toBe("abcdefg");
      expect(record[12]).toBe(BodyState.complete);
    },
  );

  it("an upload that nobody waits for is not called whole", async () => {
    const { sink, port } = await mirrored(createServer((_req, res) => res.end("no")));
    await talk(port, ask("POST /a", ["Content-Length: 100000"], "only this"));
    const [record] = await sink.exchanges(1);
    expect(record?.[12]).toBe(BodyState.aborted);
  });
});

describe("writing (5, 6, 9, 24, 25)", () => {
  it("write returns what it returned, and drain comes", async () => {
    const seen: boolean[][] = [];
    const listener: RequestListener = (_req, res) => {
      const returned: boolean[] = [];
      seen.push(returned);
      void (async () => {
        for (let i = 0; i < 40; i += 1) {
          const more = res.write(Buffer.alloc(16_384, i));
          returned.push(more);
          if (!more) await once(res, "drain");
        }
        res.end();
      })();
    };
    const rig = await mirrored(createServer(listener));
    const plain = await talk(await listen(createServer(listener)), ask("GET /"));
    const answer = await talk(rig.port, ask("GET /"));
    expect(undated(answer)).toBe(undated(plain));
    await sameInBadStates(() => createServer(listener), undated(plain), ask("GET /"));
    expect(seen[0]).toHaveLength(40);
    expect(seen).toEqual(Array.from({ length: 5 }, () => seen[0]));
  });

  it("every overload of write and end, each callback once", async () => {
    const calls: string[][] = [];
    const listener: RequestListener = (_req, res) => {
      const called: string[] = [];
      calls.push(called);
      res.write("latin: \u00e9", "latin1");
      res.write("68657820", "hex", () => called.push("hex"));
      res.write("YjY0IA==", "base64");
      res.write(new Uint8Array([1, 2, 250]), () => called.push("bytes"));
      res.write("utf8 \u00e9 ", () => called.push("utf8"));
      const self = res.end("end", "utf16le", () => called.push("end"));
      called.push(String(self === res));
    };
    const { record, answer } = await compareWithPlain(served(listener), ask("GET /", [], ""));
    expect(calls).toEqual(Array.from({ length: 5 }, () => calls[0]));
    const chunks = bodyOf(answer)
      .split("\r\n")
      .filter((_, i) => i % 2 === 1)
      .join("");
    expect(text(record[17])).toBe(chunks);
  });

  it.each<[string, RequestListener]>([
    ["end without anything", (_req, res) => res.end()],
    ["end with a callback only", (_req, res) => res.end(() => {})],
    ["end of an empty chunk", (_req, res) => res.end("")],
    ["a second end", (_req, res) => { res.end("once"); res.end(); }],
    ["cork", (_req, res) => { res.cork(); res.write("a"); res.write("b"); res.uncork(); res.end("c"); }],
    ["a pipe", (_req, res) => void Readable.from(["one", "two", "three"]).pipe(res)],
    ["flushHeaders", (_req, res) => { res.flushHeaders(); res.end("flushed"); }],
    ["a body by length", (_req, res) => { res.setHeader("Content-Length", 4); res.end("four"); }],
    ["no Date", (_req, res) => { res.sendDate = false; res.end("x"); }],
  ])("%s", async (_name, listener) => {
    const { record, answer } = await compareWithPlain(served(listener), ask("GET /"));
    const wire = answer.toString("latin1");
    expect(record[16]).toBe(wire.slice(0, wire.indexOf("\r\n\r\n") + 4));
    expect(record[18]).toBe(BodyState.complete);
  }); // prettier-ignore

  it("all byte values survive, both ways", async () => {
    const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
    const { record } = await compareWithPlain(
      served((req, res) => void req.pipe(res)),
      ask("POST /", ["Content-Length: 256"]),
      all,
    );
    expect(text(record[11])).toBe(all.toString("latin1"));
    expect(text(record[17])).toBe(all.toString("latin1"));
  });

  it("a buffer that the host uses again does not change the record", async () => {
    const listener: RequestListener = (_req, res) => {
      const buffer = Buffer.from("first");
      res.write(buffer, () => {
        buffer.write("XXXXX");
        res.end("!");
      });
    };
    const { record } = await compareWithPlain(served(listener), ask("GET /"));
    expect(text(record[17])).toBe("first!");
  });
});

describe("responses without a body (8)", () => {
  it.each<[string, string, number]>([
    ["HEAD", "HEAD /", 200],
    ["204", "GET /", 204],
    ["304", "GET /", 304],
  ])("%s: what was written is not recorded", async (_name, line, status) => {
    const { record } = await compareWithPlain(served((_req, res) => {
      res.statusCode = status;
      res.write("nobody ");
      res.end("sees this");
    }), ask(line)); // prettier-ignore
    expect(record[17]).toBeNull();
    expect(record[16]).toContain(`HTTP/1.1 ${status} `);
  });
});

describe("heads (11, 12, 13, 14, 27, 28)", () => {
  it.each<[string, RequestListener]>([
    ["writeHead with an object", (_req, res) => void res.writeHead(201, "Made", { "X-A": "1", "x-b": ["2", "3"] }).end("x")],
    ["writeHead with an array", (_req, res) => void res.writeHead(200, ["X-A", "1", "x-a", "2"]).end("x")],
    ["setHeader and writeHead", (_req, res) => { res.setHeader("X-One", "1"); res.setHeader("Set-Cookie", ["a=1", "b=2"]); res.writeHead(200, { "X-Two": "2" }); res.end(); }],
    ["appendHeader", (_req, res) => { res.appendHeader("X-Many", "1").appendHeader("X-Many", "2"); res.end(); }],
    ["early hints", (_req, res) => { res.writeProcessing(); res.writeEarlyHints({ link: "</a.css>; rel=preload" }, () => res.end("x")); }],
  ])("%s: recorded as it went out", async (_name, listener) => {
    const { record, answer } = await compareWithPlain(served(listener), ask("GET /"));
    const wire = answer.toString("latin1");
    const final = wire.slice(wire.lastIndexOf("HTTP/1.1 2"));
    expect(record[16]).toBe(final.slice(0, final.indexOf("\r\n\r\n") + 4));
  }); // prettier-ignore

  it("request fields keep order, case and duplicates; __proto__ harms nobody", async () => {
    const fields = ["X-Dup: 1", "x-dup: 2", "__proto__: x", "constructor: y", "X-Latin: caf\u00e9"];
    const { record } = await compareWithPlain(
      served((_req, res) => res.end()),
      ask("GET /", fields),
    );
    expect(record[10]).toEqual([
      "Host",
      "app.test",
      "Connection",
      "close",
      ...fields.flatMap((field) => field.split(": ")),
    ]);
  });

  it.each(["/a?b=%20&c", "http://elsewhere.test/abs?x", "*"])(
    "the target is what came: %s",
    async (target) => {
      const listener: RequestListener = (req, res) => {
        req.url = "/rewritten";
        res.end();
      };
      const { record } = await compareWithPlain(served(listener), ask(`OPTIONS ${target}`));
      expect(record[8]).toBe(target);
    },
  );

  it("trailers, both ways", async () => {
    const listener: RequestListener = (req, res) => {
      req.resume().on("end", () => {
        res.writeHead(200, { Trailer: "X-Sum" });
        res.write("abc");
        res.addTrailers({ "X-Sum": "3" });
        res.end();
      });
    };
    const { record } = await compareWithPlain(
      served(listener),
      ask(
        "POST /",
        ["Transfer-Encoding: chunked", "Trailer: X-In"],
        "1\r\na\r\n0\r\nX-In: 1\r\n\r\n",
      ),
    );
    expect(record[13]).toEqual(["X-In", "1"]);
    expect(record[19]).toEqual(["X-Sum", "3"]);
  });
});

describe("connections (15, 16, 17, 18, 19, 20, 21, 22)", () => {
  it("pipelined exchanges share a connection and are numbered on it", async () => {
    const requests = ["/1", "/2", "/3"]
      .map((path, i) => (i < 2 ? `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n` : ask(`GET ${path}`)))
      .join("");
    const listener: RequestListener = (req, res) => {
      // The first is answered last.
      if (req.url === "/1") setImmediate(() => setImmediate(() => res.end("one")));
      else res.end(req.url);
    };
    const { rig } = await compareWithPlain(served(listener), requests);
    const records = await rig.sink.exchanges(3);
    const sorted = records.toSorted((a, b) => a[5] - b[5]);
    expect(sorted.map((record) => [record[5], record[8], text(record[17])])).toEqual([
      [0, "/1", "one"],
      [1, "/2", "/2"],
      [2, "/3", "/3"],
    ]);
    expect(new Set(records.map((record) => record[4])).size).toBe(1);
    for (const record of records) expect(record[6]).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it.each([false, true])("100-continue, with a listener of the host: %s", async (own) => {
    const make = (): Server => {
      const answer: RequestListener = (req, res) => void req.pipe(res);
      const server = createServer(answer);
      if (own) server.on("checkContinue", (req, res) => { res.writeContinue(); answer(req, res); }); // prettier-ignore
      return server;
    };
    const { record } = await compareWithPlain(
      make,
      ask("POST /", ["Expect: 100-continue", "Content-Length: 4"]),
      { after: "100 Continue" },
      "late",
    );
    expect(text(record[11])).toBe("late");
  });

  it("an expectation the host does not know is answered as before", async () => {
    await compareWithPlain(
      served((_req, res) => res.end("never")),
      ask("POST /", ["Expect: the-unexpected", "Content-Length: 0"]),
    );
  });

  it("an upgrade is left alone, and without a listener answered as before", async () => {
    const fields = ["Upgrade: echo", "Connection: Upgrade"];
    const upgrading = (): Server =>
      createServer().on("upgrade", (_req, socket) => {
        socket.end(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello",
        );
      });
    const raw = ["GET / HTTP/1.1", "Host: a", ...fields, "", ""].join("\r\n");
    const rig = await mirrored(upgrading());
    const plain = await talk(await listen(upgrading()), raw);
    expect(await talk(rig.port, raw)).toEqual(plain);
    await sameInBadStates(upgrading, undated(plain), raw);
    expect(rig.tee.stats().offered).toBe(0);
    await compareWithPlain(served((_req, res) => { res.setHeader("Connection", "close"); res.end("plain"); }), raw); // prettier-ignore
  });

  it.each([
    ["no HTTP at all", "nonsense\r\n\r\n"],
    ["a head that is too large", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ],
  ])("%s is refused by Node as before", async (_name, bytes) => {
    const rig = await mirrored(createServer((_req, res) => res.end()));
    const plain = await talk(await listen(createServer((_req, res) => res.end())), bytes);
    expect(undated(await talk(rig.port, bytes))).toBe(undated(plain));
    await sameInBadStates(() => createServer((_req, res) => res.end()), undated(plain), bytes);
  });

  it("a request without Host is answered 400 as before, and recorded so", async () => {
    const { record } = await compareWithPlain(
      served((_req, res) => res.end("never")),
      "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    );
    expect(record[16]).toContain("HTTP/1.1 400 ");
  });

  it("a client that goes away leaves an aborted exchange, and nothing open", async () => {
    const { sink, tee, port } = await mirrored(
      createServer((_req, res) => void res.write("begun")),
    );
    const socket = await dial(port, "GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    const state = await sink.until((records) => {
      for (const record of records) {
        if (record[0] === RecordType.exchange) return record[18];
        if (record[0] === RecordType.responseEnd) return record[3];
      }
      return undefined;
    });
    expect(state).toBe(BodyState.aborted);
    await tee.close();
    expect(tee.stats()).toMatchObject({ offered: 1, acked: 1, buffered: 0, bufferedBytes: 0 });
  });

  it("an upload that breaks off is aborted too", async () => {
    const { sink, port } = await mirrored(
      createServer((req) => void req.on("error", () => {}).resume()),
    );
    const socket = await dial(
      port,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
    );
    socket.end();
    const [record] = await sink.exchanges(1);
    expect([text(record?.[11] ?? null), record?.[12], record?.[16]]).toEqual([
      "half",
      BodyState.aborted,
      null,
    ]);
  });
});

describe("long exchanges (23, 26)", () => {
  it("an event stream arrives while it lasts", async () => {
    let more: () => void = () => {};
    const { sink, port } = await mirrored(createServer((_req, res) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: 1\n\n");
      more = () => res.write("data: 2\n\n");
    })); // prettier-ignore
    const socket = await dial(port, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    const chunks = (wanted: string): Promise<true> =>
      sink.until((records) => {
        const all = records
          .map((record) => (record[0] === RecordType.responseChunk ? text(record[2]) : ""))
          .join("");
        return all === wanted ? true : undefined;
      });
    await chunks("data: 1\n\n");
    more();
    await chunks("data: 1\n\ndata: 2\n\n");
    socket.destroy();
    const end = await sink.until((records) =>
      records.find((record) => record[0] === RecordType.responseEnd),
    );
    expect(end[3]).toBe(BodyState.aborted);
  });

  it("large bodies flow through bounded memory, both ways", async () => {
    const size = 8_000_000;
    const { sink, tee, port } = await mirrored(
      createServer((req, res) => void req.pipe(res)),
      { maxBodyBytes: size, maxBufferBytes: 64 * 1024 * 1024 },
    );
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, tee.stats().bufferedBytes)), 1);
    const answer = await talk(
      port,
      ask("POST /", [`Content-Length: ${size}`]),
      Buffer.alloc(size, "abc"),
    );
    await sink.until((records) => records.find((record) => record[0] === RecordType.responseEnd));
    clearInterval(watch);
    expect(answer.length).toBeGreaterThan(size);
    for (const type of [RecordType.requestChunk, RecordType.responseChunk]) {
      const chunks = sink.records.filter((record) => record[0] === type);
      expect(chunks.reduce((sum, record) => sum + (record[2] as Uint8Array).length, 0)).toBe(size);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(64 * 1024 * 1024);
  });

  it("a body longer than maxBodyBytes is cut and marked", async () => {
    const { sink, port } = await mirrored(
      createServer((req, res) => void req.pipe(res)),
      { maxBodyBytes: 10 },
    );
    await talk(port, ask("POST /", ["Content-Length: 26"], "abcdefghijklmnopqrstuvwxyz"));
    const [record] = await sink.exchanges(1);
    expect([text(record?.[11] ?? null), record?.[12]]).toEqual(["abcdefghij", BodyState.truncated]);
    expect([text(record?.[17] ?? null), record?.[18]]).toEqual(["abcdefghij", BodyState.truncated]);
  });
});

describe("what users give (30, 33, 35)", () => {
  it.each<[string, () => never]>([
    ["filter", () => { throw new Error("mine"); }],
    ["tags", () => { throw new Error("mine"); }],
  ])("a %s that throws harms nobody and is counted", async (name, thrower) => {
    const { tee, port, sink } = await mirrored(createServer((_req, res) => res.end("fine")), { [name]: thrower });
    expect(bodyOf(await talk(port, ask("GET /")))).toContain("fine");
    if (name === "filter") expect(tee.stats()).toMatchObject({ offered: 1, dropped: { "filter-threw": 1 } });
    else expect((await sink.exchanges(1))[0]?.[21]).toEqual(["mirrorball", "tags-threw"]);
  }); // prettier-ignore

  it("tags travel; filtered and replayed requests are skipped", async () => {
    const { tee, port, sink } = await mirrored(
      createServer((_req, res) => res.end()),
      {
        filter: (req) => req.url !== "/health",
        tags: (req) => ({ path: req.url ?? "", n: 1 }),
      },
    );
    await talk(port, ask("GET /health"));
    await talk(port, ask("GET /replayed", ["x-mirrorball-replay: 1"]));
    await talk(port, ask("GET /kept"));
    const [record] = await sink.exchanges(1);
    expect([record?.[8], record?.[21]]).toEqual(["/kept", ["path", "/kept", "n", "1"]]);
    expect(tee.stats()).toMatchObject({ offered: 1, skipped: 2 });
  });

  it("secrets do not leave the process, wherever they stand", async () => {
    const { port, sink } = await mirrored(
      createServer((req, res) => {
        res.setHeader("Set-Cookie", "session=CANARY; Path=/");
        res.setHeader("Content-Type", "application/json");
        req.resume().on("end", () => res.end('{"a":[{"password":"CANARY"}],"b":2}'));
      }),
      {
        redact: {
          headers: ["Authorization"],
          query: ["token"],
          cookies: ["session"],
          json: ["password"],
        },
      },
    );
    const body = '{"user":"u","password":"CANARY"}';
    await talk(
      port,
      ask(
        "POST /login?token=CANARY&x=1",
        [
          "authorization: Bearer CANARY",
          "Cookie: a=1; session=CANARY",
          "Content-Type: application/json",
          `Content-Length: ${body.length}`,
        ],
        body,
      ),
    );
    await talk(
      port,
      ask(
        "POST /broken",
        ["Content-Type: application/json", "Content-Length: 20"],
        '{"password":"CANARY"',
      ),
    );
    const records = await sink.exchanges(2);
    expect(
      JSON.stringify(
        records.map((record) =>
          record.map((field) => (field instanceof Uint8Array ? text(field) : field)),
        ),
      ),
    ).not.toContain("CANARY");
    expect(records[0]?.[8]).toBe("/login?token=REDACTED&x=1");
    expect(text(records[0]?.[11] ?? null)).toBe('{"user":"u","password":"REDACTED"}');
    expect(text(records[0]?.[17] ?? null)).toBe('{"a":[{"password":"REDACTED"}],"b":2}');
    expect(records[1]?.[11]).toBeNull();
  });

  it("a body that breaks off in the middle of a secret does not leave", async () => {
    const { sink, port } = await mirrored(
      createServer((req, res) => {
        res.setHeader("Content-Type", "text/html");
        req.on("error", () => {}).resume();
        res.write("4111 1111 11");
      }),
      { redact: { patterns: [/\d{4} \d{4} \d{4} \d{4}/] } },
    );
    const socket = await dial(
      port,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nContent-Length: 19\r\n\r\n4111 1111 11",
    );
    await once(socket, "data");
    socket.destroy();
    const [record] = await sink.exchanges(1);
    expect([record?.[11], record?.[12], record?.[17], record?.[18]]).toEqual([
      null, BodyState.truncated, null, BodyState.truncated,
    ]); // prettier-ignore
  });

  it("a response that is too long to look into does not leave, though its head is too large", async () => {
    const { sink, port, tee } = await mirrored(
      createServer((_req, res) => {
        res.setHeader("Content-Type", "application/json");
        res.setHeader("X-Large", "x".repeat(300_000));
        res.write(`{"a":"${"x".repeat(200_000)}",`);
        setImmediate(() => res.end('"password":"CANARY"}'));
      }),
      { redact: { json: ["password"] } },
    );
    await talk(port, ask("GET /"));
    await tee.close();
    const bytes = sink.records.flatMap((record) => [...record].map((f) => f instanceof Uint8Array ? text(f) : f)); // prettier-ignore
    expect(tee.stats().offered).toBe(1);
    expect(JSON.stringify(bytes)).not.toContain("CANARY");
  });

  it("sessions are kept or left out whole", async () => {
    const { port, sink, tee } = await mirrored(
      createServer((_req, res) => res.end()),
      { sample: { share: 0.5, by: { header: "x-user" } } },
    );
    for (let i = 0; i < 60; i += 1) await talk(port, ask("GET /", [`X-User: user-${i % 20}`]));
    await tee.close();
    const counts = new Map<string, number>();
    for (const record of sink.whole) {
      const user = record[10][record[10].indexOf("X-User") + 1] ?? "";
      counts.set(user, (counts.get(user) ?? 0) + 1);
    }
    expect([...counts.values()].every((count) => count === 3)).toBe(true);
    expect(counts.size).toBeGreaterThan(0);
    expect(counts.size).toBeLessThan(20);
    expect(tee.stats().offered + tee.stats().skipped).toBe(60);
  });
});

describe("the process (13, 34)", () => {
  it("two mirrors on a server record each exchange once; prototypes and listeners are given back", async () => {
    const before = [
      IncomingMessage.prototype.push,
      ServerResponse.prototype.write,
      ServerResponse.prototype.end,
    ];
    const listeners = process.eventNames().map((name) => [name, process.listenerCount(name)]);
    const server = createServer((_req, res) => res.end());
    const rig = await mirrored(server);
    const lines: string[] = [];
    const second = createMirror({ server: rig.sink.address, log: (line) => lines.push(line) });
    second.attach(server);
    await talk(rig.port, ask("GET /"));
    await rig.sink.exchanges(1);
    expect([rig.tee.stats().offered, second.stats().offered]).toEqual([1, 0]);
    expect(lines).toHaveLength(1);
    await Promise.all([rig.tee.close(), second.close()]);
    expect([
      IncomingMessage.prototype.push,
      ServerResponse.prototype.write,
      ServerResponse.prototype.end,
    ]).toEqual(before);
    expect(process.eventNames().map((name) => [name, process.listenerCount(name)])).toEqual(
      listeners,
    );
  });
});
