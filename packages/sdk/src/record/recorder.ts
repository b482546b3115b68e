/**
 * What one mirror does with exchanges: decides which are teed, keeps them within the budget, turns them into wire
 * records and counts what became of each. At every moment: offered = acked + buffered + dropped, where `buffered` are those
 * being recorded, waiting in a batch, or sent and not acknowledged.
 *
 * It never touches sockets (`sender.ts`) or Node's HTTP objects beyond reading them (`tap.ts` calls it).
 */
import type { IncomingMessage } from "node:http";
import { HEADER_FIELDS_MAX, HEAD_BYTES_MAX } from "@mirrorball/protocol/producing";
import { WHOLE_EXCHANGE_BYTES_MAX } from "@mirrorball/protocol/producing";
import { Breaker } from "../guard/breaker.ts";
import { Batch, EXCHANGE_BYTES_BASE } from "../send/batch.ts";
import { verdictOf } from "../guard/callbacks.ts";
import type { BodyTrack, Exchange } from "../exchange/exchange.ts";
import { Losses } from "../stats/losses.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import type { Settings } from "../options.ts";
import { Redactor } from "../redact/redactor.ts";
import { RecordWriter } from "./record-writer.ts";
import { isSampled } from "./sampling.ts";
import { Outlet } from "../send/outlet.ts";
import type { DropReason, MirrorStats } from "../stats/stats.ts";
import { Streaming } from "./streaming.ts";
import { nowUs } from "../exchange/clock.ts";

/** Exchanges open for longer travel in pieces, so that their request is replayed while they last. */
const WHOLE_MS_MAX = 250;
/** A body that must be redacted is held back whole up to here; beyond, it is left out. */
const HELD_BACK_BYTES_MAX = 256 * 1024;

/** Response bodies longer than this are copied as bytes: their exact size matters to the budget. */
const TEXT_CHARS_MAX = 16 * 1024;
/** The most that a character of a string takes in UTF-8. */
const TEXT_BYTES_PER_CHAR_MAX = 3;

export class Recorder {
  readonly settings: Settings;
  readonly outlet: Outlet;
  readonly breaker: Breaker;
  readonly #writer: RecordWriter;
  readonly #redactor: Redactor | undefined;
  readonly #losses: Losses;
  #offered = 0;
  #skipped = 0;
  #filterErrors = 0;
  #withheld = 0;
  readonly #opened: OpenExchanges = new OpenExchanges();
  #openBytes = 0;
  readonly #batch: Batch;
  readonly #streaming: Streaming;
  #accepting = true;
  #suspended = false;
  #settled: (() => void)[] = [];

