/**
 * How much of a body is kept, and in which form. In: bytes or a text of one body, as they come. Out: whether the budget had room.
 *
 * 1. Up to `maxBodyBytes` are kept; what is beyond is cut off.
 * 2. A body that must be redacted is kept whole up to a bound; beyond it, none of it is kept.
 * 3. A short response body that comes as one text is kept as that text.
 */
import type { BodyTrack } from "../exchange/body-track.ts";
import type { ByteBudget } from "../exchange/byte-budget.ts";
import type { Settings } from "../options.ts";

/** A body that must be redacted is held back whole up to here; beyond, it is left out. */
const HELD_BACK_BYTES_MAX = 256 * 1024;
/** Response bodies longer than this are copied as bytes: their exact size matters to the budget. */
const TEXT_CHARS_MAX = 16 * 1024;
/** The most that a character of a string takes in UTF-8. */
const TEXT_BYTES_PER_CHAR_MAX = 3;

export class BodyKeeper {
  /** Bodies left out because they were too long to be redacted. */
  withheld = 0;
  readonly #bodyBytesMax: number;
  readonly #heldBackBytesMax: number;
  readonly #redacts: boolean;
  readonly #budget: ByteBudget;

  constructor({ maxBodyBytes, redact }: Settings, budget: ByteBudget) {
    this.#bodyBytesMax = maxBodyBytes;
    this.#heldBackBytesMax = Math.min(HELD_BACK_BYTES_MAX, maxBodyBytes);
    this.#redacts = redact !== undefined;
    this.#budget = budget;
  }

  /** False when the budget has no room: then the exchange is lost. */
  keep(body: BodyTrack, bytes: Uint8Array): boolean {
    body.judge(bytes);
    const room = (body.heldBack ? this.#heldBackBytesMax : this.#bodyBytesMax) - body.seenBytes;
    body.seenBytes += bytes.length;
    if (body.cut) return true;
    if (bytes.length <= room) return bytes.length === 0 || this.#budget.keep(body, bytes);
    body.cut = true;
    if (body.heldBack) {
      // Half of it cannot be redacted, so none of it leaves.
      this.withheld += 1;
      this.#budget.letGo(body);
      return true;
    }
    return room <= 0 || this.#budget.keep(body, bytes.subarray(0, room));
  }

  /**
   * A whole response body. It is kept as it is, without a copy, when nothing has to be done to its bytes: text never changes, and
   * is written as bytes only once, into its frame. False when it must come as bytes.
   */
  keepText(body: BodyTrack, text: string): boolean {
    const bytesMax = text.length * TEXT_BYTES_PER_CHAR_MAX;
    return (
      !this.#redacts &&
      body.seenBytes === 0 &&
      text.length <= TEXT_CHARS_MAX &&
      bytesMax <= this.#bodyBytesMax &&
      this.#budget.keepText(body, text, bytesMax)
    );
  }
}
