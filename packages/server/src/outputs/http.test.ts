// The HTTP output against real servers: what it sends byte by byte, and what becomes of messages when targets misbehave.
import { METHODS } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { BodyState, HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message, RequestHead } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, request, responseTo, run } from "../../test/kit.ts";
import { certificate } from "../../test/certificate.ts";
import { gone, http, listen, recording, sockets } from "../../test/targets.ts";

describe("what is sent", () => {
  /** What a target of bare sockets is sent, up to `last`. */
  async function wireOf(last: string, message: Message, ...flags: string[]): Promise<string> {
    let wire = "";
    const address = await sockets((socket) =>
      socket.on("data", (chunk) => {
        wire += chunk.toString("latin1");
        if (wire.endsWith(last)) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      }),
    );
    // The mark of a replay is a test of its own.
    const words = ["--output-http", address, "--no-loop-guard", ...flags];
    const { counters } = await run([message], words);
    expect(counters.outputs[0]?.delivered).toBe(1);
    return wire.replaceAll(address, "TARGET");
  }

  it("keeps every byte but the value of Host", async () => {
    const wire = await wireOf(
      "hello",
      request(
        "POST /a%20b?x=%2F&x=2 HTTP/1.1\r\nX-Dup: 1\r\nhOST: recorded.test\r\nUser-agent: me/1\r\ncontent-length: 005\r\nConnection: Keep-Alive\r\nx-dup: caf\u00e9\r\n\r\nhello",
      ),
    );
    expect(wire).toBe(
      "POST /a%20b?x=%2F&x=2 HTTP/1.1\r\nX-Dup: 1\r\nhOST: TARGET\r\nUser-agent: me/1\r\ncontent-length: 005\r\nConnection: Keep-Alive\r\nx-dup: caf\u00e9\r\n\r\nhello",
    );
  });

  it("leaves out what is behind the end that the length gives, counts it, and tells once", async () => {
    const { address, seen } = await recording();
    const long = request("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nlonger body");
    const right = request("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nright");
    const { counters, log } = await run([long, right, long], ["--output-http", address]);
    expect(counters.outputs[0]?.stats.counts).toEqual({ "bytes-past-length": 2 });
    expect(log.filter((line) => line.includes("6 bytes behind the end"))).toHaveLength(1);
    expect(seen).toHaveLength(3);
  });

  it("leaves out what concerns the recorded connection; a chunked body stays chunked", async () => {
    const wire = await wireOf(
      "0\r\n\r\n",
      request(
        "POST / HTTP/1.1\r\nConnection: close, X-Hop\r\nX-Hop: gone\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      ),
    );
    expect(wire).toBe(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: TARGET\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
  });

  it("sends OPTIONS *, and never where an absolute target points", async () => {
    expect(
      await wireOf("\r\n\r\n", request("OPTIONS * HTTP/1.1\r\nHost: recorded.test\r\n\r\n")),
    ).toBe("OPTIONS * HTTP/1.1\r\nHost: TARGET\r\n\r\n");
    expect(
      await wireOf(
        "\r\n\r\n",
        request("GET http://evil.test/a?b HTTP/1.1\r\nHost: recorded.test\r\n\r\n"),
      ),
    ).toBe("GET /a?b HTTP/1.1\r\nHost: TARGET\r\n\r\n");
  });

  it("keeps a Host that a rule has set", async () => {
    const message = request("GET / HTTP/1.1\r\nHost: set.test\r\n\r\n", { keepHost: true });
    expect(await wireOf("\r\n\r\n", message)).toContain("Host: set.test");
  });

  it("never makes two requests of one: what is not one clear request is not sent", async () => {
    const { address, seen } = await recording();
    const heads: RequestHead[] = [
      { method: "GET", target: "/ HTTP/1.1\r\nHost: x\r\n\r\nGET /two", version: "", headers: [] },
      { method: "GET", target: "/", version: "HTTP/1.1", headers: ["A", "b\r\n\r\nGET /two HTTP/1.1"] },
      { method: "GET", target: "/", version: "HTTP/1.1", headers: ["A: b\r\nC", "d"] },
      { method: "GET", target: "/", version: "HTTP/1.1", headers: ["Content-Length ", "10"] },
      { method: "GE T", target: "/", version: "HTTP/1.1", headers: [] },
      // Written as one byte a character, these would be CR and LF.
      { method: "GET", target: "/", version: "HTTP/1.1", headers: ["A", "\u010d\u010a\u010d\u010a"] },
    ]; // prettier-ignore
    const messages = heads.map((head) => ({ ...get("/"), http: HttpMessage.fromParts(head) }));
    const { counters } = await run(messages, ["--output-http", address]);
    expect(counters.outputs[0]?.failed).toEqual({ unsendable: heads.length });
    expect(seen).toEqual([]);
  });

  it.each([
    ["replace", "/v2?k=1"],
    ["ignore", "/a?b=c"],
    ["prefix", "/v2/a?k=1&b=c"],
  ])("--output-http-path %s", async (rule, expected) => {
    const { address, seen } = await recording();
    await run([get("/a?b=c")], ["--output-http", `${address}/v2?k=1`, "--output-http-path", rule]);
    expect(seen.map(({ req }) => req.url)).toEqual([expected]);
  });

  it("sends every method Node knows, with and without a body", async () => {
    const { address, seen } = await recording();
    const methods = METHODS.filter((method) => method !== "CONNECT");
    const messages = methods.flatMap((method) => [
      request(`${method} /${method} HTTP/1.1\r\nHost: x\r\n\r\n`),
      request(`${method} /${method} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody`),
    ]);
    const { counters } = await run(messages, ["--output-http", address]);
    expect(counters.outputs[0]?.delivered).toBe(messages.length);
    expect(counters.lost).toBe(0);
    for (const method of methods) {
      const bodies = seen
        .filter(({ req }) => req.method === method)
        .map(({ body }) => body.toString());
      expect([method, bodies.toSorted()]).toEqual([method, ["", "body"]]);
    }
  });

  it("keeps bodies of any size byte for byte", async () => {
    const { address, seen } = await recording();
    const sizes = [0, 1, 1023, 65_536, 65_537, 5 * 1024 * 1024];
    const bodies = sizes.map((size) =>
      Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff)),
    );
    const messages = bodies.map((body, i) =>
      request(
        `PUT /${i} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body.toString("latin1")}`,
      ),
    );
    await run(messages, ["--output-http", address, "--output-http-timeout", "30s"]);
    for (const [i, body] of bodies.entries()) {
      const found = seen.find(({ req }) => req.url === `/${i}`);
      expect(found?.body.equals(body)).toBe(true);
    }
  });

  it("keeps the recorded Host with --http-original-host", async () => {
    const { address, seen } = await recording();
    await run([get("/")], ["--output-http", address, "--http-original-host"]);
    expect(seen[0]?.req.headers.host).toBe("recorded.test");
  });

  it("sends everything to the path of the URL when it has one, with its user and password", async () => {
    const { address, seen } = await recording();
    await run([get("/a?b=c")], ["--output-http", `http://us%40er:p%3Aw@${address}/fixed?q=1`]);
    expect(seen[0]?.req.url).toBe("/fixed?q=1");
    expect(seen[0]?.req.headers.authorization).toBe(
      `Basic ${Buffer.from("us@er:p:w").toString("base64")}`,
    );
  });

  it("marks what it sends as a replay, once, unless told not to", async () => {
    const { address, seen } = await recording();
    const marked = (): unknown => seen.splice(0)[0]?.req.headersDistinct["x-mirrorball-replay"];
    await run([get("/", "x-mirrorball-replay: 0")], ["--output-http", address]);
    expect(marked()).toEqual(["1"]);
    await run([get("/")], ["--output-http", address, "--no-loop-guard"]);
    expect(marked()).toBeUndefined();
  });

  it("leaves out requests that can be read in two ways, unless asked", async () => {
    const { address, seen } = await recording();
    const message = request("GET / HTTP/1.1\r\nHost: x\r\n\r\n", { framing: "ambiguous" });
    const { counters } = await run([message], ["--output-http", address]);
    expect(counters.outputs[0]).toMatchObject({ delivered: 0, filtered: { ambiguous: 1 } });
    expect(counters.lost).toBe(0);
    await run([message], ["--output-http", address, "--output-http-ambiguous"]);
    expect(seen).toHaveLength(1);
  });

  it("leaves out requests that are not whole, counted as filtered", async () => {
    const { address, seen } = await recording();
    const { counters } = await run(
      [
        get("/whole"),
        request("PUT /half HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", {
          bodyState: BodyState.aborted,
        }),
      ],
      ["--output-http", address],
    );
    expect(seen.map(({ req }) => req.url)).toEqual(["/whole"]);
    expect(counters.outputs[0]).toMatchObject({
      received: 2,
      delivered: 1,
      filtered: { "incomplete-body": 1 },
    });
    expect(counters.lost).toBe(0);
  });
});

