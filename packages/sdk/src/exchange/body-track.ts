/**
 * One body while it is being recorded: the bytes that are kept, how many were seen, and whether it must be redacted. Plain data
 * of one fixed shape. Counts no budget: whoever adds bytes asks `byte-budget.ts` first.
 */
import { BEGIN_BYTES } from "../redact/body.ts";
import type { BodyRedactor } from "../redact/body.ts";

/** Shared by all bodies without bytes, most of all requests: never written to. */
const NO_CHUNKS: readonly Uint8Array[] = Object.freeze([]);

const NO_BYTES: Uint8Array = new Uint8Array();

/** The recorded part of a body. */
export class BodyTrack {
  chunks: readonly Uint8Array[] = NO_CHUNKS;
  /** The whole body, in place of `chunks`: see `Recorder.responseText`. */
  text: string | undefined = undefined;
  /** Bytes in `chunks`; of `text`, the most that it can be. */
  heldBytes = 0;
  /** Bytes seen, recorded or not. */
  seenBytes = 0;
  /** Longer than what may be recorded, or dropped because it could not be redacted. */
  cut = false;
  /** How to redact it. Then it must be whole before anything of it may leave. */
  redactor: BodyRedactor | undefined = undefined;
  ended = false;

  /** Its beginning was looked at: what is held back now stays so. */
  isJudged = false;

  /** Lets a body go that need not be whole, as soon as enough of it is here to tell; `coming` are bytes that follow. */
  judge(coming: Uint8Array = NO_BYTES): void {
    const { redactor } = this;
    if (redactor === undefined || this.isJudged) return;
    if (this.heldBytes + coming.length < BEGIN_BYTES) return;
    this.isJudged = true;
    if (redactor.passes(Buffer.concat([...this.chunks, coming], BEGIN_BYTES))) this.redactor = undefined; // prettier-ignore
  }

  get heldBack(): boolean {
    return this.redactor !== undefined;
  }

  add(bytes: Uint8Array): void {
    // A new list for every chunk would cost long bodies their square; a list of one is the common case.
    if (this.chunks.length === 0) this.chunks = [bytes];
    else (this.chunks as Uint8Array[]).push(bytes);
    this.heldBytes += bytes.length;
  }

  /** Makes bytes of a body that was kept as text. */
  settle(): void {
    if (this.text === undefined) return;
    this.chunks = [Buffer.from(this.text)];
    this.text = undefined;
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.text = undefined;
    this.chunks = NO_CHUNKS;
    this.heldBytes = 0;
  }
}
