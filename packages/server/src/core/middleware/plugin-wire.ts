/**
 * Batches between the server's thread and a plugin's: one message of the port each, bytes in buffers that change
 * hands instead of being copied. What a plugin left as it was does not travel back.
 *
 * In: messages; out: a parcel; and back, from outcomes to a parcel and from a parcel to calls.
 */
import type { Message, MessageContext, MessageKind } from "@mirrorball/protocol";
import { timestampToUs } from "@mirrorball/protocol";

/** What became of a message, where it is not changed bytes, whose length stands here instead. */
export const Outcome = { unchanged: -1, dropped: -2, failedPassed: -3, failedDropped: -4 } as const;

/** Where the numbers of one message stand in its part of `BatchParcel.figures`. Both ends are always of one build. */
const FIGURE_AT = { kind: 0, bytes: 1, startedAtMs: 2, latencyMs: 3 } as const;
const FIGURES = Object.keys(FIGURE_AT).length;

export interface BatchParcel {
  readonly type: "batch";
  /** Number of the first message; the others follow. */
  readonly first: number;
  readonly ids: string[];
  readonly figures: Float64Array<ArrayBuffer>;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Absent when nothing is known of any. */
  readonly contexts: (MessageContext | undefined)[] | undefined;
}

export interface OutcomesParcel {
  readonly type: "outcomes";
  /** True on the one parcel that follows each batch when its handlers have returned. */
  readonly batchDone: boolean;
  /** Number and outcome, alternating. */
  readonly outcomes: Float64Array<ArrayBuffer>;
  /** The bytes of the changed ones, in that order. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly errors: number;
  /** One of them, in words. */
  readonly error: string;
}

export function packBatch(batch: readonly Message[], first: number): BatchParcel {
  const figures = new Float64Array(batch.length * FIGURES);
  const ids: string[] = [];
  const pieces: Uint8Array[] = [];
  let contexts: (MessageContext | undefined)[] | undefined;
  for (const [i, { kind, id, startedAt, latencyNs, http, context }] of batch.entries()) {
    let length = 0;
    for (const piece of http.rawPieces()) {
      pieces.push(piece);
      length += piece.length;
    }
    ids.push(id);
    const at = i * FIGURES;
    figures[at + FIGURE_AT.kind] = kind;
    figures[at + FIGURE_AT.bytes] = length;
    figures[at + FIGURE_AT.startedAtMs] = timestampToUs(startedAt) / 1000;
    figures[at + FIGURE_AT.latencyMs] = latencyNs === undefined ? Number.NaN : latencyNs / 1e6;
    if (context === undefined) continue;
    contexts ??= Array.from({ length: batch.length });
    contexts[i] = context;
  }
  return { type: "batch", first, ids, figures, bytes: gather(pieces), contexts };
}

export interface Unpacked {
  readonly seq: number;
  readonly kind: MessageKind;
  readonly id: string;
  readonly startedAtMs: number;
  readonly latencyMs: number | undefined;
  readonly context: MessageContext;
  readonly raw: Uint8Array;
}

const NOTHING_KNOWN: MessageContext = {};

export function unpackBatch(parcel: BatchParcel, each: (message: Unpacked) => void): void {
  const { first, ids, figures, bytes, contexts } = parcel;
  let at = 0;
  for (const [i, id] of ids.entries()) {
    const own = figures.subarray(i * FIGURES, (i + 1) * FIGURES);
    const length = own[FIGURE_AT.bytes] ?? 0;
    const latency = own[FIGURE_AT.latencyMs] ?? Number.NaN;
    each({
      seq: first + i,
      // Written by `packBatch`, from a message.
      kind: own[FIGURE_AT.kind] as MessageKind,
      id,
      startedAtMs: own[FIGURE_AT.startedAtMs] ?? 0,
      latencyMs: Number.isNaN(latency) ? undefined : latency,
      context: contexts?.[i] ?? NOTHING_KNOWN,
      raw: bytes.subarray(at, at + length),
    });
    at += length;
  }
}

/** Collects outcomes until they are sent. */
export class OutcomeWriter {
  #outcomes: number[] = [];
  #pieces: Uint8Array[] = [];
  #errors = 0;
  #error = "";

  get empty(): boolean {
    return this.#outcomes.length === 0;
  }

  put(seq: number, outcome: number): void {
    this.#outcomes.push(seq, outcome);
  }

  putChanged(seq: number, bytes: Uint8Array): void {
    this.#outcomes.push(seq, bytes.length);
    this.#pieces.push(bytes);
  }

  putError(text: string): void {
    this.#errors += 1;
    if (this.#error === "") this.#error = text;
  }

  take(batchDone: boolean): OutcomesParcel {
    const parcel: OutcomesParcel = {
      type: "outcomes",
      batchDone,
      outcomes: Float64Array.from(this.#outcomes),
      bytes: gather(this.#pieces),
      errors: this.#errors,
      error: this.#error,
    };
    this.#outcomes = [];
    this.#pieces = [];
    this.#errors = 0;
    this.#error = "";
    return parcel;
  }
}

export function readOutcomes(
  { outcomes, bytes }: OutcomesParcel,
  each: (seq: number, outcome: number, changed: Uint8Array | undefined) => void,
): void {
  let at = 0;
  for (let i = 0; i + 1 < outcomes.length; i += 2) {
    const seq = outcomes[i] ?? -1;
    const outcome = outcomes[i + 1] ?? Outcome.unchanged;
    if (outcome < 0) {
      each(seq, outcome, undefined);
      continue;
    }
    each(seq, outcome, bytes.subarray(at, at + outcome));
    at += outcome;
  }
}

/** One buffer that can change hands: not a slice of a pool. */
function gather(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
