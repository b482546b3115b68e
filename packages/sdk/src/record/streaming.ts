/**
 * Exchanges that travel in pieces, because they are large or take long: head, chunks as they come, end. In: exchanges that their
 * recorder has in its books. Out: records, to the batch. What has gone to the batch is given back to the budget. Knows nothing of
 * when an exchange begins to travel so: `recorder.ts` does.
 */
import {
  ABANDON,
  CHUNK_BYTES_MAX,
  REQUEST_CHUNK,
  RESPONSE_CHUNK,
  recordOf,
} from "@mirrorball/protocol/producing";
import type { WireRecord } from "@mirrorball/protocol/producing";
import type { Batch } from "../send/batch.ts";
import type { BodyTrack } from "../exchange/body-track.ts";
import type { ByteBudget } from "../exchange/byte-budget.ts";
import { ExchangePhase } from "../exchange/exchange.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { chunkRecord } from "./record-writer.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { DropReason } from "../stats/stats.ts";

export class Streaming {
  readonly #writer: RecordWriter;
  readonly #batch: Batch;
  readonly #budget: ByteBudget;

  constructor(writer: RecordWriter, batch: Batch, budget: ByteBudget) {
    this.#writer = writer;
    this.#batch = batch;
    this.#budget = budget;
  }

  /** From here on the exchange travels in pieces; or says why it cannot. */
  begin(exchange: Exchange): DropReason | undefined {
    const head = this.#writer.requestHead(exchange);
    if (typeof head === "string") return head;
    // The host's `tags` was called for it, and may have closed the mirror.
    if (!exchange.isOpen) return undefined;
    if (!this.#batch.push(head)) return "head-too-large";
    if (exchange.phase === ExchangePhase.whole) exchange.phase = ExchangePhase.streamed;
    exchange.progress = { requestEndSent: false, responseHeadSent: false };
    const refused = this.request(exchange);
    if (refused === undefined) this.body(exchange, exchange.response);
    return refused;
  }

  /** What there is of the request, and its end once it has ended; or says why the exchange cannot go on. */
  request(exchange: Exchange): DropReason | undefined {
    this.body(exchange, exchange.request);
    return this.#pushAll(this.#writer.requestEnd(exchange) ?? []);
  }

  /** What there is of one of its bodies, unless that must be whole first. */
  body(exchange: Exchange, body: BodyTrack): void {
    body.settle();
    body.judge();
    if (body.heldBack || body.chunks.length === 0 || !exchange.isOpen) return;
    if (body === exchange.response && !this.#openResponse(exchange)) return;
    const table = body === exchange.request ? REQUEST_CHUNK : RESPONSE_CHUNK;
    const { chunks } = body;
    // The batch weighs them from here on.
    this.#budget.letGo(body);
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES_MAX) {
        const bytes = chunk.subarray(at, at + CHUNK_BYTES_MAX);
        this.#batch.push(chunkRecord(table, exchange.number, bytes));
      }
    }
  }

  /** Everything that it still owes; or says why it cannot be told, as when its trailers are more than a record may hold. */
  end(exchange: Exchange, endedUs: number): DropReason | undefined {
    const refused = this.#pushAll(this.#writer.remainingRecords(exchange, endedUs));
    if (refused !== undefined) this.abandon(exchange, refused);
    return refused;
  }

  #pushAll(records: readonly WireRecord[]): DropReason | undefined {
    return records.every((record) => this.#batch.push(record)) ? undefined : "head-too-large";
  }

  /** What was sent of it is called back. */
  abandon(exchange: Exchange, reason: DropReason): void {
    this.#batch.push(recordOf(ABANDON, { exchange: exchange.number, reason }));
  }

  /** The response's head goes before its first chunk; false while there is none, or none is wanted. */
  #openResponse(exchange: Exchange): boolean {
    const { progress } = exchange;
    if (progress === undefined) return false;
    if (progress.responseHeadSent) return true;
    const head = this.#writer.responseHead(exchange);
    if (head === undefined) return false;
    progress.responseHeadSent = true;
    this.#batch.push(head);
    return true;
  }
}
