/** The answer of a tracked replay, up to a bound. In: body bytes from the parser. Out: an `HttpMessage`. */
import { HttpMessage, parseHead } from "@mirrorball/protocol";
import { processMemory } from "../../core/memory/process-memory.ts";
import { HeldBytes } from "../../core/memory/held-bytes.ts";
import type { ResponseParser } from "../../core/http/replayed/response-parser.ts";

export class KeptAnswer {
  /** True when bytes had to be left out. */
  cut = false;
  readonly #bytesMax: number;
  readonly #take: (bytes: Uint8Array) => void;
  /** The bytes are the socket's and will be overwritten. */
  readonly #held = new HeldBytes(processMemory.account(), true);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#take = (bytes) => this.#keep(bytes);
  }

  /** Begins anew, with what `parser` will read. */
  listen(parser: ResponseParser): void {
    parser.onBody = this.#take;
    this.#held.clear();
    this.cut = false;
  }

  /** Forgets what was kept. Idempotent. */
  release(): void {
    this.#held.clear();
  }

  /** Content goes with the head as it came: it is framed anew only if somebody asks for bytes. */
  take(parser: ResponseParser): HttpMessage {
    const body = this.#held.take();
    const trailers = parseHead(`GET / HTTP/1.1\r\n${parser.trailerText}`)?.headers;
    return HttpMessage.fromHeadText(parser.headText, body, trailers);
  }

  #keep(bytes: Uint8Array): void {
    const room = this.#bytesMax - this.#held.length;
    if (this.cut || !this.#held.add(bytes.subarray(0, room)) || bytes.length > room)
      this.cut = true;
  }
}