describe("targets that misbehave", () => {
  const three = () => [get("/1"), get("/2"), get("/3")];

  it("nobody listens", async () => {
    const address = await gone();
    const { counters } = await run(three(), ["--output-http", address]);
    expect(counters.outputs[0]?.failed).toEqual({ "connect-refused": 3 });
  });

  it("never answers", async () => {
    const address = await http((req, res) => {
      if (req.url !== "/2") res.end();
    });
    const { counters } = await run(three(), [
      "--output-http",
      address,
      "--output-http-timeout",
      "300ms",
    ]);
    expect(counters.outputs[0]).toMatchObject({ delivered: 2, failed: { timeout: 1 } });
  });

  it("begins an answer and never ends it", async () => {
    const address = await http((_req, res) => {
      res.write("begun");
    });
    const { counters } = await run(
      [get("/")],
      ["--output-http", address, "--output-http-timeout", "300ms"],
    );
    expect(counters.outputs[0]?.failed).toEqual({ timeout: 1 });
  });

  it("resets", async () => {
    const address = await sockets((socket) => socket.on("data", () => socket.resetAndDestroy()));
    const { counters } = await run(three(), ["--output-http", address]);
    expect(counters.outputs[0]?.failed).toEqual({ reset: 3 });
  });

  it("talks nonsense", async () => {
    const address = await sockets((socket) => socket.on("data", () => socket.end("what?\r\n\r\n")));
    const { counters } = await run(three(), ["--output-http", address]);
    expect(counters.outputs[0]?.failed).toEqual({ "bad-response": 3 });
  });

  it("has a name nobody knows", async () => {
    const { counters } = await run([get("/")], ["--output-http", "http://no-such-host.invalid"]);
    expect(counters.outputs[0]?.failed).toEqual({ dns: 1 });
  });

  it("shows a certificate nobody signed, unless it need not be verified", async () => {
    const address = await listen(createHttpsServer(certificate, (_req, res) => res.end("ok")));
    const strict = await run([get("/")], ["--output-http", `https://${address}`]);
    expect(strict.counters.outputs[0]?.failed).toEqual({ "self-signed": 1 });
    const lax = await run(
      [get("/")],
      ["--output-http", `https://${address}`, "--output-http-skip-verify"],
    );
    expect(lax.counters.outputs[0]?.delivered).toBe(1);
  });

  it("never costs another target anything", async () => {
    const { address, seen } = await recording();
    const dead = await sockets((socket) => socket.destroy());
    const { counters, discrepancies } = await run(three(), [
      "--output-http",
      dead,
      "--output-http",
      address,
    ]);
    expect(seen).toHaveLength(3);
    expect(counters.outputs[0]?.delivered).toBe(0);
    expect(discrepancies).toEqual([0, 0]);
  });
});

