/**
 * What the journal knows of producers, whichever input they come to: the last frame of each that is safe, which connection speaks
 * for it, and, across restarts, its name in the store. This is what makes a frame that comes again a duplicate. Knows no sockets
 * and no disk; a producer is a key.
 */
import { ABSENCE_MS_MAX, Presence } from "../../core/intake/presence.ts";
import type { Speaker } from "../../core/intake/presence.ts";

/** Milliseconds after which a producer that never came back is forgotten: a week. */
const FORGET_MS = 7 * 24 * 3600 * 1000;
const PREFIX = "producer\n";

interface Known {
  /** Taken in, perhaps not safe yet. */
  takenSeq: number;
  safeSeq: number;
  readonly presence: Presence;
  waiting: { readonly seq: number; readonly safe: () => void }[];
  /** Who wants to know when nothing is on its way any more. */
  settling: { readonly seq: number; readonly settled: (safeSeq: number) => void } | undefined;
}

/** `superseded`: another connection speaks for the producer, and will be sent the frame again. */
export type Taken = "new" | "duplicate" | "superseded";

export class Producers {
  duplicateFrames = 0;
  /** Names of values that are too old to be kept. */
  readonly forgotten: string[] = [];
  readonly #byKey: Map<string, Known> = new Map();

  /** `wallMs` is the wall clock's; everywhere else `nowMs` is monotonic. */
  constructor(values: ReadonlyMap<string, string>, wallMs: number, nowMs: number) {
    for (const [name, value] of values) {
      if (!name.startsWith(PREFIX)) continue;
      const [seq = 0, seenMs = 0] = value.split(" ").map(Number);
      if (wallMs - seenMs > FORGET_MS) this.forgotten.push(name);
      else this.#byKey.set(name.slice(PREFIX.length), known(seq, nowMs));
    }
  }

  safeSeq(key: string): number | undefined {
    return this.#byKey.get(key)?.safeSeq;
  }

  takenSeq(key: string): number {
    return this.#byKey.get(key)?.takenSeq ?? 0;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** `speaker` speaks for the producer from now on; `unaccounted` hears what it took with it, if it does not come back. */
  join(key: string, speaker: Speaker, unaccounted: (count: number) => void, nowMs: number): void {
    this.#of(key, nowMs).presence.join(speaker, unaccounted);
  }

  /** A frame of the producer has come on `speaker`'s connection. */
  take(key: string, speaker: Speaker, seq: number): Taken {
    const producer = this.#byKey.get(key);
    if (producer?.presence.speaks(speaker) !== true) return "superseded";
    if (seq <= producer.takenSeq) {
      this.duplicateFrames += 1;
      return "duplicate";
    }
    producer.takenSeq = seq;
    return "new";
  }

  /** False for a connection that does not speak for the producer (any more). */
  leave(key: string, speaker: Speaker, missing: number | undefined, nowMs: number): boolean {
    const producer = this.#byKey.get(key);
    if (producer?.presence.leave(speaker, missing, nowMs) !== true) return false;
    this.#dropEmpty(key, producer);
    return true;
  }

  /** It will not come back: what it said to have is lost. */
  giveUp(key: string): void {
    const producer = this.#byKey.get(key);
    producer?.presence.giveUp();
    if (producer !== undefined) this.#dropEmpty(key, producer);
  }

  /** The same for all that are away. */
  giveUpAway(): void {
    for (const [key, { presence }] of this.#byKey) if (!presence.isHere) this.giveUp(key);
  }

  /** The same for those that have stayed away for too long. */
  giveUpAbsent(nowMs: number): void {
    for (const [key, { presence }] of this.#byKey) {
      if (presence.awayMs(nowMs) > ABSENCE_MS_MAX) this.giveUp(key);
    }
  }

  /** Of one that has sent nothing, and says nothing of what it has, there is nothing to know. */
  #dropEmpty(key: string, { takenSeq, presence }: Known): void {
    if (takenSeq === 0 && !presence.isHere && !presence.isMissed) this.#byKey.delete(key);
  }

  safe(key: string, seq: number): void {
    const producer = this.#byKey.get(key);
    if (producer === undefined) return;
    producer.safeSeq = Math.max(producer.safeSeq, seq);
    const { settling } = producer;
    if (settling !== undefined && settling.seq <= producer.safeSeq) {
      producer.settling = undefined;
      settling.settled(producer.safeSeq);
    }
    if (producer.waiting.length === 0) return;
    const due = producer.waiting.filter((one) => one.seq <= seq);
    producer.waiting = producer.waiting.filter((one) => one.seq > seq);
    for (const one of due) one.safe();
  }

  whenSafe(key: string, seq: number, safe: () => void): void {
    const producer = this.#byKey.get(key);
    if (producer === undefined || seq <= producer.safeSeq) safe();
    else producer.waiting.push({ seq, safe });
  }

  /**
   * Calls `settled` when all that was taken is safe. Who asked before for the same producer is not answered any more: it spoke
   * for it on a connection that is gone, and while a disk fails there may be any number of these.
   */
  whenSettled(key: string, settled: (safeSeq: number | undefined) => void): void {
    const producer = this.#byKey.get(key);
    if (producer === undefined || producer.takenSeq <= producer.safeSeq) {
      settled(producer?.safeSeq);
    } else {
      producer.settling = { seq: producer.takenSeq, settled };
    }
  }

  /** True when the producer has stayed away for so long that its unfinished exchanges are over; the time begins anew with that. */
  isGone(key: string, nowMs: number): boolean {
    const { presence } = this.#of(key, nowMs);
    if (presence.awayMs(nowMs) <= ABSENCE_MS_MAX) return false;
    presence.restart(nowMs);
    return true;
  }

  /** Forgets who stayed away for too long; returns the names of their values. */
  sweep(nowMs: number): string[] {
    const names: string[] = [];
    for (const [key, { takenSeq, safeSeq, presence }] of this.#byKey) {
      if (presence.awayMs(nowMs) <= FORGET_MS || safeSeq < takenSeq) continue;
      this.#byKey.delete(key);
      names.push(PREFIX + key);
    }
    return names;
  }

  /** The named value that says how far this producer is. */
  value(key: string, seq: number, wallMs: number): [name: string, value: string] {
    return [PREFIX + key, `${seq} ${Math.round(wallMs)}`];
  }

  #of(key: string, nowMs: number): Known {
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    const made = known(0, nowMs);
    this.#byKey.set(key, made);
    return made;
  }
}

function known(seq: number, nowMs: number): Known {
  return {
    takenSeq: seq,
    safeSeq: seq,
    presence: new Presence(nowMs),
    waiting: [],
    settling: undefined,
  };
}
