/** What a relay (a middleware) is to the engine, and what it is given. Types only. */
import type { Message } from "@mirrorball/protocol";
import type { Accepted, Clock, LineSink, Logger } from "./types.ts";

/** What the books need of a message that is with a relay; its body is not kept for them. */
export type Origin = Pick<Message, "kind" | "id" | "context">;

/**
 * How a relay reports what became of the messages it took, each exactly once, in any order. At every moment
 * taken = returned + withheld + lost + inside. The arrays stay the caller's.
 */
export interface RelayLedger {
  /** It came back, changed or not, and is emitted. */
  returned(batch: readonly Origin[]): void;
  /** Its peer chose not to give it back: no loss. */
  withheld(reason: string, batch: readonly Origin[]): void;
  /** Gone against everybody's will. */
  lost(reason: string, batch: readonly Origin[]): void;
  /** Emitted beside what was taken: under a new id, one copy more, or after it had been given up. */
  added(count: number): void;
  /** What its peer said and could not be understood, by reason. */
  refused(reason: string): void;
  /** Something a person should know of, by name: `restart`, `hang`. */
  event(name: string, count?: number): void;
}

export interface RelayContext {
  readonly name: string;
  readonly ledger: RelayLedger;
  /** Hands a batch onwards, to the stages and outputs, behind `returned`. The array is the pipeline's from here on. */
  emit(batch: Message[]): Accepted;
  /**
   * A journal keeps what is inside until it is told what became of it: what a dying peer held is to be given to the next
   * one, and what is inside at the end is not to be reported at all, so that the next run reads it again.
   */
  readonly durable: boolean;
  /** What is inside keeps so much in the journal that nothing new may find room: what is overtaken is to be given up sooner. */
  journalNearLimit(): boolean;
  /** What a peer says to people. */
  readonly stderr: LineSink;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Takes messages and gives them back later, changed, fewer or more: what stages cannot do, as they are synchronous.
 * It stands behind all inputs and replayed responses, in front of the stages.
 */
export interface Relay {
  /** Rejects with an error that says what to do. */
  start(): Promise<void>;
  /** Takes a batch; the array is the relay's from here on. */
  take(batch: Message[]): Accepted;
  /** Resolves when nothing is inside, or nothing more can be expected of what is. */
  settled(): Promise<void>;
  /** No more will come: resolves when the peer has said its last word and everything inside is accounted for. */
  end(): Promise<void>;
  /** Frees everything at once; what is inside is settled as lost by the engine. Idempotent. */
  close(): Promise<void>;
  /** One word for the counters page: `running`, `restarting`, `hanging`. */
  readonly state: string;
}
