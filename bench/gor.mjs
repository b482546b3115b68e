// @ts-check
// What a comparison with a real gor needs: gor's text stream in both directions, and whole recordings in it. gor acknowledges
// nothing and does not end by itself, so the far side counts: a target, or a receiver of its stream.
import { createServer } from "node:net";
import { mixedBytes } from "./mix.mjs";
import { freePort, start, usage } from "./processes.mjs";

const SEPARATOR = Buffer.from("\n🐵🙈🙉\n");
/** gor gives up a request after 5 seconds: what has not come by then does not come. */
const QUIET_MS = 6000;

/** A gor as it comes does 1,000 records a second: its rate is known after this. */
const WATCHED_MS_MAX = 30_000;

/** gor knows no "as fast as possible": what it is given as a speed instead. */
export const FASTEST = "|1000000%";

/**
 * Has a gor hold a whole recording before it starts: else it pauses for 0.1 s each 100 records.
 * @param {string} path @param {number} records @param {string} [speed]
 */
export function wholeFile(path, records, speed = FASTEST) {
  return ["--input-file", `${path}${speed}`, "--input-file-read-depth", String(records)];
}

/** A mixed request as a record, separator included. @param {number} number @param {number} startedAtNs */
export function mixedRecord(number, startedAtNs) {
  const id = number.toString(16).padStart(24, "0");
  return Buffer.concat([Buffer.from(`1 ${id} ${startedAtNs} 0\n`), mixedBytes(number), SEPARATOR]);
}

/**
 * Waits until `count` says `wanted`, or says nothing new for six seconds. Resolves with what it said last and when that was.
 * @param {() => Promise<number> | number} count @param {number} wanted @param {number} [until] a time to stop at
 */
export async function settled(count, wanted, until = Infinity) {
  let last = await count();
  let lastMs = performance.now();
  while (last < wanted && performance.now() - lastMs < QUIET_MS && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const now = await count();
    if (now === last) continue;
    last = now;
    lastMs = performance.now();
  }
  return { count: last, lastMs };
}

/**
 * Runs a program, which need not end by itself, until it has done `wanted`: how many it did, in what time, at what cost.
 * @param {string} program @param {string[]} words @param {() => Promise<number> | number} count @param {number} wanted
 */
export async function watched(program, words, count, wanted) {
  const started = performance.now();
  const { child } = start(program, ...words);
  let last = usage(child.pid);
  const look = () => {
    try {
      const now = usage(child.pid);
      // One that has ended and was not waited for yet has no memory any more.
      last = { cpuUs: now.cpuUs, peakMb: Math.max(now.peakMb, last.peakMb) };
    } catch {
      // It has ended.
    }
  };
  const watch = setInterval(look, 20);
  const end = await settled(count, wanted, started + WATCHED_MS_MAX);
  look();
  clearInterval(watch);
  child.kill("SIGKILL");
  return { ...last, count: end.count, seconds: (end.lastMs - started) / 1000, code: null };
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
