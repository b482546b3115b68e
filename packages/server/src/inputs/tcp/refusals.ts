/**
 * Who was refused at a listener, and why, as lines of log: the first of each reason and address at once, the same again
 * once a minute with how often it was, and never so many that a port scan floods the log. In: refusals and the time. Out:
 * lines. Knows no sockets; the counts by reason are the engine's.
 */
import type { Fault } from "@mirrorball/protocol";

/** Milliseconds after which the same reason of the same address is told again. */
const AGAIN_MS = 60_000;
/** Pairs of reason and address that are remembered: the one told longest ago is forgotten. */
const PAIRS_MAX = 1024;
/** Lines that may come at once, and milliseconds until there may be one more. */
const LINES_MAX = 10;
const LINE_MS = 1000;

interface Pair {
  /** Not told yet. */
  count: number;
  loggedAtMs: number;
}

export class Refusals {
  readonly #log: (line: string) => void;
  readonly #pairs: Map<string, Pair> = new Map();
  #lines = LINES_MAX;
  #countedAtMs = 0;
  /** Of all pairs, because there were too many lines. */
  #unlogged = 0;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** `what` was done to `peer`: closed, or refused and let go on. `detail` is added to the reason. */
  note(what: string, peer: string, { code, message }: Fault, detail: string, nowMs: number): void {
    const pair = this.#pairOf(`${code} ${addressOf(peer)}`);
    pair.count += 1;
    if (nowMs - pair.loggedAtMs < AGAIN_MS) return;
    if (!this.#mayLog(nowMs)) {
      this.#unlogged += 1;
      return;
    }
    const times = pair.count > 1 ? ` (${pair.count} times)` : "";
    const more = this.#unlogged === 0 ? "" : ` (and ${this.#unlogged} more before)`;
    pair.count = 0;
    pair.loggedAtMs = nowMs;
    this.#unlogged = 0;
    this.#log(`${what} ${peer}: ${message}${detail}${times}${more}`);
  }

  #pairOf(key: string): Pair {
    const known = this.#pairs.get(key);
    const pair = known ?? { count: 0, loggedAtMs: Number.NEGATIVE_INFINITY };
    // Put last again: the first is the one that has been quiet longest.
    this.#pairs.delete(key);
    this.#pairs.set(key, pair);
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size > PAIRS_MAX && oldest !== undefined) this.#pairs.delete(oldest);
    return pair;
  }

  #mayLog(nowMs: number): boolean {
    const earned = Math.floor((nowMs - this.#countedAtMs) / LINE_MS);
    if (earned > 0) {
      this.#lines = Math.min(LINES_MAX, this.#lines + earned);
      this.#countedAtMs = nowMs;
    }
    if (this.#lines === 0) return false;
    this.#lines -= 1;
    return true;
  }
}

/** Without the port, which is another one each time. */
function addressOf(peer: string): string {
  const colon = peer.lastIndexOf(":");
  return colon < 0 ? peer : peer.slice(0, colon);
}
