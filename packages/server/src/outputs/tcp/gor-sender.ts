/**
 * `--output-tcp-format gor`: spreads requests and original responses over the connections of a gor stream, as gor does:
 * in turns, or by a hash of the id. Replayed responses have no place in that stream and are left out.
 */
import { MessageKind, fnv1a32 } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Output, OutputContext, OutputStats } from "../../component/types.ts";
import { leftOutCounts } from "../../core/record/encode.ts";
import { GorWorker } from "./gor-worker.ts";
import type { LinkOptions } from "./link.ts";
import { Waiters } from "../../core/waiters.ts";

export interface GorSenderOptions {
  readonly reload: (() => void) | undefined;
  readonly link: Pick<LinkOptions, "address" | "tls" | "name">;
  readonly workers: number;
  readonly sticky: boolean;
}

export class GorSender implements Output {
  readonly reload: (() => void) | undefined;
  readonly #context: OutputContext;
  readonly #workers: readonly GorWorker[];
  readonly #sticky: boolean;
  #turn = 0;
  /** Taken, and waiting for room on the one connection it must go to. */
  #held: Message | undefined;
  #dealing = false;
  readonly #idle: Waiters = new Waiters();

  constructor(context: OutputContext, { link, workers, sticky, reload }: GorSenderOptions) {
    this.reload = reload;
    this.#context = context;
    this.#sticky = sticky;
    const { ledger, log } = context;
    const quietLog = { warn: () => {}, debug: log.debug.bind(log) };
    this.#workers = Array.from(
      { length: workers },
      // They share one fate: one of them tells of it.
      (_, i) =>
        new GorWorker(
          ledger,
          { ...link, log: i === 0 ? log : quietLog },
          {
            advanced: () => this.#deal(),
          },
        ),
    );
    context.queue.onReadable = () => this.#deal();
  }

  async start(): Promise<void> {
    for (const worker of this.#workers) worker.start();
  }

  async drain(): Promise<void> {
    if (this.#quiet) return;
    const idle = this.#idle.wait();
    this.#deal();
    await idle;
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.close();
    this.#idle.release();
  }

  stats(): OutputStats {
    let leftOut = 0;
    for (const worker of this.#workers) leftOut += worker.contextLeftOut;
    return { counts: leftOutCounts(leftOut) };
  }

  trouble(): string | undefined {
    for (const { trouble } of this.#workers) if (trouble !== undefined) return trouble;
    return undefined;
  }

  get #quiet(): boolean {
    if (this.#held !== undefined || this.#context.queue.length > 0) return false;
    return this.#workers.every((worker) => worker.quiet);
  }

  /** Gives out as many messages as find room. */
  #deal(): void {
    if (this.#dealing) return;
    this.#dealing = true;
    while (this.#dealOne());
    this.#dealing = false;
    if (this.#idle.any && this.#quiet) this.#idle.release();
  }

  #dealOne(): boolean {
    const free = this.#sticky ? undefined : this.#nextFree();
    if (!this.#sticky && free === undefined) return false;
    const message = this.#held ?? this.#context.queue.take();
    this.#held = undefined;
    if (message === undefined) return false;
    if (message.kind === MessageKind.replayed) {
      this.#context.ledger.filtered("replayed-response", [message]);
      return true;
    }
    const worker = free ?? this.#workers[fnv1a32(message.id) % this.#workers.length];
    if (worker === undefined || !worker.hasRoom) {
      this.#held = message;
      return false;
    }
    worker.push(message);
    return true;
  }

  /** In turns, the first message to the second connection, as in gor; connections without room are passed over. */
  #nextFree(): GorWorker | undefined {
    for (let tries = 0; tries < this.#workers.length; tries += 1) {
      this.#turn = (this.#turn + 1) % this.#workers.length;
      const worker = this.#workers[this.#turn];
      if (worker?.hasRoom === true) return worker;
    }
    return undefined;
  }
}
