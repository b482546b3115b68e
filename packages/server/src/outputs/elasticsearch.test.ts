// The Elasticsearch output: documents of real replays in a stand-in that is strict, busy, broken, slow and absent.
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { elastic } from "../../test/elastic-stand-in.ts";
import type { Elastic } from "../../test/elastic-stand-in.ts";
import { freePort, get, request, responseTo, run } from "../../test/kit.ts";
import { Refusal } from "../component/option.ts";
import { documentOf } from "./elasticsearch/document.ts";
import type { Exchange } from "./elasticsearch/document.ts";
import { Pairing } from "./elasticsearch/pairing.ts";
import { parseIndexTarget } from "./elasticsearch/target.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function standIn(options?: Parameters<typeof elastic>[0]): Promise<Elastic> {
  const made = await elastic(options);
  closers.push(() => made.close());
  return made;
}

async function target(
  listener: RequestListener = (_req, res) => void res.end("ok"),
): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const many = (count: number): Message[] => Array.from({ length: count }, (_, i) => get(`/${i}`));

async function replay(
  messages: readonly Message[],
  es: string,
  ...flags: string[]
): ReturnType<typeof run> {
  return run(messages, [
    "--output-http",
    await target(),
    "--output-http-elasticsearch",
    es,
    ...flags,
  ]);
}

const urls = ({ documents }: Elastic): unknown[] =>
  [...documents.values()]
    .map((each) => each["Req_URL"])
    .toSorted((a, b) => (String(a) < String(b) ? -1 : 1));

