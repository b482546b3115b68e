/**
 * Messages to a HAR 1.2 file. A request waits for its response, for a bounded number of others; what HAR has no place for is
 * counted: replayed responses, and responses without a request.
 */
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { MessageWriter } from "./format.ts";
import { harEntry } from "./har-fields.ts";
import type { FileSink } from "./sink.ts";

/** Requests that wait for their responses: seconds of a busy service. */
const WAITING_MAX = 10_000;
/** Bytes of them. */
const WAITING_BYTES_MAX: number = 256 * 1024 * 1024;

export function harWriter(sink: FileSink, version: string): MessageWriter {
  return new HarWriter(sink, version);
}

class HarWriter implements MessageWriter {
  readonly #sink: FileSink;
  readonly #opening: string;
  /** By id, the oldest first. */
  readonly #waiting: Map<string, Message> = new Map();
  readonly #lost: Map<string, number> = new Map();
  #waitingBytes = 0;
  #entries = 0;

  constructor(sink: FileSink, version: string) {
    this.#sink = sink;
    const creator = { name: "mirrorball", version };
    this.#opening = `{"log":{"version":"1.2","creator":${JSON.stringify(creator)},"entries":[\n`;
  }

  async write(batch: readonly Message[]): Promise<void> {
    for (const message of batch) {
      if (message.kind === MessageKind.request) await this.#wait(message);
      else if (message.kind === MessageKind.replayed) this.#lose("replayed responses");
      else await this.#answer(message);
    }
  }

  async end(): Promise<ReadonlyMap<string, number>> {
    for (const request of this.#waiting.values()) await this.#put(request, undefined);
    await this.#sink.write(Buffer.from(`${this.#entries === 0 ? this.#opening : ""}\n]}}\n`));
    return this.#lost;
  }

  async #wait(request: Message): Promise<void> {
    const earlier = this.#waiting.get(request.id);
    if (earlier !== undefined) await this.#release(earlier, undefined);
    this.#waiting.set(request.id, request);
    this.#waitingBytes += request.http.byteLength;
    for (const oldest of this.#waiting.values()) {
      const isFull = this.#waiting.size > WAITING_MAX || this.#waitingBytes > WAITING_BYTES_MAX;
      if (!isFull || oldest === request) break;
      await this.#release(oldest, undefined);
    }
  }

  async #answer(response: Message): Promise<void> {
    const request = this.#waiting.get(response.id);
    if (request === undefined) this.#lose("responses without a request before them");
    else await this.#release(request, response);
  }

  async #release(request: Message, response: Message | undefined): Promise<void> {
    this.#waiting.delete(request.id);
    this.#waitingBytes -= request.http.byteLength;
    await this.#put(request, response);
  }

  async #put(request: Message, response: Message | undefined): Promise<void> {
    const before = this.#entries === 0 ? this.#opening : ",\n";
    this.#entries += 1;
    await this.#sink.write(Buffer.from(before + harEntry(request, response)));
  }

  #lose(what: string): void {
    this.#lost.set(what, (this.#lost.get(what) ?? 0) + 1);
  }
}
