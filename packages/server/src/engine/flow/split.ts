/**
 * `--split-output`: which output a message goes to when outputs share the traffic instead of each getting all of it.
 * In: batches. Out: a batch for every lane. Requests take turns; a response goes where its request went (gor let
 * responses take turns, too, so that they went elsewhere).
 */
import { MessageKind, fnv1a32 } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { TwoGenerations } from "../../core/two-generations.ts";

/**
 * Requests whose output is remembered: between this many and twice as many. A response that comes later than so many
 * requests takes a turn of its own.
 */
const REMEMBERED_REQUESTS: number = 65_536;

export class Splitter {
  /** For every lane: whether it takes its turn. One that takes no requests gets all it takes. */
  readonly #shares: readonly boolean[];
  readonly #turns: readonly number[];
  readonly #byId: boolean;
  #turn = 0;
  readonly #laneOfRequest: TwoGenerations<number>;

  /** `byId`: decide by a hash of the id instead of in turn, so that it is the same again after a restart. */
  constructor(
    shares: readonly boolean[],
    byId = false,
    generationSize: number = REMEMBERED_REQUESTS,
  ) {
    this.#shares = shares;
    this.#byId = byId;
    this.#turns = shares.flatMap((takesTurns, lane) => (takesTurns ? [lane] : []));
    this.#laneOfRequest = new TwoGenerations(generationSize);
  }

  /** What of `batch` each lane is offered. */
  split(batch: readonly Message[]): Message[][] {
    const parts: Message[][] = this.#shares.map(() => []);
    for (const message of batch) {
      const lane = this.#laneOf(message);
      this.#shares.forEach((takesTurns, i) => {
        if (!takesTurns || lane === undefined || lane === i) parts[i]?.push(message);
      });
    }
    return parts;
  }

  /** Undefined for a replayed response: it is a result, and goes to all who take results. */
  #laneOf({ kind, id }: Message): number | undefined {
    if (kind === MessageKind.replayed) return undefined;
    if (this.#byId) return this.#turns[fnv1a32(id) % this.#turns.length];
    const known = kind === MessageKind.response ? this.#laneOfRequest.get(id) : undefined;
    if (known !== undefined) return known;
    const lane = this.#turns[this.#turn];
    this.#turn = (this.#turn + 1) % Math.max(1, this.#turns.length);
    if (kind === MessageKind.request && lane !== undefined) this.#laneOfRequest.set(id, lane);
    return lane;
  }
}
