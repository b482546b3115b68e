/**
 * Leaves out what carries the mark of a replay, and the responses to it. In: batches. Out: what is left of them, and how
 * many messages were taken out. See `REPLAY_FIELD` for why nobody may replay a replay.
 */
import { MessageKind, REPLAY_FIELD } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { RecentIds } from "../../recent-ids.ts";
import { isReplay } from "./replay-mark.ts";

/** What every spelling of it has that occurs: heads are parsed only where it stands, as others should cost next to nothing. */
const HINT: Buffer = Buffer.from(REPLAY_FIELD.slice("X-M".length, -"Replay".length), "latin1");
/** Bytes of a message that are looked through for the hint: the longest head. */
const HINT_BYTES_MAX: number = 64 * 1024;

export class ReplayFilter {
  leftOut = 0;
  readonly #ids: RecentIds = new RecentIds();

  /** Takes them out in place. */
  apply(batch: Message[]): void {
    let kept = 0;
    for (const message of batch) {
      if (this.#isReplay(message)) continue;
      batch[kept] = message;
      kept += 1;
    }
    this.leftOut += batch.length - kept;
    batch.length = kept;
  }

  #isReplay(message: Message): boolean {
    if (message.kind !== MessageKind.request) {
      return !this.#ids.empty && this.#ids.has(message.id);
    }
    const replay = hinted(message.http.raw) && isReplay(message);
    if (replay) this.#ids.add(message.id);
    else if (!this.#ids.empty) this.#ids.forget(message.id);
    return replay;
  }
}

function hinted({ buffer, byteOffset, length }: Uint8Array): boolean {
  return Buffer.from(buffer, byteOffset, Math.min(length, HINT_BYTES_MAX)).includes(HINT);
}
