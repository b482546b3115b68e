// Which response belongs to which request, whatever happens on the connection.
import { BodyState, MessageKind, headerValue, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { bytesOf, proxyHeader } from "../../../test/stream-kit.ts";
import { StreamTally } from "../http/captured/stream-limits.ts";
import type { EndReason } from "../tcp/types.ts";
import { CaptureCounters } from "./capture-counters.ts";
import { HttpConnection } from "./http-connection.ts";
import type { CaptureContext } from "./http-connection.ts";

/** Bytes of the client begin with `>`, of the server with `<`; `>12` are 12 missing bytes; `>fin`, `<rst` … end a side. */
type Step = string;

interface Told {
  /** `1 /a`, `2 200`, with the id as a letter. */
  readonly told: string[];
  readonly messages: Message[];
  readonly counters: CaptureCounters;
  readonly tally: StreamTally;
  readonly lost: string[];
}

const ENDS = new Set(["fin", "rst", "idle", "evicted", "port-reuse", "capture-end"]);

function play(
  steps: readonly Step[],
  options: Partial<CaptureContext> & { midstream?: boolean } = {},
): Told {
  const messages: Message[] = [];
  const counters = new CaptureCounters();
  const tally = new StreamTally();
  const lost: string[] = [];
  const connection = new HttpConnection(
    {
      client: { address: "192.0.2.1", port: 0x1234 },
      server: { address: "192.0.2.2", port: 80 },
      midstream: options.midstream ?? false,
      number: 7,
      seconds: 100,
      nanoseconds: 0,
    },
    {
      trackResponses: true,
      allowIncomplete: false,
      skipReplays: true,
      tally,
      counters,
      emit: (message) => messages.push(message),
      lost: (reason) => lost.push(reason),
      ...options,
    },
  );
  let seconds = 100;
  for (const step of steps) {
    const direction = step.startsWith(">") ? 0 : 1;
    const rest = step.slice(1);
    seconds += 1;
    if (ENDS.has(rest)) connection.end(direction, rest as EndReason, seconds, 0);
    else if (/^\d+$/.test(rest)) connection.gap(direction, Number(rest), seconds, 0);
    else {
      const bytes = bytesOf(rest);
      connection.data(direction, bytes, 0, bytes.length, seconds, 0);
    }
  }
  const ids: string[] = [];
  const told = messages.map(({ kind, id, http }) => {
    if (!ids.includes(id)) ids.push(id);
    const { head } = http;
    const what = head === undefined ? "?" : isResponseHead(head) ? head.status : head.target;
    return `${"abcdefghij".charAt(ids.indexOf(id))} ${kind} ${what}`;
  });
  return { told, messages, counters, tally, lost };
}

const get = (path: string, ...fields: string[]): Step =>
  `>${[`GET ${path} HTTP/1.1`, ...fields, "", ""].join("\r\n")}`;
const answer = (status: number): Step => `<HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nok`;
const POST = ">POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\n";

describe("pairing", () => {
  it("one after the other", () => {
    const { told } = play([get("/1"), answer(200), get("/2"), answer(201)]);
    expect(told).toEqual(["a 1 /1", "a 2 200", "b 1 /2", "b 2 201"]);
  });

  it("pipelined, in order", () => {
    const { told } = play([get("/1") + get("/2").slice(1) + get("/3").slice(1), answer(200), answer(201) + answer(202).slice(1)]); // prettier-ignore
    expect(told).toEqual(["a 1 /1", "b 1 /2", "c 1 /3", "a 2 200", "b 2 201", "c 2 202"]);
  });

  it("behind the header of a proxy", () => {
    const proxy = "PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n";
    const first = [`>${proxy}${get("/1").slice(1)}`, answer(200)];
    expect(play([...first, get("/2"), answer(201)]).told).toEqual(["a 1 /1", "a 2 200", "b 1 /2", "b 2 201"]); // prettier-ignore
    expect(play([`>${proxy}`, ...first.with(0, get("/1"))]).told).toEqual(["a 1 /1", "a 2 200"]);
  });

  it("behind the binary header of a proxy, however it is cut, also when packets of it are missing", () => {
    const proxy = proxyHeader(4000).toString("latin1");
    const requests = `${get("/1").slice(1)}${get("/2").slice(1)}`;
    const pairs = ["a 1 /1", "b 1 /2", "a 2 200", "b 2 201"];
    const answers = [answer(200), answer(201)];
    for (const cut of [1, 4, 5, 12, 13, 15, 16, 17, proxy.length - 1, proxy.length]) {
      const told = play([`>${proxy.slice(0, cut)}`, `>${proxy.slice(cut)}${requests}`, ...answers]);
      expect(told.told).toEqual(pairs);
      expect(told.messages.map(({ context }) => context?.framing)).toEqual(pairs.map(() => undefined)); // prettier-ignore
    }
    const holed = play([`>${proxy.slice(0, 1000)}`, ">2000", `>${proxy.slice(3000)}${requests}`, ...answers]); // prettier-ignore
    expect(holed).toMatchObject({ told: pairs, lost: [] });
    const beyond = play([`>${proxy.slice(0, 1000)}`, ">3100", `>${get("/2").slice(1)}`]);
    expect(beyond).toMatchObject({ told: ["a 1 /2"], lost: ["hole"] });
  });

  it("to HEAD among others", () => {
    const head = ">HEAD /h HTTP/1.1\r\n\r\n";
    const { told } = play([head + get("/2").slice(1), "<HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n", answer(201)]); // prettier-ignore
    expect(told).toEqual(["a 1 /h", "b 1 /2", "a 2 200", "b 2 201"]);
  });

  describe("a response to a request that was not seen may answer a HEAD", () => {
    const heads = {
      length: "HTTP/1.1 200 X\r\nContent-Length: 90\r\n\r\n",
      chunked: "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n",
      "neither, the connection goes on": "HTTP/1.1 200 X\r\n\r\n",
    };
    /** Each way to cut `text` in two. */
    const cuts = (text: string): string[][] =>
      Array.from({ length: text.length }, (_, at) =>
        [text.slice(0, at), text.slice(at)].filter((piece) => piece !== ""),
      );

    it.each(Object.entries(heads))("with %s: the next response is one", (_, head) => {
      const next = "HTTP/1.1 201 X\r\nContent-Length: 2\r\n\r\nok";
      const orders = [...cuts(head).map((pieces) => [pieces, [next]]), ...cuts(next).map((pieces) => [[head], pieces])]; // prettier-ignore
      for (const [before = [], behind = []] of orders) {
        const steps = [...before.map((piece) => `<${piece}`), get("/2"), ...behind.map((piece) => `<${piece}`)]; // prettier-ignore
        const { told, counters, tally } = play([...steps, ">fin", "<fin"], { midstream: true });
        expect([behind, told]).toEqual([behind, ["a 1 /2", "a 2 201"]]);
        expect(counters.unrequested).toBe(1);
        expect(tally.skippedBytesBy.size).toBe(0);
      }
    });

    it.each(["HTTP/2", "HTTP/1", "H", "HHTTP/1.1 ", "plain", "HTTP/1.0"])(
      "a body that begins %s is one as long as it is shorter or another",
      (body) => {
        const isShorter = body.length < 7 || !body.startsWith("HTTP/1.");
        const text = isShorter ? body : body.slice(0, 6);
        const server = `HTTP/1.1 200 X\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
        for (const pieces of cuts(server)) {
          const { told, counters } = play([...pieces.map((piece) => `<${piece}`), get("/2"), answer(201)], { midstream: true }); // prettier-ignore
          expect([pieces, told]).toEqual([pieces, ["a 1 /2", "a 2 201"]]);
          expect(counters.unrequested).toBe(1);
        }
      },
    );

    it("a stream that ends while both are possible", () => {
      for (const how of ["fin", "rst", "capture-end"]) {
        const { counters, told } = play([`<${heads.length}HTTP/1`, ">fin", `<${how}`], { midstream: true }); // prettier-ignore
        expect(told).toEqual([]);
        expect(counters.unrequested).toBe(1);
      }
    });
  });

  it("interim responses are no answer", () => {
    const { told, counters } = play([POST, "<HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\n", ">hello", answer(200)]); // prettier-ignore
    expect(told).toEqual(["a 1 /p", "a 2 200"]);
    expect(counters.interim).toBe(2);
  });

  it("an answer before the request is whole comes out behind it", () => {
    const { told } = play([POST, answer(413), ">hello"]);
    expect(told).toEqual(["a 1 /p", "a 2 413"]);
  });

  it("an answer to a request that was never whole goes with it", () => {
    const { told, counters } = play([POST, answer(413), ">rst", "<rst"]);
    expect(told).toEqual([]);
    expect(counters.unrequested).toBe(1);
    expect(Object.fromEntries(counters.incompleteBy)).toEqual({ rst: 1 });
  });

  it("without requests of their own responses are counted", () => {
    const { told, counters } = play([answer(200), get("/1"), answer(201)]);
    expect(told).toEqual(["a 1 /1", "a 2 201"]);
    expect(counters.unrequested).toBe(1);
  });

  it("with one direction only there are requests alone", () => {
    const { told, counters } = play([get("/1"), get("/2"), ">fin", "<fin"]);
    expect(told).toEqual(["a 1 /1", "b 1 /2"]);
    expect(counters.unanswered).toBe(2);
  });

  it("more of them pipelined than are kept make no false pairs", () => {
    const count = 1025;
    const paths = Array.from({ length: count }, (_, i) => `/${i}`);
    const answers = paths.map(
      (path) => `<HTTP/1.1 200 OK\r\nX-Path: ${path}\r\nContent-Length: 0\r\n\r\n`,
    );
    const { messages, counters } = play([...paths.map((path) => get(path)), ...answers]);
    const requests = messages.filter(({ kind }) => kind === MessageKind.request);
    const byId = new Map(requests.map(({ id, http: { head } }) => [id, head !== undefined && !isResponseHead(head) ? head.target : ""])); // prettier-ignore
    const responses = messages.filter(({ kind }) => kind === MessageKind.response);
    for (const { id, http } of responses) {
      expect(headerValue(http.head?.headers ?? [], "x-path")).toBe(byId.get(id));
    }
    expect(counters.unrequested).toBe(1024);
    expect(responses).toHaveLength(count - 1024);
  });

  it("those that nobody answers are bounded over all connections", () => {
    const counters = new CaptureCounters();
    counters.requestsWaiting = 1_000_000;
    const { told } = play([get("/1"), get("/2"), get("/3"), answer(201), answer(202), answer(203)], { counters }); // prettier-ignore
    expect(told).toEqual(["a 1 /1", "b 1 /2", "c 1 /3", "c 2 203"]);
    expect(counters).toMatchObject({ unanswered: 0, unrequested: 2, requestsWaiting: 1_000_000 });
    play([get("/1"), get("/2"), "<60", answer(202), get("/3"), get("/4"), ">fin", "<fin"], { counters }); // prettier-ignore
    expect(counters.requestsWaiting).toBe(1_000_000);
  });

  it("thousands that nobody answers are bounded", () => {
    const many = Array.from({ length: 3000 }, () => get("/"));
    expect(play([...many, ">fin", "<fin"]).counters.unanswered).toBe(3000);
  });
});

describe("holes", () => {
  it("a lost answer does not shift the others", () => {
    const { told, counters } = play([get("/1"), "<60", get("/2"), answer(202), ">fin", "<fin"]);
    expect(told).toEqual(["a 1 /1", "b 1 /2", "b 2 202"]);
    expect(counters.unanswered).toBe(1);
  });

  it("after lost answers, those of a burst are not guessed", () => {
    const { told, counters } = play([get("/1") + get("/2").slice(1), "<60", answer(202), get("/3"), answer(203), ">fin", "<fin"]); // prettier-ignore
    expect(told).toEqual(["a 1 /1", "b 1 /2", "c 1 /3", "c 2 203"]);
    expect(counters).toMatchObject({ unanswered: 2, unrequested: 1 });
  });

  it("a lost request leaves its answer alone", () => {
    const { told, counters } = play([get("/1"), answer(201), ">40", answer(202), get("/3"), answer(203)]); // prettier-ignore
    expect(told).toEqual(["a 1 /1", "a 2 201", "b 1 /3", "b 2 203"]);
    expect(counters.unrequested).toBe(1);
  });

  it("an answer is not given to the request before, when its own was lost with the answer to that", () => {
    for (const holes of [
      ["<60", ">40"],
      [">40", "<60"],
    ]) {
      const { told, counters } = play([get("/1"), ...holes, answer(202), get("/3"), answer(203)]);
      expect(told).toEqual(["a 1 /1", "b 1 /3", "b 2 203"]);
      expect(counters.unrequested).toBe(1);
    }
  });

  it("a request lost among pipelined ones makes no false pair", () => {
    const { told } = play([get("/1"), ">40", get("/3"), answer(201), answer(202), answer(203)]);
    expect(told).toEqual(["a 1 /1", "b 1 /3", "a 2 201"]);
  });

  it("between messages cost one at least, counted as lost", () => {
    const ended = [">fin", "<fin"];
    expect(play([get("/1"), "<60", get("/2"), answer(202), ...ended]).lost).toEqual(["hole"]);
    expect(play([">40", get("/2"), answer(202), ...ended]).lost).toEqual(["hole"]);
    // What nobody asked for, what is looked for already, and what is another protocol are no messages.
    expect(play([get("/1"), "<60"], { trackResponses: false }).lost).toEqual([]);
    expect(play([">40"], { midstream: true }).lost).toEqual([]);
    expect(play([">40", ">40", ...ended]).lost).toEqual(["hole"]);
    const upgrade = "<HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n";
    expect(play([get("/ws", "Upgrade: websocket"), upgrade, "<9", ">9"]).lost).toEqual([]);
  });

  it("inside a body cost that message, counted as lost, unless it is asked for", () => {
    const steps = [POST, ">5", answer(200), get("/2"), answer(201)];
    const strict = play(steps);
    expect(strict.told).toEqual(["a 1 /2", "a 2 201"]);
    expect(strict.lost).toEqual(["hole"]);
    const lax = play(steps, { allowIncomplete: true });
    expect(lax.told).toEqual(["a 1 /p", "a 2 200", "b 1 /2", "b 2 201"]);
    expect(lax.messages[0]?.context?.bodyState).toBe(BodyState.aborted);
    expect(lax.lost).toEqual([]);
  });
});

describe("what else a connection carries", () => {
  it("is counted behind an upgrade, both ways", () => {
    const upgrade = "<HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\x81\x01a";
    const { told, tally } = play([get("/ws", "Upgrade: websocket"), upgrade, ">\x81\x81abcdGET / HTTP/1.1\r\n\r\n"]); // prettier-ignore
    expect(told).toEqual(["a 1 /ws", "a 2 101"]);
    expect(Object.fromEntries(tally.skippedBytesBy)).toEqual({ "unsupported:websocket": 27 });
  });

  it("is counted behind a CONNECT that was granted, and read on where it was not", () => {
    const connect = ">CONNECT a.test:443 HTTP/1.1\r\n\r\n";
    const granted = play([connect, "<HTTP/1.1 200 X\r\n\r\n", ">GET /in HTTP/1.1\r\n\r\n"]);
    expect(granted.told).toEqual(["a 1 a.test:443", "a 2 200"]);
    const refused = play([connect, answer(407), get("/2"), answer(200)]);
    expect(refused.told).toEqual(["a 1 a.test:443", "a 2 407", "b 1 /2", "b 2 200"]);
  });

  it("TLS on one side ends the reading of the other", () => {
    const { tally } = play([">\x16\x03\x01abc", "<\x16\x03\x03xyz"]);
    expect(Object.fromEntries(tally.skippedBytesBy)).toEqual({ "unsupported:tls": 12 });
  });

  it("replays of our own are left out with their answers", () => {
    const steps = [get("/r", "X-Mirrorball-Replay: 1"), answer(200), get("/2"), answer(201)];
    const guarded = play(steps);
    expect(guarded.told).toEqual(["a 1 /2", "a 2 201"]);
    expect(guarded.counters.replays).toBe(1);
    expect(play(steps, { skipReplays: false }).told).toHaveLength(4);
  });

  it("what can be read in two ways is recorded and flagged", () => {
    const { messages } = play([get("/1", "Transfer-Encoding: chunked", "Content-Length: 3") + "0\r\n\r\n", answer(200)]); // prettier-ignore
    expect(messages.map(({ context }) => context?.framing)).toEqual(["ambiguous", undefined]);
  });
});

describe("ids and times", () => {
  it("have gor's shape, one for each request of a connection, always the same", () => {
    const steps = [get("/1") + get("/1").slice(1), answer(200), answer(200)];
    const ids = play(steps).messages.map(({ id }) => id);
    expect(ids.every((id) => id.startsWith("12340050c0000201") && id.length === 24)).toBe(true);
    expect(new Set(ids).size).toBe(2);
    expect(play(steps).messages.map(({ id }) => id)).toEqual(ids);
  });

  it("are those of the first byte, and of the last less the first", () => {
    const { messages } = play([POST, ">he", ">llo", "<HTTP/1.1 200 X\r\nContent-Le", "<ngth: 2\r\n\r\nok"]); // prettier-ignore
    expect(messages.map(({ startedAt, latencyNs }) => [startedAt, latencyNs])).toEqual([
      [101e6, 2e9],
      [104e6, 1e9],
    ]);
  });

  it("tell the connection, the place on it and the client", () => {
    const { messages } = play([get("/1"), answer(200), get("/2")]);
    expect(messages.at(-1)?.context).toMatchObject({ connection: 7, connectionSeq: 1, peer: "192.0.2.1:4660" }); // prettier-ignore
    expect(messages.at(-1)?.kind).toBe(MessageKind.request);
  });
});

describe("answers that come before their requests are whole", () => {
  const early = [
    ">GET /a HTTP/1.1\r\nContent-Length: 1\r\n\r\n",
    `<HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${"a".repeat(100)}`,
  ];

  it("are held within what may be held in all", () => {
    const tally = new StreamTally(1000);
    expect(play(early, { tally }).told).toEqual([]);
    expect(tally.heldBytes).toBeGreaterThan(150);
    const whole = new StreamTally(1000);
    const { told } = play([...early, ">x"], { tally: whole });
    expect(told).toEqual(["a 1 /a", "a 2 200"]);
    expect(whole.heldBytes).toBe(0);
    for (const end of [">fin", ">rst"]) {
      const broken = new StreamTally(1000);
      play([...early, end], { tally: broken });
      expect(broken.heldBytes).toBe(0);
    }
  });

  it("are lost, counted, when that is too much", () => {
    const tally = new StreamTally(1000);
    tally.heldBytes = 850;
    const { told, lost, counters } = play([...early, ">x"], { tally });
    expect(told).toEqual(["a 1 /a"]);
    expect(lost).toEqual(["evicted"]);
    expect(counters.incompleteBy.get("evicted")).toBe(1);
    expect(tally.heldBytes).toBe(850);
  });
});
