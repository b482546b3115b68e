/**
 * What one mirror does with exchanges: decides which are teed, keeps them within the budget, turns them into wire
 * records and counts what became of each. At every moment: offered = acked + buffered + dropped, where `buffered` are those
 * being recorded, waiting in a batch, or sent and not acknowledged.
 *
 * It never touches sockets (`sender.ts`) or Node's HTTP objects beyond reading them (`tap.ts` calls it).
 */
import type { IncomingMessage } from "node:http";
import {
  BATCH_BYTES_TARGET,
  CHUNK_BYTES_MAX,
  HEADER_FIELDS_MAX,
  HEAD_BYTES_MAX,
} from "@mirrorball/protocol";
import {
  FRAME_PAYLOAD_BYTES_MAX,
  RecordType,
  WHOLE_EXCHANGE_BYTES_MAX,
  packRecords,
} from "@mirrorball/protocol";
import type { WireRecord } from "@mirrorball/protocol";
import type { BodyTrack, Exchange } from "./exchange.ts";
import type { Settings } from "./options.ts";
import { Redactor } from "./redact.ts";
import { RecordWriter } from "./record-writer.ts";
import { isSampled } from "./sample.ts";
import { Sender } from "./sender.ts";
import { nowUs } from "./time.ts";

/** Batches wait this long for company. */
const FLUSH_MS = 10;
/** How often open exchanges are looked at, to find aborted ones and such as take long. */
const SWEEP_MS = 100;
/** Exchanges open for longer travel in pieces, so that their request is replayed while they last. */
const WHOLE_MS_MAX = 250;
/** What an exchange costs beside its bytes: its objects, strings and record. */
const EXCHANGE_BYTES_BASE = 1024;
/** A body that must be redacted is held back whole up to here; beyond, it is left out. */
const HELD_BACK_BYTES_MAX = 256 * 1024;

export type DropReason =
  | "buffer-full"
  | "head-too-large"
  | "filter-threw"
  | "late"
  | "internal"
  | "shutdown";

export interface MirrorStats {
  /** Exchanges this mirror set out to tee. */
  readonly offered: number;
  /** Acknowledged by the replay server. */
  readonly acked: number;
  /** Being recorded, waiting, or sent and not acknowledged. */
  readonly buffered: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** Left out on purpose: by sampling, by the filter, or because they are replays themselves. */
  readonly skipped: number;
  /** Bytes held for all of the above. */
  readonly bufferedBytes: number;
  readonly connected: boolean;
  readonly server: string;
}

export class Recorder {
  readonly settings: Settings;
  readonly sender: Sender;
  readonly #writer: RecordWriter;
  readonly #redactor: Redactor | undefined;
  readonly #drops: Map<DropReason, number> = new Map();
  /** Drops the server has not been told of. */
  readonly #untold: Map<DropReason, number> = new Map();
  #offered = 0;
  #skipped = 0;
  #open = 0;
  #openBytes = 0;
  /** Newest open exchange; the list is linked through the exchanges. */
  #newest: Exchange | undefined;
  #oldest: Exchange | undefined;
  #records: WireRecord[] = [];
  #recordBytes = 0;
  #weight = 0;
  #enqueuedWeight = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  #accepting = true;
  #dropping = false;
  #settled: (() => void)[] = [];

