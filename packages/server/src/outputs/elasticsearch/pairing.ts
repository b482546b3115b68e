/**
 * Puts requests, original and replayed responses together by id. Sans-IO: messages and monotonic milliseconds in, whole
 * exchanges out.
 *
 * Bounded in number, bytes and time: what waits too long, or makes room for others, goes out without what it lacks. An
 * answer whose request is not here is told to `stray`.
 */
import { scaledBytes } from "../../core/memory/process-memory.ts";
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { RecentIds } from "../../core/recent-ids.ts";
import type { Exchange } from "./document.ts";

/** Exchanges that may wait for their answers: a minute of a thousand a second. */
const WAITING_MAX: number = 65_536;
/** Bytes of the messages that wait. */
const WAITING_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);
/** Milliseconds that a replayed exchange waits for the original response, where there are such. */
const ORIGINAL_MS_MAX: number = 1000;

interface Open {
  request: Message | undefined;
  original: Message | undefined;
  replayed: Message | undefined;
  readonly sinceMs: number;
  replayedMs: number;
  bytes: number;
}

export interface PairingOptions {
  /** Milliseconds that an exchange waits for its replayed response. */
  readonly timeoutMs: number;
  readonly waitingMax?: number;
  readonly exchange: (exchange: Exchange) => void;
  /** `stored`: its exchange went out before. `unpaired`: its request never came. */
  readonly stray: (message: Message, why: "stored" | "unpaired") => void;
}

export class Pairing {
  readonly #options: PairingOptions;
  readonly #waitingMax: number;
  readonly #open: Map<string, Open> = new Map();
  readonly #done: RecentIds = new RecentIds();
  #bytes = 0;
  #originalsCome = false;

  constructor(options: PairingOptions) {
    this.#options = options;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX;
  }

  get waiting(): number {
    return this.#open.size;
  }

  take(message: Message, nowMs: number): void {
    const { id, kind } = message;
    let open = this.#open.get(id);
    if (kind === MessageKind.request && open?.request !== undefined) {
      // The same id again, as in a recording that is looped: another exchange.
      this.#finish(id, open);
      open = undefined;
    }
    const isSecond = kind === MessageKind.replayed ? open?.replayed : open?.original;
    if (
      kind !== MessageKind.request &&
      (isSecond !== undefined || (open === undefined && this.#done.has(id)))
    ) {
      // Several targets answer the same request: the first answer has the document.
      this.#options.stray(message, "stored");
      return;
    }
    if (open === undefined) {
      open = {
        request: undefined,
        original: undefined,
        replayed: undefined,
        sinceMs: nowMs,
        replayedMs: 0,
        bytes: 0,
      };
      this.#open.set(id, open);
    }
    open.bytes += message.http.byteLength;
    this.#bytes += message.http.byteLength;
    if (kind === MessageKind.request) open.request = message;
    else if (kind === MessageKind.response) {
      open.original = message;
      this.#originalsCome = true;
    } else {
      open.replayed = message;
      open.replayedMs = nowMs;
    }
    if (isWhole(open, this.#originalsCome)) this.#finish(id, open);
    else this.#makeRoom();
  }

  /** Gives out what has waited long enough. Call it a few times a second. */
  sweep(nowMs: number): void {
    const { timeoutMs } = this.#options;
    for (const [id, open] of this.#open) {
      const late = nowMs - open.sinceMs >= timeoutMs;
      const alone = open.replayed !== undefined && nowMs - open.replayedMs >= ORIGINAL_MS_MAX;
      if (late || alone) this.#finish(id, open);
    }
  }

  /** Nothing more will come: gives out everything. */
  end(): void {
    for (const [id, open] of this.#open) this.#finish(id, open);
  }

  #makeRoom(): void {
    while (this.#open.size > this.#waitingMax || this.#bytes > WAITING_BYTES_MAX) {
      // A Map iterates in the order of insertion: the oldest first.
      const [oldest] = this.#open;
      if (oldest === undefined) return;
      this.#finish(...oldest);
    }
  }

  #finish(id: string, open: Open): void {
    this.#open.delete(id);
    this.#bytes -= open.bytes;
    const { request, original, replayed } = open;
    if (request === undefined) {
      if (original !== undefined) this.#options.stray(original, "unpaired");
      if (replayed !== undefined) this.#options.stray(replayed, "unpaired");
      return;
    }
    this.#done.add(id);
    this.#options.exchange({ request, original, replayed });
  }
}

function isWhole({ request, original, replayed }: Open, originalsCome: boolean): boolean {
  if (request === undefined || replayed === undefined) return false;
  return original !== undefined || !originalsCome;
}
