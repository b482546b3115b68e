/**
 * The output behind `--output-http-elasticsearch`: takes messages from its queue, has them paired, makes a document of each
 * exchange and settles its messages when that is stored or refused.
 */
import { randomBytes } from "node:crypto";
import type { Message } from "@mirrorball/protocol";
import type { Output, OutputContext, OutputStats } from "../../component/types.ts";
import { documentOf } from "./document.ts";
import type { Exchange } from "./document.ts";
import { Indexer } from "./indexer.ts";
import type { Pending } from "./indexer.ts";
import { Pairing } from "./pairing.ts";
import { ElasticServer } from "./server.ts";
import type { IndexTarget } from "./target.ts";
import { Waiters } from "../../core/waiters.ts";

const SWEEP_MS = 250;
const TAKE_STEP = 64;
const RUN_ID_BYTES = 6;

export interface ExchangeOutputOptions {
  readonly target: IndexTarget;
  readonly skipVerify: boolean;
  readonly pairTimeoutMs: number;
}

interface ExchangeDocument extends Pending {
  readonly messages: readonly Message[];
}

export class ExchangeOutput implements Output {
  readonly #context: OutputContext;
  readonly #pairing: Pairing;
  readonly #server: ElasticServer;
  readonly #indexer: Indexer<ExchangeDocument>;
  /** Ids of documents must not meet those of another run, nor of a recording that is looped. */
  readonly #run: string = randomBytes(RUN_ID_BYTES).toString("hex");
  #documents = 0;
  #unanswered = 0;
  #draining = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #idle: Waiters = new Waiters();

  constructor(
    context: OutputContext,
    { target, skipVerify, pairTimeoutMs }: ExchangeOutputOptions,
  ) {
    this.#context = context;
    this.#pairing = new Pairing({
      timeoutMs: pairTimeoutMs,
      exchange: (exchange) => this.#write(exchange),
      stray: (message, why) => {
        if (why === "stored") context.ledger.filtered("already-stored", [message]);
        else context.ledger.dropped("unpaired", [message]);
      },
    });
    this.#server = new ElasticServer(target, skipVerify);
    this.#indexer = new Indexer(this.#server, {
      stored: (documents) => {
        for (const { messages } of documents) context.ledger.delivered(messages);
        this.#pull();
      },
      rejected: (documents) => {
        for (const { messages } of documents) context.ledger.failed("rejected", messages);
        this.#pull();
      },
      say: (line) => context.log.warn(line),
    });
    context.queue.onReadable = () => this.#pull();
  }

  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#pairing.sweep(this.#context.clock.monotonicMs());
      this.#pull();
    }, SWEEP_MS);
  }

  /**
   * The first time it waits for its queue only: the outputs that replay are draining beside it. When it is asked again they
   * are done, and what has no answer by now gets none.
   */
  async drain(): Promise<void> {
    this.#indexer.hurry();
    this.#pull();
    if (this.#draining) this.#pairing.end();
    this.#draining = true;
    if (this.#isIdle) return;
    await this.#idle.wait();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#idle.release();
    this.#indexer.close();
    await this.#server.close();
  }

  stats(): OutputStats {
    return {
      counts: {
        documents: this.#documents,
        withoutAnswer: this.#unanswered,
        sentAgain: this.#indexer.retried,
        waitingForAnswer: this.#pairing.waiting,
      },
    };
  }

  trouble(): string | undefined {
    return this.#indexer.trouble;
  }

  get #isIdle(): boolean {
    return this.#context.queue.length === 0 && this.#indexer.isEmpty;
  }

  /** Takes what there is room for; the rest waits in the queue, and is dropped there, counted, when that is full. */
  #pull(): void {
    const { queue, clock } = this.#context;
    const nowMs = clock.monotonicMs();
    while (queue.length > 0 && !this.#indexer.isFull) {
      for (const message of queue.takeBatch(TAKE_STEP)) this.#pairing.take(message, nowMs);
    }
    if (this.#idle.any && this.#isIdle) this.#idle.release();
  }

  #write(exchange: Exchange): void {
    const { request, original, replayed } = exchange;
    const messages = [request, original, replayed].filter((message) => message !== undefined);
    const document = documentOf(exchange, this.#context.clock.nowUs());
    if (document === undefined) {
      this.#context.ledger.failed("unparsable", messages);
      return;
    }
    this.#documents += 1;
    if (replayed === undefined) this.#unanswered += 1;
    const id = `${this.#run}-${this.#documents}`;
    this.#indexer.push({ id, source: JSON.stringify(document), attempts: 0, messages });
  }
}
