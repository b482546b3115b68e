/**
 * A text file as UTF-8, whatever of Unicode's two-byte forms it came in (PowerShell's `>` writes such). In: a source. Out: the
 * same, or its UTF-8, told by the byte-order mark. Nothing else is looked at.
 */
import { TextDecoder } from "node:util";
import type { ByteSource } from "./plain-source.ts";

const LITTLE = 0xfffe;
const BIG = 0xfeff;

export class Utf8Source implements ByteSource {
  readonly #source: ByteSource;
  #isFirst = true;
  #decoder: TextDecoder | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get fileBytesRead(): number {
    return this.#source.fileBytesRead;
  }

  async next(): Promise<Buffer | undefined> {
    const piece = await this.#source.next();
    if (this.#isFirst && piece !== undefined) {
      this.#isFirst = false;
      const mark = piece.length < 2 ? 0 : piece.readUInt16BE(0);
      if (mark === LITTLE) this.#decoder = new TextDecoder("utf-16le");
      else if (mark === BIG) this.#decoder = new TextDecoder("utf-16be");
    }
    const decoder = this.#decoder;
    if (decoder === undefined) return piece;
    if (piece !== undefined) return Buffer.from(decoder.decode(piece, { stream: true }));
    this.#decoder = undefined;
    // Half a character may be left.
    const rest = decoder.decode();
    return rest === "" ? undefined : Buffer.from(rest);
  }

  close(): void {
    this.#source.close();
  }
}