  constructor(settings: Settings) {
    this.settings = settings;
    this.#redactor = settings.redact === undefined ? undefined : new Redactor(settings.redact);
    this.#writer = new RecordWriter(settings, this.#redactor);
    this.sender = new Sender({
      servers: settings.servers,
      tls: settings.tls,
      service: settings.service,
      token: settings.token,
      log: settings.log,
      acknowledged: () => this.#acknowledged(),
    });
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get bufferedBytes(): number {
    return this.#openBytes + this.#recordBytes + this.sender.session.unackedBytes;
  }

  stats(): MirrorStats {
    return {
      offered: this.#offered,
      acked: this.sender.session.ackedWeight,
      buffered: this.#open + this.#weight + this.#enqueuedWeight - this.sender.session.ackedWeight,
      dropped: Object.fromEntries(this.#drops),
      skipped: this.#skipped,
      bufferedBytes: this.bufferedBytes,
      connected: this.sender.connected,
      server: this.sender.server,
    };
  }

  skip(): void {
    this.#skipped += 1;
  }

  /** Whether a request is to be teed, asked before anything is allocated for it. Counts those that are not. */
  wants(req: IncomingMessage): boolean {
    const { sampleShare, sampleBy, filter } = this.settings;
    if (!this.#accepting) return false;
    if (
      sampleShare < 1 &&
      !isSampled(sampleShare, sampleBy, req.url ?? "", req.rawHeaders, Math.random())
    ) {
      this.#skipped += 1;
      return false;
    }
    if (filter === undefined) return true;
    try {
      const verdict: unknown = filter(req);
      if (typeof verdict === "boolean") {
        if (!verdict) this.#skipped += 1;
        return verdict;
      }
      // A promise is truthy and may reject: neither may happen to the host.
      if (verdict instanceof Promise) verdict.catch(() => {});
    } catch {
      // Counted below, with filters that answer anything but true or false.
    }
    this.#offered += 1;
    this.#drop("filter-threw");
    return false;
  }

  /** Takes an exchange as its own, with what was recorded of it so far. */
  adopt(exchange: Exchange): void {
    exchange.recorder = this;
    this.#offered += 1;
    const { rawHeaders } = exchange.req;
    let headBytes = exchange.target.length;
    for (const part of rawHeaders) headBytes += part.length;
    if (headBytes > HEAD_BYTES_MAX || rawHeaders.length > HEADER_FIELDS_MAX * 2) {
      exchange.closed = true;
      this.#drop("head-too-large");
      return;
    }
    exchange.headBytes = EXCHANGE_BYTES_BASE + headBytes;
    if (this.#redactor !== undefined) {
      exchange.request.heldBack = this.#redactor.looksInto(contentTypeOf(rawHeaders));
    }
    if (this.bufferedBytes + exchange.heldBytes > this.settings.maxBufferBytes) {
      exchange.closed = true;
      release(exchange);
      this.#drop("buffer-full");
      return;
    }
    this.#openBytes += exchange.heldBytes;
    this.#link(exchange);
    if (exchange.finished) this.finish(exchange);
  }

  /** `bytes` are the recorder's from here on. */
  requestChunk(exchange: Exchange, bytes: Uint8Array): void {
    this.#chunk(exchange, exchange.request, bytes);
  }

  requestEnded(exchange: Exchange): void {
    if (exchange.streaming) this.#streamRequest(exchange);
  }

  responseChunk(exchange: Exchange, bytes: Uint8Array): void {
    this.#chunk(exchange, exchange.response, bytes);
  }

  /** The response is out, or the client is gone. */
  finish(exchange: Exchange): void {
    if (exchange.closed) return;
    // Claimed late and large already: it goes in pieces like any other of its size.
    if (!exchange.streaming && exchange.heldBytes > WHOLE_EXCHANGE_BYTES_MAX)
      this.#stream(exchange);
    if (exchange.closed) return;
    exchange.closed = true;
    this.#unlink(exchange);
    if (exchange.streaming) {
      this.#push(this.#writer.rest(exchange), 1);
    } else {
      const record = this.#writer.whole(exchange);
      if (record === undefined) this.#drop("head-too-large");
      else this.#push([record], 1);
    }
    this.#openBytes -= exchange.heldBytes;
    release(exchange);
  }

  /** Gives an exchange up: what was sent of it is called back. */
  drop(exchange: Exchange, reason: DropReason): void {
    if (exchange.closed) return;
    exchange.closed = true;
    this.#unlink(exchange);
    this.#openBytes -= exchange.heldBytes;
    release(exchange);
    if (exchange.streaming) this.#push([[RecordType.abandon, exchange.number, reason]], 0);
    this.#count(reason);
  }

  /** An exchange that could not be recorded from its beginning. */
  refuse(reason: DropReason): void {
    this.#offered += 1;
    this.#drop(reason);
  }

  /** Stops taking exchanges, sends what there is, waits for the acknowledgements; then everything left is dropped. */
  async close(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    this.#sweep();
    this.#flush();
    if (this.stats().buffered > 0 && timeoutMs > 0) await this.#settledWithin(timeoutMs);
    while (this.#oldest !== undefined) this.drop(this.#oldest, "shutdown");
    clearInterval(this.#sweepTimer);
    clearTimeout(this.#flushTimer);
    const { buffered } = this.stats();
    this.sender.close();
    if (buffered > 0) this.#abandonUnacked(buffered);
  }

  #abandonUnacked(count: number): void {
    this.#weight = 0;
    this.#enqueuedWeight = this.sender.session.ackedWeight;
    this.#drops.set("shutdown", (this.#drops.get("shutdown") ?? 0) + count);
  }

  async #settledWithin(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // Held on purpose: who awaits close() wants the process to live until it is done.
      const timer = setTimeout(resolve, timeoutMs);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.sender.pump();
    });
  }

  #acknowledged(): void {
    if (this.#dropping && this.bufferedBytes * 2 < this.settings.maxBufferBytes)
      this.#endDropping();
    if (this.#accepting || this.stats().buffered > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #chunk(exchange: Exchange, body: BodyTrack, bytes: Uint8Array): void {
    if (exchange.closed) return;
    const room =
      (body.heldBack
        ? Math.min(HELD_BACK_BYTES_MAX, this.settings.maxBodyBytes)
        : this.settings.maxBodyBytes) - body.seenBytes;
    body.seenBytes += bytes.length;
    if (body.cut) return;
    if (bytes.length > room) {
      body.cut = true;
      if (body.heldBack) {
        // Half of it cannot be redacted, so none of it leaves.
        this.#openBytes -= body.heldBytes;
        body.clear();
        return;
      }
    }
    const kept = bytes.length > room ? bytes.subarray(0, Math.max(0, room)) : bytes;
    if (kept.length === 0) return;
    if (this.bufferedBytes + kept.length > this.settings.maxBufferBytes) {
      this.drop(exchange, "buffer-full");
      return;
    }
    body.add(kept);
    this.#openBytes += kept.length;
    if (exchange.streaming) this.#streamBody(exchange, body);
    else if (exchange.heldBytes > WHOLE_EXCHANGE_BYTES_MAX) this.#stream(exchange);
  }

  /** From here on the exchange travels in pieces. */
  #stream(exchange: Exchange): void {
    const head = this.#writer.requestHead(exchange);
    if (head === undefined) {
      this.drop(exchange, "head-too-large");
      return;
    }
    exchange.streaming = true;
    this.#push([head], 0);
    this.#streamRequest(exchange);
    this.#streamBody(exchange, exchange.response);
  }

  #streamRequest(exchange: Exchange): void {
    this.#streamBody(exchange, exchange.request);
    const end = this.#writer.requestEnd(exchange);
    if (end !== undefined) this.#push(end, 0);
  }

  #streamBody(exchange: Exchange, body: BodyTrack): void {
    if (body.heldBack || body.chunks.length === 0 || exchange.closed) return;
    if (body === exchange.response && !this.#openResponse(exchange)) return;
    const type = body === exchange.request ? RecordType.requestChunk : RecordType.responseChunk;
    const chunks = body.chunks;
    this.#openBytes -= body.heldBytes;
    body.clear();
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES_MAX) {
        const bytes = chunk.subarray(at, at + CHUNK_BYTES_MAX);
        this.#push([[type, exchange.number, bytes]], 0, bytes.length);
      }
    }
  }

  /** The response's head goes before its first chunk; false while there is none, or none is wanted. */
  #openResponse(exchange: Exchange): boolean {
    if (exchange.responseHeadSent) return true;
    const head = this.#writer.responseHead(exchange);
    if (head === undefined) return false;
    this.#push([head], 0);
    return true;
  }

  #push(records: readonly WireRecord[], weight: number, bytes: number = EXCHANGE_BYTES_BASE): void {
    for (const record of records) {
      this.#records.push(record);
      this.#recordBytes += record[0] === RecordType.exchange ? sizeOf(record) : bytes;
    }
    this.#weight += weight;
    if (this.#recordBytes >= BATCH_BYTES_TARGET) this.#flush();
    else if (this.#flushTimer === undefined) {
      this.#flushTimer = setTimeout(() => this.#flush(), FLUSH_MS);
      this.#flushTimer.unref();
    }
  }

  #flush(): void {
    if (this.#flushTimer !== undefined) clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#untold.size > 0) this.#tellLosses();
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#recordBytes = 0;
    this.#weight = 0;
    this.#enqueue(records);
    this.sender.pump();
  }

  /** One frame as a rule; halves of the batch when large heads made it larger than a frame may be. */
  #enqueue(records: readonly WireRecord[]): void {
    const payload = packRecords(records);
    if (payload.length <= FRAME_PAYLOAD_BYTES_MAX) {
      const weight = weightOf(records);
      this.#enqueuedWeight += weight;
      this.sender.session.enqueue(payload, weight);
    } else if (records.length > 1) {
      const half = records.length >> 1;
      this.#enqueue(records.slice(0, half));
      this.#enqueue(records.slice(half));
    } else if (weightOf(records) > 0) {
      this.#drop("head-too-large");
    }
  }

  #tellLosses(): void {
    for (const [reason, count] of this.#untold)
      this.#records.push([RecordType.loss, reason, count]);
    this.#untold.clear();
  }

  /** Dropped before anything of it was sent: the server will be told the number. */
  #drop(reason: DropReason): void {
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + 1);
    this.#count(reason);
  }

  #count(reason: DropReason): void {
    this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + 1);
    if (reason !== "buffer-full" || this.#dropping) return;
    this.#dropping = true;
    this.settings.log("mirrorball: the buffer is full, exchanges are being dropped and counted");
  }

  #endDropping(): void {
    this.#dropping = false;
    const count = this.#drops.get("buffer-full") ?? 0;
    this.settings.log(
      `mirrorball: the buffer has room again; ${count} exchanges were dropped so far`,
    );
    // So that the server learns of the losses even when no new exchange comes.
    this.#flush();
  }

  #link(exchange: Exchange): void {
    exchange.previous = this.#newest;
    if (this.#newest === undefined) this.#oldest = exchange;
    else this.#newest.next = exchange;
    this.#newest = exchange;
    this.#open += 1;
    if (this.#sweepTimer !== undefined) return;
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.#sweepTimer.unref();
  }

  #unlink(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous === undefined) this.#oldest = next;
    else previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    exchange.previous = undefined;
    exchange.next = undefined;
    this.#open -= 1;
  }

  /** Finds exchanges whose client went away, and sends on those that take long. Costs finished ones nothing. */
  #sweep(): void {
    if (this.#oldest === undefined) {
      clearInterval(this.#sweepTimer);
      this.#sweepTimer = undefined;
      return;
    }
    const longSinceUs = nowUs() - WHOLE_MS_MAX * 1000;
    for (let exchange: Exchange | undefined = this.#oldest; exchange !== undefined;) {
      const following: Exchange | undefined = exchange.next;
      const { res, socket } = exchange;
      if (res.destroyed || socket.destroyed) {
        // A response may have got out before its client left; the channel tells only of live sockets.
        exchange.finished = res.writableFinished;
        this.finish(exchange);
      } else if (!exchange.streaming && exchange.startedUs < longSinceUs) {
        this.#stream(exchange);
      }
      exchange = following;
    }
  }
}

function release(exchange: Exchange): void {
  exchange.request.clear();
  exchange.response.clear();
  exchange.headBytes = 0;
}

/** Exchanges that end in these records. */
function weightOf(records: readonly WireRecord[]): number {
  let weight = 0;
  for (const [type] of records) {
    if (type === RecordType.exchange || type === RecordType.responseEnd) weight += 1;
  }
  return weight;
}

function sizeOf(
  record: Extract<WireRecord, readonly [typeof RecordType.exchange, ...unknown[]]>,
): number {
  const body = (record[11]?.length ?? 0) + (record[17]?.length ?? 0);
  return body + (record[16]?.length ?? 0) + record[10].length * 12 + record[8].length + 96;
}

function contentTypeOf(rawHeaders: readonly string[]): string | undefined {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === "content-type") return rawHeaders[i + 1];
  }
  return undefined;
}
