/**
 * What one mirror does with exchanges: decides which are teed, keeps them within the budget, turns them into wire
 * records and counts what became of each. At every moment: offered = acked + buffered + dropped, where `buffered` are those
 * being recorded, waiting in a batch, or sent and not acknowledged.
 *
 * It never touches sockets (`sender.ts`) or Node's HTTP objects beyond reading them (`tap.ts` calls it).
 */
import type { IncomingMessage } from "node:http";
import {
  HEADER_FIELDS_MAX,
  HEAD_BYTES_MAX,
  WHOLE_EXCHANGE_BYTES_MAX,
} from "@mirrorball/protocol/producing";
import { Breaker } from "../guard/breaker.ts";
import { Batch } from "../send/batch.ts";
import type { BodyTrack } from "../exchange/body-track.ts";
import { ByteBudget } from "../exchange/byte-budget.ts";
import { ExchangePhase } from "../exchange/exchange.ts";
import type { Exchange, ExchangeOwner } from "../exchange/exchange.ts";
import { Losses } from "../stats/losses.ts";
import { OpenExchanges } from "./open-exchanges.ts";
import type { Settings } from "../options.ts";
import { Redactor } from "../redact/redactor.ts";
import { RecordWriter } from "./record-writer.ts";
import { Admission } from "./admission.ts";
import { BodyKeeper } from "./body-keeper.ts";
import { Outlet } from "../send/outlet.ts";
import { Waiters } from "../send/waiters.ts";
import type { DropReason, MirrorStats } from "../stats/stats.ts";
import { Streaming } from "./streaming.ts";
import { nowUs } from "../exchange/clock.ts";

/** Exchanges open for longer travel in pieces, so that their request is replayed while they last. */
const WHOLE_MS_MAX = 250;
type RecorderState =
  | "recording"
  /** Too many errors of our own: requests are counted, and nothing else, until it resumes. */
  | "suspended"
  /** Nothing is taken any more. What there is may still be sent, until `close` is through. */
  | "closing";

