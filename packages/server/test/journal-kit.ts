// A producer of a journal without a socket: hands frames in and hears when they are on disk.
import type { Hello, WireRecord } from "@mirrorball/protocol";
import type { FrameIntake, FrameLine, JoinedProducer } from "../src/component/intake.ts";
import type { Journal } from "../src/journal/journal.ts";

/** `epoch` 0: it remembers what is in the frames that it has sent. */
export function helloOf(id: number, epoch = 0, service = "shop"): Hello {
  const producerId = Buffer.alloc(16, id);
  const partial: Partial<Hello> = { producerId, epoch, service };
  return partial as Hello;
}

export class TestProducer implements FrameLine {
  superseded = 0;
  readonly joined: JoinedProducer;
  #waiting: { readonly seq: number; readonly resolve: () => void }[] = [];

  constructor(intake: FrameIntake, hello: Hello) {
    this.joined = intake.join(hello, this);
  }

  /** Resolves when the frame is on disk. */
  append(
    seq: number,
    payload: Uint8Array,
    records: readonly WireRecord[] | undefined,
  ): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ seq, resolve });
      void this.joined.take({ seq, payload, records });
    });
  }

  safe(seq: number): void {
    const due = this.#waiting.filter((one) => one.seq <= seq);
    this.#waiting = this.#waiting.filter((one) => one.seq > seq);
    for (const { resolve } of due) resolve();
  }

  held(): void {}

  supersede(): void {
    this.superseded += 1;
  }
}

/** An intake of a journal whose counts nobody asks for. */
export function quietIntake(journal: Journal): FrameIntake {
  return journal.intake({ stored: () => {}, unaccounted: () => {} });
}
