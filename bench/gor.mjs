// @ts-check
// What a comparison with a real gor needs: gor's text stream in both directions, and whole recordings in it. gor acknowledges
// nothing and does not end by itself, so the far side counts: a target, or a receiver of its stream.
import { createServer } from "node:net";
import { mixedBytes } from "./mix.mjs";
import { freePort, start } from "./processes.mjs";

const SEPARATOR = Buffer.from("\n🐵🙈🙉\n");
/** gor gives up a request after 5 seconds: what has not come by then does not come. */
const QUIET_MS = 6000;

/**
 * The word for a run: gor has to be told to hold a whole recording before it starts, or it takes a pause of 0.1 s each 100
 * records; and to be given a speed, as it knows no "as fast as possible".
 * @param {string} path @param {number} records
 */
export function wholeFile(path, records) {
  return ["--input-file", `${path}|1000000%`, "--input-file-read-depth", String(records)];
}

/** A mixed request as a record, separator included. @param {number} number @param {number} startedAtNs */
export function mixedRecord(number, startedAtNs) {
  const id = number.toString(16).padStart(24, "0");
  return Buffer.concat([Buffer.from(`1 ${id} ${startedAtNs} 0\n`), mixedBytes(number), SEPARATOR]);
}

/**
 * Waits until `count` says `wanted`, or says nothing new for six seconds. Resolves with what it said last and when that was.
 * @param {() => Promise<number> | number} count @param {number} wanted
 */
export async function settled(count, wanted) {
  let last = await count();
  let firstMs = 0;
  let lastMs = performance.now();
  while (last < wanted && performance.now() - lastMs < QUIET_MS) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = await count();
    if (now === last) continue;
    last = now;
    lastMs = performance.now();
    if (firstMs === 0) firstMs = lastMs;
  }
  return { count: last, firstMs, lastMs };
}

/**
 * Takes gor's text stream on a free port and counts records; tells `seen` of each one's time.
 * @param {(startedAtNs: bigint) => void} [seen]
 */
export async function receiver(seen) {
  const port = await freePort();
  const state = { port, records: 0, bytes: 0, close: () => server.close() };
  const server = createServer((socket) => {
    /** @type {Buffer} */
    let rest = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      state.bytes += chunk.length;
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (;;) {
        const end = bytes.indexOf(SEPARATOR, from);
        if (end < 0) break;
        state.records += 1;
        if (seen !== undefined) seen(BigInt(startedAt(bytes, from)));
        from = end + SEPARATOR.length;
      }
      rest = bytes.subarray(from);
    });
  });
  await new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  return state;
}

/** The third word of a record's first line. @param {Buffer} bytes @param {number} from */
function startedAt(bytes, from) {
  return bytes.toString("latin1", from, from + 80).split(" ", 3)[2] ?? "0";
}

/** What a gor has read from its files, from its page of counters. @param {number} page */
export async function readFromFile(page) {
  try {
    const text = await (await fetch(`http://127.0.0.1:${page}/debug/vars`)).text();
    return Number(/"read_from": (\d+)/.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A sender of mixed requests in gor's stream: `warm`, then waits for a line, then `done`. @param {number} port @param {number} warmUp @param {number} count */
export function sendStream(port, warmUp, count) {
  return start("gor-sender.mjs", String(port), String(warmUp), String(count));
}
