/**
 * Calls a plugin's handlers for the messages of a batch. In: parcels. Out: outcomes, one for each message, whatever a
 * handler does. Knows no thread: who carries parcels is elsewhere.
 */
import { MessageKind } from "@mirrorball/protocol";
import { ExchangeStore } from "./exchange-store.ts";
import { EditableMessage } from "./plugin-message.ts";
import { Outcome, OutcomeWriter, unpackBatch } from "./plugin-wire.ts";
import type { BatchParcel, OutcomesParcel, Unpacked } from "./plugin-wire.ts";
import { Waiters } from "../waiters.ts";

type Answer = false | void | Promise<false | void>;
type Handler = (message: EditableMessage, context: { readonly exchange: object }) => Answer;

/** The handlers of a plugin, as the runner needs them. */
export interface Handlers {
  readonly onRequest?: Handler | undefined;
  readonly onResponse?: Handler | undefined;
  readonly onReplay?: Handler | undefined;
}

export class PluginRunner {
  readonly #handlers: Handlers;
  readonly #onError: "pass" | "drop";
  readonly #send: (parcel: OutcomesParcel) => void;
  readonly #store: ExchangeStore = new ExchangeStore();
  readonly #writer: OutcomeWriter = new OutcomeWriter();
  #batching = false;
  #flushing = false;
  #pending = 0;
  readonly #idle: Waiters = new Waiters();

  constructor(
    handlers: Handlers,
    onError: "pass" | "drop",
    send: (parcel: OutcomesParcel) => void,
  ) {
    this.#handlers = handlers;
    this.#onError = onError;
    this.#send = send;
  }

  run(parcel: BatchParcel): void {
    this.#batching = true;
    unpackBatch(parcel, (message) => this.#call(message));
    this.#batching = false;
    this.#send(this.#writer.take(true));
  }

  /** Resolves when every handler has answered. */
  async idle(): Promise<void> {
    if (this.#pending > 0) await this.#idle.wait();
  }

  #call(unpacked: Unpacked): void {
    const handler = this.#handlerOf(unpacked.kind);
    if (handler === undefined) {
      this.#writer.put(unpacked.seq, Outcome.unchanged);
      return;
    }
    const { seq, raw } = unpacked;
    const message = new EditableMessage(unpacked, raw, unpacked.kind !== MessageKind.request);
    try {
      const answer = handler(message, new Context(this.#store, unpacked.id));
      if (answer instanceof Promise) void this.#await(seq, message, answer);
      else this.#settle(seq, message, answer);
    } catch (error) {
      this.#fail(seq, error);
    }
  }

  #handlerOf(kind: MessageKind): Handler | undefined {
    if (kind === MessageKind.request) return this.#handlers.onRequest;
    return kind === MessageKind.response ? this.#handlers.onResponse : this.#handlers.onReplay;
  }

  async #await(
    seq: number,
    message: EditableMessage,
    answer: Promise<false | void>,
  ): Promise<void> {
    this.#pending += 1;
    try {
      this.#settle(seq, message, await answer);
    } catch (error) {
      this.#fail(seq, error);
    }
    this.#pending -= 1;
    this.#flushSoon();
  }

  #settle(seq: number, message: EditableMessage, answer: false | void): void {
    if (answer === false) {
      this.#writer.put(seq, Outcome.dropped);
      return;
    }
    const bytes = message.changed();
    if (bytes === undefined) this.#writer.put(seq, Outcome.unchanged);
    else this.#writer.putChanged(seq, bytes);
  }

  #fail(seq: number, error: unknown): void {
    const drops = this.#onError === "drop";
    this.#writer.put(seq, drops ? Outcome.failedDropped : Outcome.failedPassed);
    this.#writer.putError(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Answers that come in the same turn go in one parcel. */
  #flushSoon(): void {
    if (this.#batching || this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      if (!this.#writer.empty) this.#send(this.#writer.take(false));
      if (this.#pending === 0) this.#idle.release();
    });
  }
}

class Context {
  readonly #store: ExchangeStore;
  readonly #id: string;

  constructor(store: ExchangeStore, id: string) {
    this.#store = store;
    this.#id = id;
  }

  get exchange(): object {
    return this.#store.of(this.#id);
  }
}
