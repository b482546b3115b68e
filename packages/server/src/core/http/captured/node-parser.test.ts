// Our parser beside Node's own (llhttp, through a real server on a real socket): generated and hostile requests, any split.
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { HttpMessage, isResponseHead } from "@mirrorball/protocol";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DISAGREEMENTS, HOSTILE } from "../../../../test/hostile-requests.ts";
import { bytesOf, digest, feed } from "../../../../test/stream-kit.ts";

interface Reading {
  /** Method, target and body of each request that was whole. */
  readonly requests: string[];
  /** Something was refused, or is not to be trusted, behind those. */
  readonly refused: boolean;
}

let server: Server;
const readings = new Map<number, { requests: string[]; refused: boolean }>();

beforeAll(async () => {
  server = createServer({ keepAliveTimeout: 0 }, (req, res) => {
    const body: Buffer[] = [];
    req.on("data", (chunk: Buffer) => body.push(chunk));
    req.on("end", () => {
      const text = Buffer.concat(body).toString("latin1");
      readings.get(req.socket.remotePort ?? 0)?.requests.push(`${req.method} ${req.url} ${text}`);
      res.end();
    });
  });
  server.on("clientError", (_error, socket) => {
    const { remotePort } = socket as unknown as { remotePort?: number };
    const reading = readings.get(remotePort ?? 0);
    if (reading !== undefined) reading.refused = true;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function byNode(bytes: Buffer): Promise<Reading> {
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: "127.0.0.1" });
  await new Promise((resolve) => socket.once("connect", resolve));
  const reading = { requests: [], refused: false };
  const key = socket.localPort ?? 0;
  readings.set(key, reading);
  socket.on("error", () => {}).resume();
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.end(bytes);
  await closed;
  readings.delete(key);
  return reading;
}

/** Requests up to the first that is not to be trusted. */
function byUs(bytes: Buffer): Reading {
  const { messages, tally } = feed([bytes]);
  const firstBad = messages.findIndex(
    ({ ambiguity, incomplete }) => ambiguity !== "" || incomplete,
  );
  const good = firstBad < 0 ? messages : messages.slice(0, firstBad);
  const strange = [...tally.skippedBytesBy.keys()].some((reason) => reason !== "blank-lines");
  return {
    requests: good.map(({ raw }) => {
      const { head, body } = HttpMessage.fromRaw(raw);
      if (head === undefined || isResponseHead(head)) return "?";
      return `${head.method} ${head.target} ${Buffer.from(body).toString("latin1")}`;
    }),
    refused: firstBad >= 0 || strange,
  };
}

const BEFORE = "GET /before HTTP/1.1\r\nHost: x\r\n\r\n";
const AFTER = "GET /after HTTP/1.1\r\nHost: x\r\n\r\n";

describe("hostile requests", () => {
  it.each(Object.entries(HOSTILE))("%s", async (name, text) => {
    const bytes = bytesOf(BEFORE + text + AFTER);
    const node = await byNode(bytes);
    const ours = byUs(bytes);
    const disagreement = DISAGREEMENTS[name];
    expect(ours.requests[0]).toBe("GET /before ");
    if (disagreement?.kind === "laxer") {
      expect(node).toEqual({ requests: ["GET /before "], refused: true });
      expect([ours.requests.length, ours.refused]).toEqual([3, false]);
    } else if (disagreement?.kind === "shorter") {
      expect(node.requests).toHaveLength(2);
      expect(ours).toEqual({ requests: ["GET /before "], refused: true });
    } else {
      expect(ours).toEqual(node);
    }
    const whole = digest(feed([bytes]));
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(digest(feed([bytes.subarray(0, cut), bytes.subarray(cut)]))).toEqual(whole);
    }
  });

  it("all disagreements are about requests that exist", () => {
    expect(Object.keys(DISAGREEMENTS).filter((name) => !(name in HOSTILE))).toEqual([]);
  });
});

const token = fc.stringMatching(/^[A-Za-z][\w-]{0,12}$/).filter((name) => !/^(?:content-length|transfer-encoding|connection|upgrade|expect|host|trailer|keep-alive|te)$/i.test(name)); // prettier-ignore
const value = fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/);
const fields = fc.array(fc.tuple(token, value), { maxLength: 6 });
const body = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const chunks = fc.array(
  body.filter((text) => text !== ""),
  { maxLength: 4 },
);

const plain = fc
  .record({
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "PROPFIND"),
    target: fc.stringMatching(/^\/[\w%.~/?=&-]{0,20}$/),
    fields,
    framing: fc.oneof(
      fc.constant({ kind: "none" as const }),
      body.map((text) => ({ kind: "length" as const, text })),
      chunks.map((list) => ({ kind: "chunks" as const, list })),
    ),
  })
  .map(({ method, target, fields: list, framing }) => {
    const lines = [`${method} ${target} HTTP/1.1`, "Host: x", ...list.map(([name, text]) => `${name}: ${text}`)]; // prettier-ignore
    if (framing.kind === "length") {
      return [...lines, `Content-Length: ${framing.text.length}`, "", framing.text].join("\r\n");
    }
    if (framing.kind === "none") return [...lines, "", ""].join("\r\n");
    const framed = framing.list
      .map((text) => `${text.length.toString(16)}\r\n${text}\r\n`)
      .join("");
    return [...lines, "Transfer-Encoding: chunked", "", `${framed}0\r\n\r\n`].join("\r\n");
  });

const agreed = Object.keys(HOSTILE).filter((name) => DISAGREEMENTS[name] === undefined);
const hostile = fc.constantFrom(...agreed).map((name) => HOSTILE[name] ?? "");

it("generated conversations are read as Node reads them, at every split", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: hostile }), {
        minLength: 1,
        maxLength: 4,
      }),
      async (texts) => {
        const bytes = bytesOf(texts.join(""));
        expect(byUs(bytes)).toEqual(await byNode(bytes));
        const whole = digest(feed([bytes]));
        for (let cut = 1; cut < bytes.length; cut += 1) {
          expect(digest(feed([bytes.subarray(0, cut), bytes.subarray(cut)]))).toEqual(whole);
        }
      },
    ),
    { numRuns: 150 },
  );
});
