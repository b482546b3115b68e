/**
 * The bytes that one keeper of exchanges may hold: a mirror's recorder, or `ownership.ts` for those that no mirror has claimed. In:
 * bodies and bytes to keep. Out: whether there is room. Every byte of a body is taken and given back here, so that no other
 * file adds up. Knows nothing of when an exchange begins or ends.
 */
import type { BodyTrack } from "./body-track.ts";

export class ByteBudget {
  readonly #bytesMax: number;
  readonly #elsewhere: () => number;
  #taken = 0;

  /** `elsewhere`: bytes of the same budget that somebody else counts, such as frames that wait. */
  constructor(bytesMax: number, elsewhere: () => number) {
    this.#bytesMax = bytesMax;
    this.#elsewhere = elsewhere;
  }

  get bytes(): number {
    return this.#taken + this.#elsewhere();
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#bytesMax;
  }

  /** Takes all of it or nothing; false when there is no room. */
  take(bytes: number): boolean {
    if (!this.hasRoomFor(bytes)) return false;
    this.#taken += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#taken -= bytes;
  }

  /** Adds bytes to a body; false, and nothing is kept, when there is no room. */
  keep(body: BodyTrack, bytes: Uint8Array): boolean {
    if (!this.take(bytes.length)) return false;
    body.add(bytes);
    return true;
  }

  /** The same for a whole body as text, that is at most so many bytes. */
  keepText(body: BodyTrack, text: string, bytesMax: number): boolean {
    if (!this.take(bytesMax)) return false;
    body.text = text;
    body.heldBytes = bytesMax;
    return true;
  }

  /** What is held of a body is let go of. */
  letGo(body: BodyTrack): void {
    this.#taken -= body.heldBytes;
    body.clear();
  }
}
