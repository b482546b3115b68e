/**
 * What the journal knows of producers: the last frame of each that is safe, and, across restarts, its name in the
 * store. This is what makes a frame that comes again a duplicate. Knows no sockets and no disk.
 */

/** Milliseconds after which a producer that never came back is forgotten: a week. */
const FORGET_MS = 7 * 24 * 3600 * 1000;
const PREFIX = "producer\n";

interface Known {
  /** Taken in, perhaps not safe yet. */
  takenSeq: number;
  safeSeq: number;
  connected: boolean;
  leftAtMs: number;
  waiting: { readonly seq: number; readonly safe: () => void }[];
  /** Who wants to know when nothing is on its way any more. */
  settling: { readonly seq: number; readonly settled: (safeSeq: number) => void } | undefined;
}

export class Producers {
  duplicateFrames = 0;
  /** Names of values that are too old to be kept. */
  readonly forgotten: string[] = [];
  readonly #byKey: Map<string, Known> = new Map();

  /** `nowMs`: wall clock. */
  constructor(values: ReadonlyMap<string, string>, nowMs: number) {
    for (const [name, value] of values) {
      if (!name.startsWith(PREFIX)) continue;
      const [seq = 0, seenMs = 0] = value.split(" ").map(Number);
      if (nowMs - seenMs > FORGET_MS) this.forgotten.push(name);
      else this.#byKey.set(name.slice(PREFIX.length), known(seq));
    }
  }

  safeSeq(key: string): number | undefined {
    return this.#byKey.get(key)?.safeSeq;
  }

  takenSeq(key: string): number {
    return this.#byKey.get(key)?.takenSeq ?? 0;
  }

  /** False when the frame is here already. */
  take(key: string, seq: number): boolean {
    const producer = this.#of(key);
    if (seq <= producer.takenSeq) {
      this.duplicateFrames += 1;
      return false;
    }
    producer.takenSeq = seq;
    return true;
  }

  safe(key: string, seq: number): void {
    const producer = this.#of(key);
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
    const producer = this.#of(key);
    if (seq <= producer.safeSeq) safe();
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

  /** `nowMs`: monotonic. */
  present(key: string, connected: boolean, nowMs: number): void {
    const producer = this.#of(key);
    const leaves = producer.connected && !connected;
    producer.connected = connected;
    producer.leftAtMs = nowMs;
    // Of one that has sent nothing there is nothing to know.
    if (leaves && producer.takenSeq === 0) this.#byKey.delete(key);
  }

  /** Forgets who stayed away for too long; returns the names of their values. `nowMs`: monotonic. */
  sweep(nowMs: number): string[] {
    const names: string[] = [];
    for (const [key, { takenSeq, safeSeq }] of this.#byKey) {
      if (this.awayMs(key, nowMs) <= FORGET_MS || safeSeq < takenSeq) continue;
      this.#byKey.delete(key);
      names.push(PREFIX + key);
    }
    return names;
  }

  get size(): number {
    return this.#byKey.size;
  }

  awayMs(key: string, nowMs: number): number {
    const producer = this.#of(key);
    return producer.connected ? 0 : nowMs - producer.leftAtMs;
  }

  /** The named value that says how far this producer is. `nowMs`: wall clock. */
  value(key: string, seq: number, nowMs: number): [name: string, value: string] {
    return [PREFIX + key, `${seq} ${Math.round(nowMs)}`];
  }

  #of(key: string): Known {
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    const made = known(0);
    this.#byKey.set(key, made);
    return made;
  }
}

function known(seq: number): Known {
  return {
    takenSeq: seq,
    safeSeq: seq,
    connected: false,
    leftAtMs: 0,
    waiting: [],
    settling: undefined,
  };
}
