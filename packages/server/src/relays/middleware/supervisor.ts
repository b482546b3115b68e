/**
 * Keeps a middleware alive and supplied: a bounded queue in front of it, a restart when it dies, a log line when it hangs,
 * an orderly end. What a middleware is (a process, a worker) it does not know: that is a `Peer`.
 *
 * Messages that wait here survive the death of a peer; those that were with it are lost, by reason, or with a journal
 * given to the next one, a few times. While there is no peer, and while it is slow, inputs wait: nothing goes around a
 * middleware, because it may be there to hide something.
 */
import { Backoff, HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Accepted } from "../../component/types.ts";
import type { Relay, RelayContext } from "../../component/relay.ts";
import { MessageFifo } from "../../core/message-fifo.ts";
import { Blame } from "../../core/middleware/blame.ts";
import { Waiters } from "../../core/waiters.ts";
import type { InFlight, Peer, PeerEvents } from "./peer.ts";

/** Messages that may wait for the peer before inputs wait for them: a few batches, so that reading and working overlap. */
const WAITING_MAX = 2048;
/** Bytes that may, so that large bodies stay bounded too. */
const WAITING_BYTES_MAX: number = 8 * 1024 * 1024;
/** Bytes of one batch for the peer: enough to make calls cheap, little enough to go on quickly. */
const BATCH_BYTES: number = 128 * 1024;
const BATCH_MAX = 512;
/** A middleware that dies once is missed for a moment only, and traffic waits no longer than the longest. */
const RESTART = { firstMs: 100, longestMs: 5000, leastShare: 0.5 };
/** A life of this many milliseconds makes the next death a first one. */
const HEALTHY_MS = 10_000;
/** Milliseconds between two looks at age and silence. */
const TICK_MS = 250;
/** Milliseconds between two looks at whether all is settled, while stopping. */
const SETTLE_LOOK_MS = 10;

export interface SupervisorOptions {
  /** Without an answer for this long while messages wait, a peer is reported as hanging. */
  readonly timeoutMs: number;
  /** End it and start another then: for peers that cannot be helped from outside. */
  readonly restartWhenHung: boolean;
  /** Copy what is taken, because its peer may keep a few of many for long: they are parts of larger buffers. */
  readonly copies: boolean;
  readonly launch: (events: PeerEvents) => Peer;
}

/** More fields than a class should have: what waits, who works, and when the last one was born, moved and died. */
export class Supervisor implements Relay {
  state = "starting";
  readonly #context: RelayContext;
  readonly #options: SupervisorOptions;
  #peer: Peer | undefined;
  readonly #waiting: MessageFifo = new MessageFifo();
  readonly #room: Waiters = new Waiters();
  #ended = false;
  #closed = false;
  #ticker: NodeJS.Timeout | undefined;
  #restarter: NodeJS.Timeout | undefined;
  #bornMs = 0;
  #deathsInARow = 0;
  readonly #backoff: Backoff = new Backoff(RESTART);
  #movedMs = 0;
  #hung = false;
  readonly #blame: Blame<Message> = new Blame();
  /** The first so many that wait are given again: one at a time, so that the next death has few to blame. */
  #again = 0;
  #gone: () => void = () => {};

  constructor(context: RelayContext, options: SupervisorOptions) {
    this.#context = context;
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#launch();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    // The inputs keep the process alive; waiting for a restart must not.
    this.#ticker.unref();
  }

