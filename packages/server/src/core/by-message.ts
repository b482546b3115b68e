/**
 * Items that wait under a message's kind and id, the oldest taken first. One queue a kind, so that no key is put together from
 * the two: an id is a string that was hashed once, a new string would be hashed each time. Sans-IO.
 */
import type { Message, MessageKind } from "@mirrorball/protocol";
import { KeyedFifo } from "./keyed-fifo.ts";
import type { Chained } from "./keyed-fifo.ts";

/** What names a message; middleware and rules may replace the object. */
export type MessageName = Pick<Message, "kind" | "id">;

export class ByMessage<T extends Chained<T>> {
  /** In the order of the kinds. */
  readonly byKind: readonly KeyedFifo<T>[] = [new KeyedFifo(), new KeyedFifo(), new KeyedFifo()];

  has({ kind, id }: MessageName): boolean {
    return this.#of(kind).has(id);
  }

  /** The item must be in no other queue. */
  add({ kind, id }: MessageName, item: T): void {
    this.#of(kind).add(id, item);
  }

  /** Takes out the oldest of this kind and id. */
  take({ kind, id }: MessageName): T | undefined {
    return this.#of(kind).take(id);
  }

  /** Takes out everything, kind by kind. */
  clear(): T[] {
    return this.byKind.flatMap((queue) => queue.clear());
  }

  #of(kind: MessageKind): KeyedFifo<T> {
    const queue = this.byKind[kind - 1];
    if (queue === undefined) throw new Error(`no message has kind ${String(kind)}`);
    return queue;
  }
}
