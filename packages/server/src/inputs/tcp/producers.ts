/**
 * What the server remembers of its producers across their connections: the last frame that is safe, and the
 * exchanges under way. This is what makes a resent frame a duplicate and a cut stream whole again.
 * Knows no sockets; the caller says when a connection comes and goes.
 */
import type { Hello, Message } from "@mirrorball/protocol";
import { Assembler } from "../../core/assemble/assembler.ts";
import { processMemory } from "../../core/memory/process-memory.ts";

/** Producers remembered at most; beyond, the one away longest is forgotten. */
const PRODUCERS_MAX: number = 16_384;

/** Milliseconds a producer may be away before its unfinished exchanges are given out as aborted. */
const ABSENCE_MS_MAX: number = 60_000;

const ID_PREFIX_BYTES = 6;

export interface Producer {
  readonly key: string;
  readonly service: string;
  readonly assembler: Assembler;
  ackedSeq: number | undefined;
  /** The connection that speaks for it, as an opaque token; a newer one takes over from an older. */
  connection: object | undefined;
  leftAtMs: number;
  /** Exchanges that its last figures told of and that have not come, since it went away. */
  missing: number;
}

export class Producers {
  readonly #byKey: Map<string, Producer> = new Map();
  readonly #dropped: (reason: string, count: number) => void;
  readonly #unaccounted: (producer: Producer, count: number) => void;

  /** `unaccounted` is told of exchanges that a producer took with it: it will not send them any more. */
  constructor(
    dropped: (reason: string, count: number) => void,
    unaccounted: (producer: Producer, count: number) => void,
  ) {
    this.#dropped = dropped;
    this.#unaccounted = unaccounted;
  }

  /** This producer will not come back: what it said to have is lost. */
  giveUp(producer: Producer): void {
    const { missing } = producer;
    producer.missing = 0;
    if (missing > 0) this.#unaccounted(producer, missing);
  }

  /** The producer that `hello` names, new or known. Its numbers go on over its restarts, so the epoch is no part of the name. */
  of(hello: Hello): Producer {
    const id = Buffer.from(hello.producerId);
    const key = id.toString("hex");
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const producer: Producer = {
      key,
      service: hello.service,
      assembler: new Assembler({
        idPrefix: id.toString("hex", 0, ID_PREFIX_BYTES),
        service: hello.service,
        memory: processMemory.account(),
        dropped: this.#dropped,
      }),
      ackedSeq: undefined,
      connection: undefined,
      leftAtMs: 0,
      missing: 0,
    };
    this.#byKey.set(key, producer);
    return producer;
  }

  /** Gives out the unfinished exchanges of producers that stay away, and forgets the oldest of too many. */
  sweep(nowMs: number, out: Message[]): void {
    for (const producer of this.#byKey.values()) {
      if (producer.connection !== undefined) continue;
      const gone = nowMs - producer.leftAtMs > ABSENCE_MS_MAX;
      const forget = this.#byKey.size > PRODUCERS_MAX;
      if (gone || forget) {
        producer.assembler.end(out);
        this.giveUp(producer);
      }
      if (forget) this.#byKey.delete(producer.key);
    }
  }

  /** Gives out everything unfinished: the input is closing. */
  endAll(out: Message[]): void {
    for (const producer of this.#byKey.values()) {
      producer.assembler.end(out);
      this.giveUp(producer);
    }
    this.#byKey.clear();
  }
}
