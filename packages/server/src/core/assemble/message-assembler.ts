/**
 * From `message` records to messages, for one producer. Sans-IO.
 *
 * In: the records of a producer in order. Out: messages as soon as they are whole. A large one comes in pieces with
 * nothing between; while one is under way `midMessage` is true and what came of it must not be acknowledged, so that its
 * producer sends it again, from its beginning, to whoever comes after us.
 */
import {
  BodyState,
  MESSAGE_AT,
  MESSAGE_MORE_AT,
  RecordType,
  messageOf,
} from "@mirrorball/protocol";
import type { Message, MessageMoreRecord, MessageRecord } from "@mirrorball/protocol";
import { PartialBody } from "./partial-body.ts";
import type { MemoryAccount } from "../memory/budget.ts";

interface OpenMessage {
  /** Where its beginning came from; see `Assembler.position`. */
  readonly since: number;
  readonly record: MessageRecord;
  readonly body: PartialBody;
  restBytes: number;
}

export class MessageAssembler {
  readonly #memory: MemoryAccount;
  readonly #lost: (reason: string) => void;
  #open: OpenMessage | undefined;
  #refusedNumber: number | undefined;

  /** `lost` is told of messages that cannot be given out. */
  constructor(memory: MemoryAccount, lost: (reason: string) => void) {
    this.#memory = memory;
    this.#lost = lost;
  }

  get midMessage(): boolean {
    return this.#open !== undefined;
  }

  /** Where the message under way began; undefined when there is none. */
  get oldestPosition(): number | undefined {
    return this.#open?.since;
  }

  take(record: MessageRecord | MessageMoreRecord, position: number, out: Message[]): void {
    if (record[0] === RecordType.messageMore) {
      this.#more(record, out);
      return;
    }
    // A producer that begins another message in the middle of one has given the first up; one that begins the same one
    // again was restarted in the middle of it.
    if (this.#open !== undefined && !isSame(this.#open.record, record)) this.#lost("broken-off");
    this.restart();
    const restBytes = record[MESSAGE_AT.restBytes];
    if (restBytes === 0) this.#give(messageOf(record), out);
    else {
      const body = new PartialBody(this.#memory);
      this.#open = { since: position, record, body, restBytes };
    }
  }

  /** A piece of the message under way was refused: nothing can become of it, and its other pieces are left out. */
  refused(): void {
    if (this.#open === undefined) return;
    this.#lost("refused");
    this.#refusedNumber = this.#open.record[MESSAGE_AT.number];
    this.restart();
  }

  /** Forgets the message under way: it will come again from its beginning, or never. */
  restart(): void {
    this.#open?.body.release();
    this.#open = undefined;
  }

  #more(record: MessageMoreRecord, out: Message[]): void {
    const open = this.#open;
    const number = record[MESSAGE_MORE_AT.number];
    const bytes = record[MESSAGE_MORE_AT.bytes];
    if (open === undefined && number === this.#refusedNumber) return;
    const isNext = open !== undefined && open.record[MESSAGE_AT.number] === number;
    if (!isNext || bytes.length > open.restBytes) {
      // Not ours to guess: pieces of a message whose beginning is not here.
      this.#lost("orphan");
      this.restart();
      return;
    }
    open.body.push(bytes);
    open.restBytes -= bytes.length;
    if (open.restBytes > 0) return;
    this.#open = undefined;
    const state = open.body.cut ? BodyState.truncated : open.record[MESSAGE_AT.bodyState];
    this.#give(messageOf(open.record, open.body.take(), state), out);
  }

  #give(message: Message | undefined, out: Message[]): void {
    if (message === undefined) this.#lost("unknown-kind");
    else out.push(message);
  }
}

/** Kind and id. */
function isSame(a: MessageRecord, b: MessageRecord): boolean {
  return a[MESSAGE_AT.kind] === b[MESSAGE_AT.kind] && a[MESSAGE_AT.id] === b[MESSAGE_AT.id];
}
