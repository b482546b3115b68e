/**
 * Values of a request that no answer of the target gave, and that are stale by now: JWTs are signed anew, times are moved. In: a value's place,
 * and how much later it is sent than it was recorded. Out: what to send instead, or nothing.
 */
import { REDACTION_MARK } from "../../content/redaction.ts";
import { ValueClass, classesOf } from "../../content/value-class.ts";
import type { JwtSigner } from "./jwt.ts";
import type { Slot } from "../request-values.ts";
import { movedTime } from "./times.ts";

export interface RenewalOptions {
  /** Signs JWTs anew that no answer of the target gave, their times moved; undefined leaves them. */
  readonly jwts?: JwtSigner | undefined;
  /** Times in requests are moved by how much later they are sent than they were recorded. */
  readonly movesTimes?: boolean;
}

export class Renewal {
  resigned = 0;
  times = 0;
  /** What part of a request was the first to hold a mark instead of a secret: `header`, `cookie`, `json` …; undefined: none does. */
  redacted: string | undefined;
  readonly #options: RenewalOptions;
  readonly #missed: (reason: string) => void;

  /** `missed`: a token was left as it was. */
  constructor(options: RenewalOptions, missed: (reason: string) => void) {
    this.#options = options;
    this.#missed = missed;
  }

  /** Looks for secrets of which only a mark is left: nothing can be put in its place. */
  look(slots: readonly Slot[]): void {
    const marked = slots.find(({ value }) => value === REDACTION_MARK);
    if (marked === undefined) return;
    this.#missed("redacted");
    this.redacted ??= marked.place.split(":", 1)[0];
  }

  /** `recordedMs`: when the request was recorded, in milliseconds since the Unix epoch. */
  renewed({ value, isId }: Slot, shiftMs: number, recordedMs: number): string | undefined {
    const { jwts, movesTimes = false } = this.#options;
    if (jwts !== undefined && (classesOf(value) & ValueClass.jwt) !== 0) {
      const { token, reason } = jwts.resign(value, shiftMs);
      if (token === undefined) this.#missed(reason);
      else this.resigned += 1;
      return token;
    }
    const moved = movesTimes && !isId ? movedTime(value, shiftMs, recordedMs) : undefined;
    if (moved !== undefined) this.times += 1;
    return moved;
  }
}