describe("redirects", () => {
  const hops: RequestListener = (req, res) => {
    const hop = Number(req.url?.slice(1));
    if (hop > 0) res.writeHead(302, { Location: `/${hop - 1}` });
    res.end();
  };

  it.each([
    [0, "3xx"],
    [1, "3xx"],
    [2, "2xx"],
  ])("follows up to %i of them", async (redirects, status) => {
    const address = await http(hops);
    const { counters } = await run(
      [get("/2")],
      ["--output-http", address, "--output-http-redirects", String(redirects)],
    );
    expect(counters.outputs[0]?.stats.statuses?.[status]).toBe(1);
  });

  it("does not follow to another host", async () => {
    const other = await recording();
    const address = await http((_req, res) =>
      res.writeHead(301, { Location: `http://${other.address}/` }).end(),
    );
    const { counters } = await run(
      [get("/")],
      ["--output-http", address, "--output-http-redirects", "5"],
    );
    expect(counters.outputs[0]?.delivered).toBe(1);
    expect(other.seen).toEqual([]);
  });
});

describe("--output-http-track-response", () => {
  it("hands on the answers under the request's id, and compares statuses", async () => {
    const address = await http((req, res) => {
      res.writeHead(req.url === "/differs" ? 500 : 200, { "X-Case": "kept" });
      res.end("the answer");
    });
    const [same, differs] = [get("/same"), get("/differs")];
    const messages = [
      same,
      responseTo(same, "HTTP/1.1 200 OK\r\n\r\n"),
      differs,
      responseTo(differs, "HTTP/1.1 200 OK\r\n\r\n"),
    ];
    const { collected, counters } = await run(messages, [
      "--output-http",
      address,
      "--output-http-track-response",
      "--output-collect",
    ]);
    const replayed = collected.filter(({ kind }) => kind === MessageKind.replayed);
    expect(replayed.map(({ id }) => id).toSorted()).toEqual([same.id, differs.id]);
    const answer = replayed.find(({ id }) => id === differs.id);
    expect(answer?.http.status).toBe(500);
    expect(Buffer.from(answer?.http.body ?? []).toString()).toBe("the answer");
    expect(answer?.http.head?.headers).toContain("X-Case");
    expect(answer?.latencyNs).toBeGreaterThan(0);
    expect(counters.comparison).toMatchObject({
      compared: 2,
      mismatched: 1,
      examples: [{ id: differs.id, original: 200, replayed: 500 }],
    });
  });

  it("stands a response of our own for a replay that failed", async () => {
    const address = await sockets((socket) => socket.on("data", () => socket.resetAndDestroy()));
    const { collected } = await run(
      [get("/")],
      ["--output-http", address, "--output-http-track-response", "--output-collect"],
    );
    const replayed = collected.find(({ kind }) => kind === MessageKind.replayed);
    expect(replayed?.http.status).toBe(520);
    expect(replayed?.context?.failure).toBe("reset");
  });
});

describe("--output-http-workers", () => {
  it("bounds what is under way at once", async () => {
    let open = 0;
    let most = 0;
    const address = await http((_req, res) => {
      open += 1;
      most = Math.max(most, open);
      setImmediate(() => {
        open -= 1;
        res.end();
      });
    });
    const messages = Array.from({ length: 100 }, (_, i) => get(`/${i}`));
    const { counters } = await run(messages, [
      "--output-http",
      address,
      "--output-http-workers",
      "3",
    ]);
    expect(counters.outputs[0]?.delivered).toBe(100);
    expect(most).toBeLessThanOrEqual(3);
    expect(most).toBeGreaterThan(1);
  });
});
