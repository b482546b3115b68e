/** What a comparison keeps for its judge. Types only: who compares and who judges need not know each other. */
import type { EndpointRecord } from "./endpoint-record.ts";
import type { Pairing } from "./pairing.ts";
import type { ExchangeRef } from "./differences/place.ts";
import type { WriteOrder } from "./noise/write-order.ts";
import type { Renaming } from "./renaming.ts";
import type { ComparisonOptions } from "./types.ts";

export interface Kept {
  readonly options: ComparisonOptions;
  readonly renaming: Renaming;
  /** How the control calls what the recording has: it has ids of its own. */
  readonly controlRenaming: Renaming;
  readonly endpoints: ReadonlyMap<string, EndpointRecord>;
  readonly pairing: Pairing;
  /** Writes that were recorded and not replayed. */
  readonly unsentWrites: readonly ExchangeRef[];
  readonly writes: Pick<WriteOrder, "isOpen">;
  /** Sessions of which the target took the token at least once. */
  readonly acceptedSessions: ReadonlySet<number>;
  readonly failed: number;
  /** Exchanges for which the control gave no answer. */
  readonly controlFailed: number;
  readonly compared: number;
  readonly statusAlike: number;
  /** How much later exchanges were replayed than recorded, in milliseconds: the least and the most. */
  readonly shiftMinMs: number;
  readonly shiftMaxMs: number;
}
