/**
 * Finds the end of a chunked body in a stream (RFC 9112 7.1). Sans-IO: bytes in, at any split; out, how far the body
 * reaches, and what is doubtful about it. Keeps no bytes.
 *
 * Strict where parsers disagree about where a body ends: there it gives up (`fault`). Where they agree on the end and
 * only quarrel about form (blanks, bare LF), it goes on and says so (`ambiguity`).
 */
import type { StreamLimits } from "./stream-limits.ts";

const Part = {
  size: 0,
  extension: 1,
  lineLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  trailerStart: 6,
  trailer: 7,
  endLf: 8,
  done: 9,
} as const;
type Part = (typeof Part)[keyof typeof Part];

const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const DEL = 0x7f;

export class ChunkScanner {
  /** Why the end cannot be found, or "". */
  fault = "";
  /** The first reason to distrust the body, or "". */
  ambiguity = "";
  readonly #limits: StreamLimits;
  #part: Part = Part.size;
  #size = 0;
  #digits = 0;
  #blank = false;
  #remaining = 0;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #colon = false;
  #lastWasCr = false;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#part === Part.done;
  }

  /** Bytes that may be missing from here without making the rest unreadable. */
  get skippable(): number {
    return this.#part === Part.data ? this.#remaining : 0;
  }

  /** Takes `count` bytes of chunk data for read; at most `skippable`. */
  skip(count: number): void {
    this.#remaining -= count;
    if (this.#remaining === 0) this.#part = Part.dataCr;
  }

  /** Reads from `at`; returns the first place it did not take: behind the body, at the fault, or `end`. */
  scan(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && this.#part !== Part.done && this.fault === "") {
      if (this.#part === Part.data) {
        const taken = Math.min(this.#remaining, end - at);
        this.skip(taken);
        at += taken;
      } else {
        this.#step(bytes[at] ?? 0);
        if (this.fault === "") at += 1;
      }
    }
    return at;
  }

  #step(byte: number): void {
    switch (this.#part) {
      case Part.size:
        this.#stepSize(byte);
        break;
      case Part.extension:
        this.#stepExtension(byte);
        break;
      case Part.lineLf:
        if (byte === LF) this.#endLine();
        else this.fault = "chunk-bare-cr";
        break;
      case Part.dataCr:
        if (byte === CR) this.#part = Part.dataLf;
        else if (byte === LF) this.#nextChunk("chunk-bare-lf");
        else this.fault = "chunk-data";
        break;
      case Part.dataLf:
        if (byte === LF) this.#nextChunk("");
        else this.fault = "chunk-data";
        break;
      case Part.trailerStart:
        this.#startTrailer(byte);
        break;
      case Part.trailer:
        this.#stepTrailer(byte);
        break;
      case Part.endLf:
        if (byte === LF) this.#part = Part.done;
        else this.fault = "trailer";
        break;
      case Part.data:
      case Part.done:
        break;
    }
  }

  #stepSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0 && !this.#blank) {
      this.#digits += 1;
      this.#size = this.#size * 16 + digit;
      if (this.#digits > this.#limits.chunkDigitsMax) this.fault = "chunk-size-digits";
      else if (this.#size > Number.MAX_SAFE_INTEGER) this.fault = "chunk-size-overflow";
    } else if (this.#digits === 0) {
      this.fault = "chunk-size";
    } else if (byte === CR) {
      this.#part = Part.lineLf;
    } else if (byte === LF) {
      this.#markAmbiguous("chunk-bare-lf");
      this.#endLine();
    } else if (byte === SEMICOLON) {
      this.#part = Part.extension;
    } else if (byte === SP || byte === HT) {
      this.#blank = true;
      this.#markAmbiguous("chunk-size-blank");
    } else {
      this.fault = "chunk-size";
    }
  }

  #stepExtension(byte: number): void {
    if (byte === CR) {
      this.#part = Part.lineLf;
      return;
    }
    if (byte === LF) {
      this.#markAmbiguous("chunk-bare-lf");
      this.#endLine();
      return;
    }
    this.#extensionBytes += 1;
    if (this.#extensionBytes > this.#limits.chunkExtensionBytesMax) {
      this.fault = "chunk-extension-bytes";
    } else if ((byte < SP && byte !== HT) || byte === DEL) {
      this.#markAmbiguous("chunk-extension");
    }
  }

  #endLine(): void {
    this.#remaining = this.#size;
    this.#part = this.#size === 0 ? Part.trailerStart : Part.data;
  }

  #nextChunk(doubt: string): void {
    if (doubt !== "") this.#markAmbiguous(doubt);
    this.#part = Part.size;
    this.#size = 0;
    this.#digits = 0;
    this.#blank = false;
  }

  #startTrailer(byte: number): void {
    if (byte === CR) {
      this.#part = Part.endLf;
    } else if (byte === LF) {
      this.#part = Part.done;
    } else {
      this.#part = Part.trailer;
      this.#colon = false;
      this.#lastWasCr = false;
      if (byte === SP || byte === HT) this.#markAmbiguous("trailer");
      this.#stepTrailer(byte);
    }
  }

  #stepTrailer(byte: number): void {
    this.#trailerBytes += 1;
    if (this.#trailerBytes > this.#limits.trailerBytesMax) {
      this.fault = "trailer-bytes";
    } else if (byte === LF) {
      if (!this.#colon) this.#markAmbiguous("trailer");
      this.#part = Part.trailerStart;
    } else {
      if (this.#lastWasCr || (byte < SP && byte !== HT && byte !== CR))
        this.#markAmbiguous("trailer");
      if (byte === COLON) this.#colon = true;
    }
    this.#lastWasCr = byte === CR;
  }

  #markAmbiguous(reason: string): void {
    if (this.ambiguity === "") this.ambiguity = reason;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