  take(batch: Message[]): Accepted {
    if (this.#ended || this.#closed) {
      if (!this.#context.durable) this.#context.ledger.lost("ended", batch);
      return undefined;
    }
    for (const given of batch) {
      this.#waiting.push(this.#options.copies ? copyOf(given) : given);
    }
    this.#feed();
    return this.#full ? this.#room.wait() : undefined;
  }

  async settled(): Promise<void> {
    while (!this.#closed && !this.#quiet) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MS));
    }
  }

  async end(): Promise<void> {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    clearTimeout(this.#restarter);
    const peer = this.#peer;
    if (peer !== undefined) {
      const gone = new Promise<void>((resolve) => (this.#gone = resolve));
      peer.finish();
      await gone;
    }
    clearInterval(this.#ticker);
    this.#loseWaiting();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#restarter);
    const peer = this.#peer;
    this.#peer = undefined;
    peer?.kill();
    this.#gone();
    this.#waiting.clear();
    this.#room.release();
    this.state = "ended";
  }

  get #full(): boolean {
    return this.#waiting.length >= WAITING_MAX || this.#waiting.bytes >= WAITING_BYTES_MAX;
  }

  get #quiet(): boolean {
    if (this.#waiting.length > 0) return false;
    return this.#peer === undefined || this.#peer.settledAfter(this.#nowMs - this.#movedMs);
  }

  get #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }

  #feed(): void {
    for (
      let peer = this.#peer;
      peer?.ready === true && this.#waiting.length > 0;
      peer = this.#peer
    ) {
      this.#movedMs = this.#nowMs;
      peer.send(this.#nextBatch());
    }
    const { length } = this.#waiting;
    if (this.#room.any && length * 2 <= WAITING_MAX && !this.#full) this.#room.release();
  }

  #nextBatch(): Message[] {
    const batch: Message[] = [];
    let bytes = 0;
    const most = this.#again > 0 ? 1 : BATCH_MAX;
    this.#again = Math.max(0, this.#again - 1);
    while (batch.length < most && bytes < BATCH_BYTES) {
      const message = this.#waiting.take();
      if (message === undefined) break;
      bytes += message.http.byteLength;
      batch.push(message);
    }
    return batch;
  }

  async #launch(): Promise<void> {
    const peer: Peer = this.#options.launch({
      ready: () => this.#feed(),
      moved: () => {
        this.#movedMs = this.#nowMs;
      },
      closed: (clean, how) => this.#peerClosed(peer, clean, how),
    });
    await peer.start();
    if (this.#closed || this.#ended) {
      peer.kill();
      return;
    }
    this.#peer = peer;
    this.#bornMs = this.#nowMs;
    this.#movedMs = this.#bornMs;
    this.#hung = false;
    this.state = "running";
    this.#feed();
  }

  #peerClosed(peer: Peer, clean: boolean, how: string): void {
    // A peer that never ran rejected its start; a closed relay is accounted for by the engine.
    if (peer !== this.#peer) return;
    this.#peer = undefined;
    const held = peer.abandon();
    const { ledger, log, durable } = this.#context;
    if (this.#ended) {
      if (clean) ledger.withheld("ended", held);
      else if (!durable) ledger.lost("middleware-died", held);
      const fate = durable ? "stay in the journal" : "lost with it";
      if (!clean) log.warn(`${how}; ${held.length} messages ${fate}`);
      this.#gone();
      return;
    }
    this.#countDeath();
    const hung = this.#hung && this.#options.restartWhenHung;
    const lost = durable ? this.#giveAgain(held) : held;
    ledger.lost(hung ? "middleware-hung" : "middleware-died", lost);
    const again = durable ? `, ${held.length - lost.length} are given to the next` : "";
    this.#restart(`${how}; ${lost.length} messages lost with it${again}`);
  }

  /** Puts what a dead peer held in front of what waits; returns what was blamed too often. */
  #giveAgain(held: readonly InFlight[]): InFlight[] {
    const { again, lost } = this.#blame.died(held, this.#deathsInARow);
    this.#waiting.pushFront(again);
    this.#again += again.length;
    return lost;
  }

  #countDeath(): void {
    if (this.#nowMs - this.#bornMs >= HEALTHY_MS) {
      this.#deathsInARow = 0;
      this.#backoff.reset();
    }
    this.#deathsInARow += 1;
  }

  #restart(what: string): void {
    const delayMs = this.#backoff.next(Math.random());
    this.state = "restarting";
    this.#context.ledger.event("restart");
    this.#context.log.warn(`${what}; starting it again in ${Math.round(delayMs)} ms`);
    this.#restarter = setTimeout(() => {
      this.#launch().catch((error: unknown) => {
        if (this.#ended || this.#closed) return;
        this.#bornMs = this.#nowMs;
        this.#countDeath();
        this.#restart(error instanceof Error ? error.message : String(error));
      });
    }, delayMs);
    this.#restarter.unref();
  }

  #tick(): void {
    const nowMs = this.#nowMs;
    const peer = this.#peer;
    if (peer === undefined) return;
    peer.tick(nowMs);
    const since = peer.owesSinceMs;
    const silentMs = since === undefined ? 0 : nowMs - since;
    const hangs = silentMs >= this.#options.timeoutMs;
    if (hangs === this.#hung) return;
    this.#hung = hangs;
    this.state = hangs ? "hanging" : "running";
    if (!hangs) {
      this.#context.log.warn("goes on");
      return;
    }
    this.#context.ledger.event("hang");
    const waits = `${this.#waiting.length} messages wait for it`;
    this.#context.log.warn(
      `hangs: has read or returned nothing for ${Math.round(silentMs)} ms; ${waits}`,
    );
    if (!this.#options.restartWhenHung) return;
    peer.kill();
    this.#peerClosed(peer, false, "hung and was ended");
  }

  #loseWaiting(): void {
    const rest = this.#waiting.clear();
    if (rest.length > 0 && !this.#context.durable) this.#context.ledger.lost("ended", rest);
    this.#room.release();
  }
}

function copyOf({ kind, id, startedAt, latencyNs, http, context }: Message): Message {
  const raw = Buffer.concat(http.rawPieces());
  return { kind, id, startedAt, latencyNs, http: HttpMessage.fromRaw(raw), context };
}