  constructor(settings: Settings) {
    this.settings = settings;
    this.#redactor = settings.redact === undefined ? undefined : new Redactor(settings.redact);
    this.#writer = new RecordWriter(settings, this.#redactor);
    this.outlet = new Outlet({
      servers: settings.servers,
      tls: settings.tls,
      service: settings.service,
      token: settings.token,
      log: settings.log,
      offered: () => this.#offered,
      lastCall: () => this.#batch.flush(),
      refused: (weight, told, reason) => this.#batch.refused(weight, told, reason),
      acknowledged: () => this.#acknowledged(),
      idle: () => this.#batch.sinkIdle(),
      released: (frame) => this.#batch.released(frame),
      fault: (error) => this.fault(error),
    });
    this.#losses = new Losses(settings.log);
    this.breaker = new Breaker(settings.breaker, settings.log, this.#losses);
    this.#batch = new Batch(this.outlet, this.#losses, () => this.#drop("head-too-large"));
    this.#streaming = new Streaming(this.#writer, this.#batch, (bytes) => {
      this.#openBytes -= bytes;
    });
  }

  get accepting(): boolean {
    return this.#accepting;
  }

  get bufferedBytes(): number {
    return this.#openBytes + this.#batch.bytes + this.outlet.unackedBytes;
  }

  stats(): MirrorStats {
    return {
      offered: this.#offered,
      acked: this.outlet.ackedWeight,
      buffered: this.#opened.count + this.#batch.unackedWeight,
      dropped: this.#losses.all(),
      skipped: this.#skipped,
      bufferedBytes: this.bufferedBytes,
      connected: this.outlet.connected,
      server: this.outlet.server,
      breaker: this.breaker.state,
      suspended: this.#suspended,
      callbackErrors: { filter: this.#filterErrors, tags: this.#writer.tagsErrors },
      internalErrors: this.#losses.faults,
      withheld: this.#withheld + this.#writer.withheld,
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
    if (this.breaker.refuses()) {
      this.refuse("breaker");
      return false;
    }
    if (this.#suspended) {
      this.refuse("suspended");
      return false;
    }
    if (filter === undefined) return true;
    const verdict = verdictOf(filter, req);
    if (verdict === false) this.#skipped += 1;
    if (verdict !== undefined) return verdict;
    this.#filterErrors += 1;
    if (this.settings.onCallbackError === "keep") return true;
    this.refuse("filter-threw");
    return false;
  }

  /** Takes an exchange as its own, with what was recorded of it so far. */
  adopt(exchange: Exchange): void {
    const { rawHeaders } = exchange;
    if (this.#redactor !== undefined && exchange.hasRequestBody) {
      exchange.request.redactor = this.#redactor.redactorFor(rawHeaders);
    }
    exchange.recorder = this;
    this.#offered += 1;
    this.outlet.start();
    if (exchange.headChars > HEAD_BYTES_MAX || rawHeaders.length > HEADER_FIELDS_MAX * 2) {
      exchange.closed = true;
      this.#drop("head-too-large");
      return;
    }
    const headBytes = EXCHANGE_BYTES_BASE + exchange.headChars;
    if (this.bufferedBytes + headBytes + exchange.heldBytes > this.settings.maxBufferBytes) {
      exchange.closed = true;
      exchange.release();
      this.#drop("buffer-full");
      return;
    }
    exchange.headBytes = headBytes;
    this.#openBytes += exchange.heldBytes;
    this.#opened.add(exchange);
    if (exchange.endedUs > 0) this.finish(exchange, exchange.endedUs);
  }

  /** `bytes` are the recorder's from here on. */
  requestChunk(exchange: Exchange, bytes: Uint8Array): void {
    this.#chunk(exchange, exchange.request, bytes);
  }

  requestEnded(exchange: Exchange): void {
    const refused = exchange.streaming ? this.#streaming.request(exchange) : undefined;
    if (refused !== undefined) this.drop(exchange, refused);
  }

  responseChunk(exchange: Exchange, bytes: Uint8Array): void {
    this.#chunk(exchange, exchange.response, bytes);
  }

  /**
   * The whole response body as text. It is kept as it is, without a copy, when nothing has to be done to its bytes: text
   * never changes, and is written as bytes only once, into its frame. False when it must come as bytes.
   */
  responseText(exchange: Exchange, text: string): boolean {
    const { response } = exchange;
    const bytesMax = text.length * TEXT_BYTES_PER_CHAR_MAX;
    if (
      this.#redactor !== undefined ||
      exchange.closed ||
      exchange.streaming ||
      response.seenBytes > 0 ||
      text.length > TEXT_CHARS_MAX ||
      bytesMax > this.settings.maxBodyBytes ||
      this.bufferedBytes + bytesMax > this.settings.maxBufferBytes
    ) {
      return false;
    }
    response.text = text;
    response.heldBytes = bytesMax;
    this.#openBytes += bytesMax;
    return true;
  }

  /** The response is out, or the client is gone. Never throws, so that a fault costs no exchange but its own. */
  finish(exchange: Exchange, endedUs: number): void {
    try {
      this.#finish(exchange, endedUs);
    } catch (error) {
      this.fault(error, exchange);
    }
  }

  /** An error of our own, with the exchange that it costs, if any: that leaves the books, in whatever state it was. */
  fault(error: unknown, exchange?: Exchange): void {
    this.#losses.fault(error);
    if (exchange === undefined || (exchange.recorder ?? this) !== this) return;
    if (exchange.recorder === undefined && !exchange.closed) this.refuse("internal");
    // `finish` closes it first and takes it off the books last.
    exchange.closed = !exchange.isOnBooks;
    try {
      this.drop(exchange, "internal");
    } catch (again) {
      this.#losses.fault(again);
    }
  }

  #finish(exchange: Exchange, endedUs: number): void {
    if (exchange.closed) return;
    // Claimed late and large already: it goes in pieces like any other of its size.
    if (!exchange.streaming && exchange.heldBytes > WHOLE_EXCHANGE_BYTES_MAX)
      this.#stream(exchange);
    if (exchange.closed) return;
    exchange.closed = true;
    if (exchange.streaming) {
      const refused = this.#streaming.end(exchange, endedUs);
      if (refused !== undefined) this.#losses.count(refused);
    } else {
      const tags = this.#writer.tagsOf(exchange);
      if (tags === undefined) this.#drop("tags-threw");
      else {
        exchange.tags = tags;
        this.#batch.pushWhole(this.#writer, exchange, endedUs);
      }
    }
    this.#leave(exchange);
  }

  /** Takes an open exchange off the books. */
  #leave(exchange: Exchange): void {
    this.#opened.remove(exchange);
    this.#openBytes -= exchange.heldBytes;
    exchange.release();
  }

  /** Gives an exchange up: what was sent of it is called back, and if that is nothing, the server is told the number. */
  drop(exchange: Exchange, reason: DropReason): void {
    if (exchange.closed) return;
    exchange.closed = true;
    this.#leave(exchange);
    this.#losses.count(reason);
    if (exchange.streaming) this.#streaming.abandon(exchange, reason);
    else this.#batch.lost(reason);
  }

  /** An exchange that could not be recorded from its beginning. */
  refuse(reason: DropReason): void {
    this.outlet.start();
    this.#offered += 1;
    this.#drop(reason);
  }

  /** A request of this mirror's that nothing was recorded of. */
  missed(req: IncomingMessage): void {
    if (this.#suspended) this.wants(req);
    else this.refuse("late");
  }

  /** Too many errors of our own: from now on nothing can be recorded, nor finished of what is open. All is counted. */
  suspend(): void {
    this.#suspended = true;
    this.#opened.each((exchange) => {
      try {
        this.drop(exchange, "suspended");
      } catch (error) {
        this.#losses.fault(error);
      }
    });
    this.settings.log(
      "mirrorball: too many errors of its own; nothing is recorded for a minute, and counted",
    );
  }

  resume(): void {
    this.#suspended = false;
    this.settings.log(
      `mirrorball: recording again; ${this.#losses.of("suspended")} exchanges were left out so far`,
    );
  }

  /** Stops taking exchanges, sends what there is, waits for the acknowledgements; then everything left is dropped. */
  async close(timeoutMs: number): Promise<void> {
    this.#accepting = false;
    this.#batch.flush();
    if (this.stats().buffered > 0 && timeoutMs > 0) await this.#settledWithin(timeoutMs);
    this.#dropOpen();
    this.breaker.stop();
    this.#batch.stop();
    const { buffered } = this.stats();
    this.outlet.close();
    if (buffered === 0) return;
    this.#batch.forget();
    this.#losses.count("shutdown", buffered);
  }

  /** The process ends in this moment: nothing is waited for. */
  leave(): void {
    this.#dropOpen();
    this.outlet.leave();
  }

  /** Nothing is taken any more; what is open is lost, and the server is told so. */
  #dropOpen(): void {
    this.#accepting = false;
    while (this.#opened.oldest !== undefined) this.drop(this.#opened.oldest, "shutdown");
    this.#batch.flush();
  }

  async #settledWithin(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // Held on purpose: who awaits close() wants the process to live until it is done.
      const timer = setTimeout(resolve, timeoutMs);
      this.#settled.push(() => {
        clearTimeout(timer);
        resolve();
      });
      this.outlet.pump();
    });
  }

  #acknowledged(): void {
    if (this.#losses.dropping && this.bufferedBytes * 2 < this.settings.maxBufferBytes) {
      this.#losses.endDropping();
      // So that the server learns of the losses even when no new exchange comes.
      this.#batch.flush();
    }
    if (this.#accepting || this.stats().buffered > 0) return;
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #chunk(exchange: Exchange, body: BodyTrack, bytes: Uint8Array): void {
    if (exchange.closed) return;
    body.judge(bytes);
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
        this.#withheld += 1;
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
    if (exchange.streaming) this.#streaming.body(exchange, body);
    else if (exchange.heldBytes > WHOLE_EXCHANGE_BYTES_MAX) this.#stream(exchange);
  }

  /** From here on the exchange travels in pieces. */
  #stream(exchange: Exchange): void {
    const refused = this.#streaming.begin(exchange);
    if (refused !== undefined) this.drop(exchange, refused);
  }

  /** Dropped before anything of it was sent: the server will be told the number. */
  #drop(reason: DropReason): void {
    this.#batch.lost(reason);
    this.#losses.count(reason);
  }

  /** One that takes long is sent on. Called ten times a second while it is under way. */
  look(exchange: Exchange): void {
    const { closed, streaming, startedUs } = exchange;
    if (!closed && !streaming && startedUs < nowUs() - WHOLE_MS_MAX * 1000) this.#stream(exchange);
  }
}
