/**
 * How an input that acknowledges hands on the frames of its producers: to the pipeline at once, or to a journal that keeps them
 * first. Types only. An intake owns what is remembered of producers: which frames are safe, which connection speaks for each,
 * since when none does. An input owns its sockets and knows nothing of that.
 *
 * The order for one connection: `join`, any number of `take`, then `leave` or `bye` once.
 */
import type { Hello, WireRecord } from "@mirrorball/protocol";

/** One frame of a producer: as it came, and unpacked. */
export interface IntakeFrame {
  readonly seq: number;
  readonly payload: Uint8Array;
  /** Undefined: it holds what cannot be taken. It keeps its number, so that what is behind it comes too. */
  readonly records: readonly WireRecord[] | undefined;
}

/** A connection, as an intake sees it. */
export interface FrameLine {
  /** All frames up to this one are safe; the last one had so many bytes. */
  safe(seq: number, bytes: number): void;
  /** A frame of so many bytes was taken and is not safe by itself, as a piece of a message that is not whole: a later one covers it. */
  held(bytes: number): void;
  /** Another connection speaks for the producer now: what waits here will be sent there again. */
  supersede(): void;
}

/** Who a producer is: its key, and the name of its service for people. */
export interface ProducerName {
  readonly key: string;
  readonly service: string;
}

/** What an intake tells the input that it was made for. */
export interface IntakeEvents {
  /** The producer will not come back, and took exchanges with it. */
  readonly unaccounted: (producer: ProducerName, count: number) => void;
}

/** One producer, as long as one connection speaks for it. */
export interface JoinedProducer {
  /** Its last frame that is safe; undefined when nothing is known of it; a promise while frames of it are on their way to a disk. */
  readonly safeSeq: number | undefined | Promise<number | undefined>;
  /** Frames in order. A promise asks the caller to wait; the frame is taken in both cases. After `supersede` nothing is taken. */
  take(frame: IntakeFrame): Promise<void> | undefined;
  /** The connection is gone, the producer may come back. `missing`: exchanges that it had and that have not come, if it says so. */
  leave(missing: number | undefined): void;
  /** The same, and nothing more will come: what is unfinished was aborted with it. */
  bye(missing: number | undefined): void;
}

export interface FrameIntake {
  /** `line` speaks for the producer from now on. One that did so before is superseded, whatever input it belongs to. */
  join(hello: Hello, line: FrameLine): JoinedProducer;
  /** Why frames do not become safe at present; undefined when they do. */
  readonly trouble: string | undefined;
  /** Call several times a second: finds producers that stay away. */
  tick(nowMs: number): void;
  /** The input has ended, all its lines have left; resolves when what was unfinished is handed on. */
  end(): Promise<void>;
}

/** The durable store behind acknowledgements, as inputs see it (`--journal`). */
export interface InputJournal {
  intake(events: IntakeEvents): FrameIntake;
}