export class Recorder implements ExchangeOwner {
  readonly #settings: Settings;
  readonly #outlet: Outlet;
  readonly #breaker: Breaker;
  readonly #admission: Admission;
  readonly #writer: RecordWriter;
  readonly #redactor: Redactor | undefined;
  readonly #losses: Losses;
  readonly #opened: OpenExchanges = new OpenExchanges();
  readonly #budget: ByteBudget;
  readonly #bodies: BodyKeeper;
  readonly #batch: Batch;
  readonly #streaming: Streaming;
  #state: RecorderState = "recording";
  #offered = 0;
  /** Whoever waits in `close` for the last acknowledgement. */
  readonly #closers: Waiters = new Waiters();

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#redactor = settings.redact === undefined ? undefined : new Redactor(settings.redact);
    this.#writer = new RecordWriter(settings, this.#redactor);
    this.#outlet = this.#outletOf(settings);
    this.#losses = new Losses(settings.log);
    this.#breaker = new Breaker(settings.breaker, settings.log, this.#losses);
    this.#admission = new Admission(settings, this.#breaker, (reason) => this.refuse(reason));
    this.#batch = new Batch(this.#outlet, this.#losses, () => this.#drop("head-too-large"));
    this.#budget = new ByteBudget(
      settings.maxBufferBytes,
      () => this.#batch.bytes + this.#outlet.unackedBytes,
    );
    this.#bodies = new BodyKeeper(settings, this.#budget);
    this.#streaming = new Streaming(this.#writer, this.#batch, this.#budget);
  }

  #outletOf(settings: Settings): Outlet {
    return new Outlet({
      ...settings,
      offered: () => this.#offered,
      lastCall: () => this.#batch.flush(),
      refused: (weight, told, reason) => this.#batch.refused(weight, told, reason),
      acknowledged: () => this.#acknowledged(),
      idle: () => this.#batch.sinkIdle(),
      released: (frame) => this.#batch.released(frame),
      fault: (error) => this.fault(error),
    });
  }

  get accepting(): boolean {
    return this.#state !== "closing";
  }

  /** What waits may be sent any moment, though nothing is connected. */
  get connecting(): boolean {
    return this.#outlet.connecting;
  }

  /** Loads what will be needed. Nothing starts yet. Never throws. */
  load(): void {
    this.#outlet.load();
  }

  /** The first exchange begins, or is lost: from here on there is a connection, and the process is watched. Idempotent. */
  #start(): void {
    this.#outlet.start();
    this.#breaker.start();
  }

  /** The end of both. Idempotent. */
  #stop(): void {
    this.#breaker.stop();
    this.#batch.stop();
    this.#outlet.close();
  }

  stats(): Omit<MirrorStats, "http2"> {
    return {
      offered: this.#offered,
      acked: this.#outlet.ackedWeight,
      buffered: this.#opened.count + this.#batch.unackedWeight,
      dropped: this.#losses.all(),
      skipped: this.#admission.skipped,
      bufferedBytes: this.#budget.bytes,
      connected: this.#outlet.connected,
      server: this.#outlet.server,
      breaker: this.#breaker.state,
      suspended: this.#state === "suspended",
      callbackErrors: { filter: this.#admission.filterErrors, tags: this.#writer.tagsErrors },
      internalErrors: this.#losses.faults,
      withheld: this.#bodies.withheld + this.#writer.withheld,
    };
  }

  skip(): void {
    this.#admission.skipped += 1;
  }

  wants(req: IncomingMessage): boolean {
    return this.accepting && this.#admission.admits(req, this.#state === "suspended");
  }

  adopt(exchange: Exchange): void {
    const { rawHeaders } = exchange;
    if (this.#redactor !== undefined && exchange.hasRequestBody) {
      exchange.request.redactor = this.#redactor.redactorFor(rawHeaders);
    }
    this.#start();
    exchange.owner = this;
    this.#offered += 1;
    const isTooLarge =
      exchange.headChars > HEAD_BYTES_MAX || rawHeaders.length > HEADER_FIELDS_MAX * 2;
    if (isTooLarge || !this.#budget.take(exchange.heldBytes)) {
      exchange.phase = ExchangePhase.over;
      exchange.request.clear();
      exchange.response.clear();
      this.#drop(isTooLarge ? "head-too-large" : "buffer-full");
      return;
    }
    exchange.phase = ExchangePhase.whole;
    this.#opened.add(exchange);
    if (exchange.endedUs > 0) this.finish(exchange, exchange.endedUs);
  }

  requestChunk(exchange: Exchange, bytes: Uint8Array): void {
    this.#chunk(exchange, exchange.request, bytes);
  }

  requestEnded(exchange: Exchange): void {
    if (exchange.phase !== ExchangePhase.streamed) return;
    const refused = this.#streaming.request(exchange);
    if (refused !== undefined) this.drop(exchange, refused);
  }

  responseChunk(exchange: Exchange, bytes: Uint8Array): void {
    if (this.#settings.responses === "full") this.#chunk(exchange, exchange.response, bytes);
  }

  /** Also true when none is wanted. */
  responseText(exchange: Exchange, text: string): boolean {
    if (this.#settings.responses !== "full") return true;
    return exchange.phase === ExchangePhase.whole && this.#bodies.keepText(exchange.response, text);
  }

  /** A fault in here costs no exchange but its own. */
  finish(exchange: Exchange, endedUs: number): void {
    try {
      this.#finish(exchange, endedUs);
    } catch (error) {
      this.fault(error, exchange);
    }
  }

  /** The exchange leaves the books, in whatever phase it is. */
  fault(error: unknown, exchange?: Exchange): void {
    this.#losses.fault(error);
    if (exchange === undefined || exchange.owner !== this) return;
    try {
      this.drop(exchange, "internal");
    } catch (again) {
      this.#losses.fault(again);
    }
  }

  #finish(exchange: Exchange, endedUs: number): void {
    // Claimed late and large already: it goes in pieces like any other of its size.
    if (exchange.phase === ExchangePhase.whole && exchange.heldBytes > WHOLE_EXCHANGE_BYTES_MAX)
      this.#stream(exchange);
    if (!exchange.isOpen) return;
    exchange.phase = ExchangePhase.ending;
    if (exchange.isStreamed) {
      const refused = this.#streaming.end(exchange, endedUs);
      if (refused !== undefined) this.#losses.count(refused);
    } else {
      const tags = this.#writer.tagsOf(exchange);
      // The host's `tags` may have closed the mirror.
      if (!exchange.isOnBooks) return;
      if (tags === undefined) this.#drop("tags-threw");
      else {
        exchange.tags = tags;
        this.#batch.pushWhole(this.#writer, exchange, endedUs);
      }
    }
    this.#leave(exchange);
  }

  /** Takes an exchange off the books. */
  #leave(exchange: Exchange): void {
    exchange.phase = ExchangePhase.over;
    this.#opened.remove(exchange);
    this.#budget.give(exchange.headBytes);
    this.#budget.letGo(exchange.request);
    this.#budget.letGo(exchange.response);
  }

  /** Gives an exchange up: what was sent of it is called back, and if that is nothing, the server is told the number. */
  drop(exchange: Exchange, reason: DropReason): void {
    if (!exchange.isOnBooks) return;
    this.#leave(exchange);
    this.#losses.count(reason);
    if (exchange.isStreamed) this.#streaming.abandon(exchange, reason);
    else this.#batch.lost(reason);
  }

  refuse(reason: DropReason): void {
    this.#start();
    this.#offered += 1;
    this.#drop(reason);
  }

  /** A request of this mirror's that nothing was recorded of. */
  missed(req: IncomingMessage): void {
    if (this.#state === "suspended") this.wants(req);
    else this.refuse("late");
  }

  /** From now on nothing can be recorded, nor finished of what is open. All is counted. */
  suspend(): void {
    if (this.#state === "recording") this.#state = "suspended";
    this.#opened.each((exchange) => {
      try {
        this.drop(exchange, "suspended");
      } catch (error) {
        this.#losses.fault(error);
      }
    });
    this.#settings.log(
      "mirrorball: too many errors of its own; nothing is recorded for a minute, and counted",
    );
  }

  resume(): void {
    if (this.#state !== "suspended") return;
    this.#state = "recording";
    const left = this.#losses.of("suspended");
    this.#settings.log(`mirrorball: recording again; ${left} exchanges were left out so far`);
  }

  /** One line of log. */
  log(line: string): void {
    this.#settings.log(line);
  }

  /** Stops taking exchanges, sends what there is, waits for the acknowledgements; then everything left is dropped. */
  async close(timeoutMs: number): Promise<void> {
    this.#state = "closing";
    this.#batch.flush();
    if (this.stats().buffered > 0 && timeoutMs > 0) {
      const settled = this.#closers.within(timeoutMs);
      this.#outlet.pump();
      await settled;
    }
    this.#dropOpen();
    const { buffered } = this.stats();
    this.#stop();
    if (buffered === 0) return;
    this.#batch.forget();
    this.#losses.count("shutdown", buffered);
  }

  /** The process ends in this moment: nothing is waited for. */
  leave(): void {
    this.#dropOpen();
    this.#outlet.leave();
  }

  /** Nothing is taken any more; what is open is lost, and the server is told so. */
  #dropOpen(): void {
    this.#state = "closing";
    while (this.#opened.oldest !== undefined) this.drop(this.#opened.oldest, "shutdown");
    this.#batch.flush();
  }

  #acknowledged(): void {
    if (this.#losses.dropping && this.#budget.bytes * 2 < this.#settings.maxBufferBytes) {
      this.#losses.endDropping();
      // So that the server learns of the losses even when no new exchange comes.
      this.#batch.flush();
    }
    if (this.accepting || this.stats().buffered > 0) return;
    this.#closers.wake();
  }

  #chunk(exchange: Exchange, body: BodyTrack, bytes: Uint8Array): void {
    if (!exchange.isOpen) return;
    if (!this.#bodies.keep(body, bytes)) this.drop(exchange, "buffer-full");
    else if (exchange.phase === ExchangePhase.streamed) this.#streaming.body(exchange, body);
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

  /** One that takes long is sent on. */
  look(exchange: Exchange): void {
    const { phase, startedUs } = exchange;
    if (phase === ExchangePhase.whole && startedUs < nowUs() - WHOLE_MS_MAX * 1000)
      this.#stream(exchange);
  }
}
