/** The answer of a tracked replay, up to a bound. In: body bytes from the parser. Out: an `HttpMessage`. */
import { HttpMessage, parseHead } from "@mirrorball/protocol";
import type { ResponseParser } from "../../core/http/response-parser.ts";

export class KeptAnswer {
  /** True when bytes had to be left out. */
  cut = false;
  readonly #bytesMax: number;
  readonly #take: (bytes: Uint8Array) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#take = (bytes) => this.#keep(bytes);
  }

  /** Begins anew, with what `parser` will read. */
  listen(parser: ResponseParser): void {
    parser.onBody = this.#take;
    this.#chunks = [];
    this.#bytes = 0;
    this.cut = false;
  }

  /** Content goes with the head as it came: it is framed anew only if somebody asks for bytes. */
  take(parser: ResponseParser): HttpMessage {
    const chunks = this.#chunks;
    this.#chunks = [];
    const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const trailers = parseHead(`GET / HTTP/1.1\r\n${parser.trailerText}`)?.headers;
    return HttpMessage.fromHeadText(parser.headText, body, trailers);
  }

  #keep(bytes: Uint8Array): void {
    const room = this.#bytesMax - this.#bytes;
    if (bytes.length > room) this.cut = true;
    if (room <= 0) return;
    // The bytes are the socket's and will be overwritten.
    const kept = Buffer.from(bytes.subarray(0, room));
    this.#chunks.push(kept);
    this.#bytes += kept.length;
  }
}
