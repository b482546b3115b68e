/**
 * Finds equal requests among the originals: same method, target, body and credentials, and no write of that session between. In: exchanges
 * in the order of the recording. Out: the earlier original that this one should be equal to. What differs between them varies by itself.
 */
import { createHash } from "node:crypto";
import { isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { SAFE_METHODS } from "../http/safe-methods.ts";
import { credentialsOf } from "../session/session-finder.ts";

/** Requests that are remembered, and the bytes of their answers. */
const REQUESTS_MAX = 20_000;
const BYTES_MAX: number = 32 * 1024 * 1024;
/** Sessions whose last write is remembered; those that are forgotten count as if they had just written then. */
const SESSIONS_MAX = 100_000;

interface Remembered {
  readonly original: Message;
  /** Writes of all sessions before it. */
  readonly at: number;
  readonly bytes: number;
}

export class Repeats {
  readonly #seen: Map<string, Remembered> = new Map();
  /** The last write of each session, as its number among all writes. */
  readonly #lastWrites: Map<number, number> = new Map();
  #writes = 0;
  #forgotten = 0;
  #bytes = 0;

  /** The answer to an equal request before this one; takes note of this one. */
  earlier(request: Message, session: number, original: Message): Message | undefined {
    const { head } = request.http;
    if (head === undefined || isResponseHead(head)) return undefined;
    if (!SAFE_METHODS.has(head.method)) {
      this.#wrote(session);
      return undefined;
    }
    const lastWrite = this.#lastWrites.get(session) ?? this.#forgotten;
    const key = keyOf(request);
    const known = this.#seen.get(key);
    this.#remember(key, { original, at: this.#writes, bytes: original.http.byteLength });
    return known !== undefined && lastWrite <= known.at ? known.original : undefined;
  }

  #wrote(session: number): void {
    this.#writes += 1;
    this.#lastWrites.delete(session);
    this.#lastWrites.set(session, this.#writes);
    if (this.#lastWrites.size <= SESSIONS_MAX) return;
    const [oldest] = this.#lastWrites;
    if (oldest === undefined) return;
    this.#lastWrites.delete(oldest[0]);
    this.#forgotten = oldest[1];
  }

  #remember(key: string, entry: Remembered): void {
    const before = this.#seen.get(key);
    if (before !== undefined) this.#bytes -= before.bytes;
    this.#seen.delete(key);
    this.#seen.set(key, entry);
    this.#bytes += entry.bytes;
    while (this.#seen.size > REQUESTS_MAX || this.#bytes > BYTES_MAX) {
      const [oldest] = this.#seen;
      if (oldest === undefined) return;
      this.#seen.delete(oldest[0]);
      this.#bytes -= oldest[1].bytes;
    }
  }
}

function keyOf({ http }: Message): string {
  const { head } = http;
  if (head === undefined || isResponseHead(head)) return "";
  const hash = createHash("sha1").update(http.body);
  hash.update(`\n${credentialsOf(head.headers).join("\n")}`);
  return `${head.method} ${head.target} ${hash.digest("base64")}`;
}
