/**
 * The way of a batch: comparer, stages in order, fan-out to the outputs' branches. Synchronous; the only thing that
 * can wait is the caller, on the promise that a full queue gives. With a relay the way has two halves: a batch enters
 * it, and what comes out of it goes on.
 *
 * A batch from the journal comes with its entry, which goes with it as far as the books of the journal: to the relay and to the branches.
 * Knows no component by name. A stage that throws loses the batch it was given, counted, and nothing else.
 */
import type { Message } from "@mirrorball/protocol";
import type { Accepted, Fate, Stage } from "../../component/types.ts";
import type { Relay } from "../../component/relay.ts";
import { NO_ENTRY } from "../../core/journal/settlement-tracker.ts";
import type { RelayAccount } from "../accounting/ledger.ts";
import type { StatusComparer } from "../accounting/status-comparer.ts";
import { isAside } from "./output-branch.ts";
import type { OutputBranch } from "./output-branch.ts";
import type { Splitter } from "./split.ts";

/** The part of the way in front of the stages, when there is a relay. */
export interface Entrance {
  readonly stages: readonly Stage[];
  readonly relay: Relay;
  readonly account: RelayAccount;
}

export interface PipelineParts {
  readonly entrance: Entrance | undefined;
  readonly stages: readonly Stage[];
  readonly branches: readonly OutputBranch[];
  readonly comparer: StatusComparer | undefined;
  /** With `--split-output`; without, every branch is offered everything. */
  readonly splitter: Splitter | undefined;
  readonly onError: (error: unknown) => void;
  /** Is shown what the branches are offered, and keeps nothing of the array; undefined when nobody wants to see. */
  readonly tap?: ((batch: readonly Message[]) => void) | undefined;
}

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #removed: (message: Message, fate: Fate, reason: string) => void;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#removed = (message, fate, reason) => this.#countRemoved(message, fate, reason);
  }

  /** Takes a batch; the array is changed. A promise asks the caller to wait before the next one. */
  emit(batch: Message[], entry: number = NO_ENTRY): Accepted {
    const { comparer, entrance } = this.#parts;
    comparer?.observe(batch);
    return entrance === undefined
      ? this.#forward(batch, entry)
      : this.#enter(entrance, batch, entry);
  }

  /** For outputs: with a relay they must not wait for it, because it may be waiting for them. */
  reenter(batch: Message[]): Accepted {
    const asides = batch.filter(isAside);
    if (asides.length === 0) return this.#reenter(batch);
    // No middleware and no count of statuses sees them.
    const wait = this.#forward(asides, NO_ENTRY);
    const others = batch.filter((message) => !isAside(message));
    const more = others.length === 0 ? undefined : this.#reenter(others);
    return wait === undefined || more === undefined ? (wait ?? more) : both(wait, more);
  }

  #reenter(batch: Message[]): Accepted {
    const wait = this.emit(batch);
    return this.#parts.entrance === undefined ? wait : undefined;
  }

  /** The way behind the relay, which knows what it holds of which entry. */
  forward(batch: Message[]): Accepted {
    return this.#forward(batch, NO_ENTRY);
  }

  #forward(batch: Message[], entry: number): Accepted {
    const { stages, splitter, branches, tap } = this.#parts;
    for (const stage of stages) {
      if (!this.#apply(stage, batch)) return undefined;
    }
    tap?.(batch);
    const parts = splitter?.split(batch);
    let wait: Accepted;
    for (let i = 0; i < branches.length; i += 1) {
      // Only who had something put in a full queue waits for it: an output that hands its answers on would else wait for
      // its own queue, which only it can empty.
      const room = branches[i]?.offer(parts?.[i] ?? batch, entry);
      if (room !== undefined) wait = wait === undefined ? room : both(wait, room);
    }
    return wait;
  }

  #enter({ stages, relay, account }: Entrance, batch: Message[], entry: number): Accepted {
    for (const stage of stages) {
      if (!this.#apply(stage, batch)) return undefined;
    }
    account.take(batch, entry);
    return relay.take(batch);
  }

  #apply(stage: Stage, batch: Message[]): boolean {
    try {
      batch.length = stage.process(batch, this.#removed);
      return true;
    } catch (error) {
      this.#parts.onError(error);
      for (const branch of this.#parts.branches) {
        const count = batch.filter((message) => branch.wants(message)).length;
        branch.account.removed("dropped", "internal-error", count);
      }
      return false;
    }
  }

  #countRemoved(message: Message, fate: Fate, reason: string): void {
    for (const branch of this.#parts.branches) {
      if (branch.wants(message)) branch.account.removed(fate, reason, 1);
    }
  }
}

async function both(a: Promise<void>, b: Promise<void>): Promise<void> {
  await a;
  await b;
}
