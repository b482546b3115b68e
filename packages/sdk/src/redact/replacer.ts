/**
 * What stands instead of a secret: a fixed mark, or a pseudonym. A pseudonym is an HMAC of the value, cut: the same value has the
 * same one in every place and process that has the key, whatever its name, so that records can be joined and sessions
 * replayed. Whole numbers get digits, so that what expects a number finds one. Without the key nobody gets from one to the other.
 */
import { createHmac } from "node:crypto";

export type ReplaceAs = "mark" | "pseudonym";

/** 96 bits: no two values meet by chance. */
const PSEUDONYM_BYTES = 12;
/** 15 digits, the first not 0: exact in every language's double. */
const DIGITS_MIN = 100_000_000_000_000n;
const DIGITS_SPAN = 900_000_000_000_000n;

/** Thrown where a text cannot be looked into; who catches it leaves the text out. */
export class CannotLook extends Error {}

export class Replacer {
  readonly mark: string;
  readonly #key: string | Uint8Array | undefined;

  constructor(mark: string, key: string | Uint8Array | undefined) {
    this.mark = mark;
    this.#key = key;
  }

  replace(value: string, as: ReplaceAs): string {
    if (as === "mark" || this.#key === undefined) return this.mark;
    if (value === "") return value;
    return /^\d+$/.test(value) ? this.digits(value) : this.#hash(value).toString("hex");
  }

  /** A pseudonym that is a whole number; undefined without a key. */
  digits(value: string): string {
    return String(DIGITS_MIN + (this.#hash(value).readBigUInt64BE() % DIGITS_SPAN));
  }

  #hash(value: string): Buffer {
    if (this.#key === undefined) throw new CannotLook("there is no key");
    return createHmac("sha256", this.#key).update(value).digest().subarray(0, PSEUDONYM_BYTES);
  }
}
