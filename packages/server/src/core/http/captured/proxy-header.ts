/**
 * The header that a load balancer puts before the first request of a connection: the PROXY protocol of HAProxy, versions 1
 * and 2. It is noise of a connection, not a fault. Nothing of it is held, and what it says is not read.
 */

/** What its bytes are counted under. */
export const PROXY_HEADER = "proxy-protocol";

const LINE: Uint8Array = Buffer.from("PROXY ");

/** Version 1, a line. */
export function isProxyLine(bytes: Uint8Array): boolean {
  return LINE.every((byte, i) => bytes[i] === byte);
}

/** What version 2 begins with. The first four bytes are also empty lines before a request (RFC 9112 2.2). */
const SIGNATURE: Uint8Array = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family, and two bytes of length. */
const FIXED_BYTES = 16;
const LENGTH_AT = 14;
/** Bytes of the longest header of version 2: its length has two bytes. */
export const PROXY_HEADER_BYTES_MAX: number = FIXED_BYTES + 0xffff;
/** Version 2 and what the connection is: the load balancer's own (LOCAL) or a client's (PROXY). Receivers refuse others. */
const LOCAL = 0x20;
const PROXY = 0x21;

/** A header of version 2 that comes at any split. */
export class ProxyHeader {
  /** The byte at which `take` stopped cannot belong to a header. */
  isOther = false;
  #fixedBytes = 0;
  /** Bytes to come behind the fixed part. */
  #remaining = 0;

  /** Takes what belongs to it and returns the place behind it. */
  take(chunk: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#fixedBytes < FIXED_BYTES) {
      const byte = chunk[at] ?? 0;
      this.isOther = !this.#fits(byte);
      if (this.isOther) return at;
      if (this.#fixedBytes >= LENGTH_AT) this.#remaining = this.#remaining * 256 + byte;
      this.#fixedBytes += 1;
      at += 1;
    }
    const stop = Math.min(end, at + this.#remaining);
    if (this.#fixedBytes < FIXED_BYTES) return at;
    this.#remaining -= stop - at;
    return stop;
  }

  /** Whether a hole of `bytes` leaves the end of the header known; if so it is behind it now. */
  skip(bytes: number): boolean {
    if (this.#fixedBytes < FIXED_BYTES || bytes > this.#remaining) return false;
    this.#remaining -= bytes;
    return true;
  }

  get isWhole(): boolean {
    return this.#fixedBytes === FIXED_BYTES && this.#remaining === 0;
  }

  /** What was taken and may be something else yet. */
  get doubtful(): Uint8Array {
    const isCertain = this.#fixedBytes > SIGNATURE.length;
    return SIGNATURE.subarray(0, isCertain ? 0 : this.#fixedBytes);
  }

  #fits(byte: number): boolean {
    if (this.#fixedBytes < SIGNATURE.length) return byte === SIGNATURE[this.#fixedBytes];
    return this.#fixedBytes > SIGNATURE.length || byte === PROXY || byte === LOCAL;
  }
}