describe("a document", () => {
  it("has gor's keys, of the request and of the replayed response, and more beside them", async () => {
    const es = await standIn();
    const replays = await target((_req, res) => {
      res.writeHead(404, {
        "Content-Type": "text/plain",
        "Set-Cookie": "a=b",
        "Cache-Control": "no-store",
        Vary: "Accept",
      });
      res.end("no");
    });
    const asked = request(
      "GET /a?b=c HTTP/1.1\r\nHost: shop\r\nUser-Agent: me/1\r\nAccept: */*\r\nAccept-Language: de\r\nAccept-Encoding: br\r\nIf-Modified-Since: x\r\nConnection: close\r\nCookie: sid=1\r\n\r\n",
    );
    const { counters, discrepancies } = await run(
      [asked, responseTo(asked, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")],
      ["--output-http", replays, "--output-http-elasticsearch", `${es.address}/replays`],
    );
    const [document] = es.documents.values();
    expect(document).toMatchObject({
      "Req_URL": "/a?b=c", "Req_Method": "GET", "Req_User-Agent": "me/1", "Req_Accept-Language": "de", "Req_Accept": "*/*",
      "Req_Accept-Encoding": "br", "Req_If-Modified-Since": "x", "Req_Connection": "close", "Req_Cookies": "sid=1",
      "Resp_Status": "404", "Resp_Status-Code": "404", "Resp_Proto": "HTTP/1.1", "Resp_Content-Type": "text/plain",
      "Resp_Cache-Control": "no-store", "Resp_Vary": "Accept", "Resp_Set-Cookie": "a=b", "Resp_Transfer-Encoding": "chunked",
      "RTT": expect.any(Number), "Timestamp": expect.stringMatching(/^20.*Z$/),
      "Id": asked.id, "Original_Status-Code": "200", "Status_Differs": true, "Req_Timestamp": "2024-11-24T00:00:00.000Z",
    }); // prettier-ignore
    expect(document).not.toHaveProperty("Resp_Expires");
    expect(counters.outputs.find(({ name }) => name.includes("elastic"))).toMatchObject({
      received: 3,
      delivered: 3,
    });
    expect(discrepancies).toEqual([0, 0]);
    expect(es.mappings).toMatchObject({ properties: { Timestamp: { type: "date" } } });
  });

  it("counts whole seconds of the round trip, and tells why there was none", () => {
    const asked = get("/");
    const replayed: Message = {
      ...responseTo(asked, "HTTP/1.1 524 Replay Failed\r\n\r\n"),
      kind: MessageKind.replayed,
      latencyNs: 1_500_000_000,
      context: { failure: "timeout" },
    };
    expect(documentOf({ request: asked, original: undefined, replayed }, 0)).toMatchObject({
      RTT: 1500,
      Failure: "timeout",
    });
    expect(documentOf({ request: asked, original: undefined, replayed: undefined }, 0)).toMatchObject({
      RTT: null, "Resp_Status": null, Failure: "no-answer-seen", Timestamp: "1970-01-01T00:00:00.000Z",
    }); // prettier-ignore
    const nonsense = { ...asked, http: HttpMessage.fromRaw(Buffer.from("\u0000")) };
    expect(documentOf({ request: nonsense, original: undefined, replayed }, 0)).toBeUndefined();
  });

  it("is made for requests that get no answer, at the latest at the end", async () => {
    const es = await standIn();
    const { counters } = await replay(
      [get("/1"), request("PUT /2 HTTP/1.1\r\nContent-Length: 9\r\n\r\n")],
      `${es.address}/replays`,
    );
    expect(urls(es)).toEqual(["/1", "/2"]);
    const output = counters.outputs.find(({ name }) => name.includes("elastic"));
    expect(output?.stats.counts).toMatchObject({ documents: 2, withoutAnswer: 1 });
    expect(counters.lost).toBe(0);
  });

  it("is one for each turn of a recording whose ids come again", async () => {
    const es = await standIn();
    const [first] = many(1);
    if (first === undefined) throw new Error("no message");
    await replay([first, first, first], `${es.address}/replays`);
    expect(es.documents.size).toBe(3);
  });
});

describe("the address", () => {
  it.each([
    ["http://localhost:9200/gor", { origin: "http://localhost:9200", prefix: "", index: "gor" }],
    ["localhost:9200/gor", { origin: "http://localhost:9200", index: "gor" }],
    ["https://us%40er:p%3Aw@es.test/a/b/replays-1", { origin: "https://es.test", prefix: "/a/b", index: "replays-1", authorization: `Basic ${Buffer.from("us@er:p:w").toString("base64")}` }],
  ])("%s", (text, expected) => expect(parseIndexTarget(text)).toMatchObject(expected)); // prettier-ignore

  it.each(["", "localhost:9200", "localhost:9200/", "http://x/Upper", "http://x/_all", "http://x/a?b", "ftp://x/a", "http://x/a,b", "http://x/*"])(
    "%j is refused",
    (text) => expect(parseIndexTarget(text)).toBeInstanceOf(Refusal),
  ); // prettier-ignore

  it("may be a data stream, which is used as it is", async () => {
    const es = await standIn();
    es.isDataStream = true;
    const { counters } = await replay(many(3), `${es.address}/replays`);
    expect(counters.lost).toBe(0);
    expect(es.documents.size).toBe(3);
    expect(es.asked).not.toContain("PUT /replays");
  });

  it("may have a user and a path in front", async () => {
    const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
    const es = await standIn({ authorization, prefix: "/proxy/es" });
    const { counters } = await replay(many(3), `http://me:secret@${es.address}/proxy/es/replays`);
    expect(es.documents.size).toBe(3);
    expect(es.asked.slice(0, 3)).toEqual([
      "HEAD /proxy/es/replays",
      "PUT /proxy/es/replays",
      "POST /proxy/es/replays/_bulk",
    ]);
    expect(JSON.stringify(counters)).not.toContain("secret");
  });
});

describe("a server that", () => {
  it("is busy, breaks off or answers nonsense is asked again until everything is stored once", async () => {
    const es = await standIn();
    es.faults.push({ status: 429 }, { status: 503 }, "close", { status: 502 });
    const { counters, log } = await replay(
      many(50),
      `${es.address}/replays`,
      "--drain-timeout",
      "60s",
    );
    expect(es.documents.size).toBe(50);
    expect(counters.lost).toBe(0);
    expect(log.join("\n")).toMatch(
      /cannot store: status 429 circuit_breaking_exception: no time; trying again/,
    );
    expect(log.join("\n")).toContain("storing works again");
  });

  it("has stored a bulk whose answer was lost stores nothing twice", async () => {
    const es = await standIn();
    es.faults.push("swallow", "swallow");
    const { counters } = await replay(many(10), `${es.address}/replays`, "--drain-timeout", "60s");
    expect(counters.lost).toBe(0);
    expect(es.documents.size).toBe(10);
  });

  it("refuses some is asked again for those it had no time for, and only for them", async () => {
    const es = await standIn();
    const attempts: [string, number][] = [];
    es.verdict = (source, attempt) => {
      const url = String(source["Req_URL"]);
      attempts.push([url, attempt]);
      if (url.endsWith("7")) return 400;
      if (attempt < 3 && url.endsWith("3")) return 503;
      return attempt < 2 && url.endsWith("4") ? 429 : undefined;
    };
    const { counters, discrepancies, log } = await replay(many(100), `${es.address}/replays`, "--drain-timeout", "60s"); // prettier-ignore
    expect(es.documents.size).toBe(90);
    const output = counters.outputs.find(({ name }) => name.includes("elastic"));
    expect(output).toMatchObject({
      delivered: 180,
      failed: { rejected: 20 },
      stats: { counts: { sentAgain: 30 } },
    });
    expect(attempts).toHaveLength(130);
    expect(discrepancies).toEqual([0, 0]);
    expect(log.join("\n")).toMatch(
      /documents were refused, the first with 400 document_parsing_exc/,
    );
  });

  it("takes no large bulks gets smaller ones", async () => {
    const es = await standIn();
    es.itemsMax = 3;
    const { counters } = await replay(many(64), `${es.address}/replays`);
    expect(counters.lost).toBe(0);
    expect(es.documents.size).toBe(64);
  });

  it("is down, slow or locked costs the replay nothing but documents", async () => {
    const closed = await freePort();
    const slow = await standIn();
    slow.delayMs = 60_000;
    const locked = await standIn({ authorization: "Basic nobody" });
    const replayed = async (address: string): Promise<void> => {
      const { counters, discrepancies } = await replay(
        many(1000), `${address}/replays`, "--output-http-elasticsearch-queue-len", "100", "--drain-timeout", "6s",
      ); // prettier-ignore
      const [http, es] = counters.outputs;
      expect(http).toMatchObject({ received: 1000, delivered: 1000 });
      expect(es?.delivered).toBe(0);
      expect(Object.values(es?.dropped ?? {}).reduce((a, b) => a + b, 0)).toBe(es?.received);
      expect(discrepancies).toEqual([0, 0]);
    };
    const addresses = [`127.0.0.1:${closed}`, slow.address, locked.address];
    await Promise.all(addresses.map(replayed));
  });

  it("comes back gets what waited", async () => {
    const port = await freePort();
    setTimeout(
      () =>
        void standIn({ port }).then((es) => closers.push(() => expect(es.documents.size).toBe(20))),
      700,
    );
    const { counters } = await replay(
      many(20),
      `127.0.0.1:${port}/replays`,
      "--drain-timeout",
      "60s",
    );
    expect(counters.lost).toBe(0);
  });
});

it("needs somebody who replays", async () => {
  await expect(run([], ["--output-null", "--output-http-elasticsearch", "x:1/a"])).rejects.toThrow(
    "add an --output-http URL",
  );
});

describe("pairing", () => {
  const kinds = (message: Message, kind: MessageKind): Message => ({ ...message, kind });
  const setUp = (waitingMax = 10): { pairing: Pairing; out: Exchange[]; strays: string[] } => {
    const out: Exchange[] = [];
    const strays: string[] = [];
    const pairing = new Pairing({
      timeoutMs: 1000,
      waitingMax,
      exchange: (each) => out.push(each),
      stray: (_message, why) => strays.push(why),
    });
    return { pairing, out, strays };
  };

  it("waits for an original response only where there are such, and then not long", () => {
    const { pairing, out } = setUp();
    const [a, b, c] = [get("/a"), get("/b"), get("/c")];
    pairing.take(a, 0);
    pairing.take(kinds(a, 3), 1);
    expect(out).toHaveLength(1);
    pairing.take(b, 2);
    pairing.take(kinds(b, 2), 3);
    pairing.take(kinds(b, 3), 4);
    expect(out[1]?.original).toBeDefined();
    pairing.take(c, 5);
    pairing.take(kinds(c, 3), 6);
    pairing.sweep(900);
    expect(out).toHaveLength(2);
    pairing.sweep(1006);
    expect(out).toHaveLength(3);
  });

  it("lets go of the oldest when there are too many, and of the late", () => {
    const { pairing, out, strays } = setUp(2);
    const messages = many(3);
    for (const message of messages) pairing.take(message, 0);
    expect(out.map(({ request }) => request)).toEqual(messages.slice(0, 1));
    pairing.take(kinds(get("/nobody's"), 3), 0);
    pairing.sweep(1000);
    expect(out).toHaveLength(3);
    expect(strays).toEqual(["unpaired"]);
    for (const message of messages) pairing.take(kinds(message, 3), 1001);
    expect(strays).toEqual(["unpaired", "stored", "stored", "stored"]);
    expect(pairing.waiting).toBe(0);
  });
});
