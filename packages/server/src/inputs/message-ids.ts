/** Ids for messages that come without one: 24 hex digits, as gor's; random in front, counting behind. */
import { randomBytes } from "node:crypto";

const PREFIX_BYTES = 8;
const COUNT_HEX_DIGITS = 8;
const COUNT_MAX = 0xffff_ffff;

export class MessageIds {
  #prefix = "";
  #count = COUNT_MAX;

  next(): string {
    if (this.#count === COUNT_MAX) {
      this.#prefix = randomBytes(PREFIX_BYTES).toString("hex");
      this.#count = 0;
    }
    this.#count += 1;
    return this.#prefix + this.#count.toString(16).padStart(COUNT_HEX_DIGITS, "0");
  }
}
