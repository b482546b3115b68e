/**
 * What an input, a stage and an output are, and what the engine gives each of them.
 *
 * Components are written against these interfaces only: they never import the engine, nor each other.
 * Data moves in batches, so nothing here costs a promise or a closure a message.
 */
import type { Message, MessageKind } from "@mirrorball/protocol";
import type { PairedPlace } from "../core/order/paired.ts";
import type { InputJournal } from "./intake.ts";
import type { Report } from "../core/compare/report/report.ts";
import type { Histogram } from "../core/histogram.ts";

/** Time and timers, so that tests can hold them still. */
export interface Clock {
  /** Microseconds since the Unix epoch. */
  nowUs(): number;
  /** Monotonic milliseconds, with fractions. */
  monotonicMs(): number;
}

export interface Logger {
  /** Always shown, once an event: what a person should act on. */
  warn(message: string): void;
  /** Shown at `--verbose LEVEL` and above; gor's levels 1 to 3. */
  debug(level: 1 | 2 | 3, message: string): void;
}

/** Why a stream did not take what was written, as the system's code (`ENOSPC`, `EPIPE`), and how much of it was taken. */
export interface WriteFault {
  readonly code: string;
  readonly bytesWritten: number;
}

/** Standard output as a component sees it. Never throws, never rejects. */
export interface ByteSink {
  /** Resolves when the system has the bytes, or with why it has not taken all of them. */
  write(bytes: Uint8Array | string): Promise<WriteFault | undefined>;
}

/** Standard error as a component sees it: for people, who may have gone. Never throws and never waits. */
export interface LineSink {
  /** Whole lines. Those that cannot be written are left out. */
  say(lines: Uint8Array | string): void;
}

/**
 * Back-pressure: `undefined` says "go on", a promise says "wait for this before you emit more".
 * The batch is accepted in both cases.
 */
export type Accepted = Promise<void> | undefined;

export interface InputContext {
  /** The component's name and argument, for messages: `input-tcp :28020`. */
  readonly name: string;
  /** How fast to play what is recorded, 1 as it was: the `200%` of `FILE|200%`, for inputs that declare `percent: "speed"`. */
  readonly speed: number;
  /** Hands a batch to the pipeline. The array is the pipeline's from here on. */
  emit(batch: Message[]): Accepted;
  /** Where acknowledged traffic is kept; undefined without `--journal`. Inputs that acknowledge nothing need not look. */
  readonly journal?: InputJournal | undefined;
  /** Counts messages that were lost before they could be emitted, by reason. */
  dropped(reason: string, count: number): void;
  /** Counts an event that cost no message: a connection closed because of what it sent, by reason. */
  refused(reason: string): void;
  /** Requests that carry the mark of a replay are to be left out and counted; see `core/http/replayed/replay-mark.ts`. */
  readonly loopGuard: boolean;
  /** The user that this process becomes between `open` and `start`; undefined when it stays what it is. */
  readonly becomes?: string | undefined;
  /** Where a report goes that was asked for instead of traffic. */
  readonly stdout: ByteSink;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Input {
  /**
   * Opens what needs privileges, and emits nothing yet; absent where nothing does. Called before everything else when the
   * process is to drop them, else by nobody: `start` then opens it.
   */
  open?(): Promise<void>;
  /** Resolves when it is ready (listening, opened); rejects with an error that says what to do. */
  start(): Promise<void>;
  /** Stops taking new traffic; resolves when all it had accepted was emitted. Idempotent. */
  stop(): Promise<void>;
  /** There was time enough: lets `stop` come to its end although something waits. Absent where it waits for nobody but the pipeline. */
  abort?(): void;
  /** Reads certificates and the like again, on SIGHUP. Absent where there is nothing to read. Never throws. */
  readonly reload?: (() => void) | undefined;
  /** Resolves when the input came to its own end (end of file). Absent on endless inputs. */
  readonly ended?: Promise<void>;
  /** How far it is, for a person who watches. Absent on inputs that have no end to come to. */
  progress?(): InputProgress;
  /** Figures of its own for the summary, the stats line and the counters page. */
  stats?(): InputStats;
  /** Reads all there is, for outputs that learn before anything is sent. Absent where it would come once only. */
  scan?(see: (batch: readonly Message[]) => void): Promise<void>;
}

export interface InputProgress {
  /** Handed over so far. */
  readonly records: number;
  /** Of all there is, 0 to 1. */
  readonly share: number;
  /** How late the last message was on its schedule; undefined when there is none. */
  readonly behindMs: number | undefined;
  /** It starts again at the end. */
  readonly loops: boolean;
}

/** What only some inputs can tell. */
export interface InputStats {
  readonly figures: Readonly<Record<string, number>>;
  /** The same for people. */
  readonly lines: readonly string[];
  /**
   * What was not read or never seen, each in a unit of its own and in words for people (`packets dropped by the kernel`); how many
   * messages that were cannot be told. A run with any of it does not end with `nothing was lost`, nor with exit code 0.
   */
  readonly missing?: Readonly<Record<string, number>>;
}

/** What an output has not settled yet waits here: bounded, first in first out. Pull, do not poll. */
export interface OutputQueue {
  readonly length: number;
  /** The next message or undefined. A taken message is in flight until it is settled on the ledger. */
  take(): Message | undefined;
  /** Up to `max` messages. */
  takeBatch(max: number): Message[];
  /** Called when messages arrive in an empty queue. Set once, in the output's factory. */
  onReadable: () => void;
}

/**
 * How an output reports what became of the messages it took. Each message is settled exactly once, in any order, by
 * itself and not by number, so that a journal knows which ones are done. The arrays stay the caller's: an output that
 * settles one at a time may use the same one again and again.
 */
export interface OutputLedger {
  delivered(batch: readonly Message[]): void;
  /** Tried and not achieved: a loss. */
  failed(reason: string, batch: readonly Message[]): void;
  /** Given up without a try: a loss. */
  dropped(reason: string, batch: readonly Message[]): void;
  /** Not meant to be sent, such as a request whose upload broke off: no loss. */
  filtered(reason: string, batch: readonly Message[]): void;
}

/**
 * The numbered stream of an output whose receiver remembers the last frame it took: kept by the journal, so that a run after a
 * crash asks the receiver which frames it has instead of sending their messages again.
 */
export interface OutputStream {
  /** Who the output is to its receiver, and which run of it this is. */
  readonly producerId: Uint8Array;
  readonly epoch: number;
  /** Of earlier runs: the first frame that is not known to have been acknowledged, and the last one that was made. */
  readonly firstUnackedSeq: number;
  readonly lastSeq: number;
  /**
   * The receiver has the earlier frames up to this one and no other; numbers go on behind it. Call it before the rest. Gives, the
   * first time, the number of messages in frames that it does not have: they may have been sent, and are sent again.
   */
  resolve(ackedSeq: number): number;
  /** Starts anew under another id; gives the number of messages that may have been sent under the old one. */
  renew(): number;
  /** True, as often as it was sent, for a message that the receiver has from an earlier run. */
  received(message: Message): boolean;
  /** The next frame is about to be sent, and these messages end in it; `written` is called when that is on disk. */
  write(messages: readonly Message[], written: () => void): void;
  /** The receiver has all frames up to this one. Call it when their messages are settled. */
  acked(seq: number): void;
}

export interface OutputContext {
  readonly name: string;
  readonly queue: OutputQueue;
  readonly ledger: OutputLedger;
  /** Another output needs replayed responses: make them, asked or not. */
  readonly replayedWanted: boolean;
  /** The share of safe requests, 0 to 1, that another output wants asked twice in a row, to see what varies by itself. */
  readonly probeShare: number;
  /** It replays to a known-good build for another output, which compares with its answers; to all others they are nothing. */
  readonly isControl: boolean;
  /** With a control: its side, or the target's, in sending both requests of a pair together. */
  readonly paired?: PairedPlace | undefined;
  /** Recordings that the run reads, as they were given; none when all traffic comes live. */
  readonly recordings: readonly string[];
  /** Figures of all outputs of the run, this one's included. */
  readonly others: () => readonly { readonly name: string; readonly stats: OutputStats }[];
  /** Re-enters messages (replayed responses) as an input does. */
  emit(batch: Message[]): Accepted;
  /** For an output that numbers what it sends; undefined without `--journal`. */
  readonly stream?: (() => OutputStream) | undefined;
  /** Replayed requests are to carry the mark of a replay. */
  readonly loopGuard: boolean;
  /** Standard output, for an output that writes there. */
  readonly stdout: ByteSink;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Output {
  start(): Promise<void>;
  /** No more will come for now: resolves when the queue is empty and all that was taken is settled. */
  drain(): Promise<void>;
  /** Frees everything at once; what is unsettled is settled as dropped by the engine. Idempotent. */
  close(): Promise<void>;
  /** Reads certificates and the like again, on SIGHUP. Absent where there is nothing to read. Never throws. */
  readonly reload?: (() => void) | undefined;
  /** For an output that must know more than it takes; see `OutputObserver`. */
  readonly observer?: OutputObserver | undefined;
  /** True when it emits replayed responses; then statuses are compared with the original ones. */
  readonly emitsReplayed?: boolean;
  /** Figures of its own for the summary and the counters page. */
  stats?(): OutputStats;
  /** Why nothing can be delivered now, in words for people; undefined when nothing is known to hinder it. */
  trouble?(): string | undefined;
  /** What a comparison would report if it ended now; undefined when it broke. Absent on outputs that compare nothing. */
  report?(): Promise<Report | undefined>;
  /** How long its exchanges took, all of the run, as it grows. Absent on outputs without exchanges. */
  readonly latency?: Histogram;
}

/**
 * What an output sees beside its queue: everything behind the stages, in the order it came, before the queues are offered it. Nothing here
 * is on the books; it must not keep more than it bounds.
 */
export interface OutputObserver {
  /**
   * What a recording holds, before anything is sent; called until it has been read once. Absent where nothing is to be learned
   * from that.
   */
  readonly scanned?: ((batch: readonly Message[]) => void) | undefined;
  /** The scan is over. */
  scanEnded?(): void;
  seen(batch: readonly Message[]): void;
  /** A request that it will not be given: limited, or dropped before its queue; or one that an earlier run dealt with. */
  gone(message: Message, why: "refused" | "before a crash"): void;
}

/** Figures that only some outputs have. Times in milliseconds. */
export interface OutputStats {
  readonly latencyMs?: {
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Answers by status class: `2xx` … `5xx`. */
  readonly statuses?: Readonly<Record<string, number>>;
  readonly concurrency?: number;
  /** What correlation did; see `core/correlate/`. */
  readonly correlation?: CorrelationFigures | undefined;
  /** What a comparison says so far. */
  readonly verdict?: "same" | "different" | "inconclusive" | undefined;
  /** What else it counts, by name. */
  readonly counts?: Readonly<Record<string, number>>;
  /** What a person can do about its failures, for the summary; nothing captured is in them. */
  readonly notes?: readonly string[];
}

/** Values learned and used, requests that waited, what was looked for and not found. */
export interface CorrelationFigures {
  readonly learned: number;
  readonly used: number;
  readonly waited: number;
  readonly missed: Readonly<Record<string, number>>;
  /** JWTs that were signed anew, and times that were moved, where that was asked for. */
  readonly resigned?: number;
  readonly times?: number;
}

/** Why a stage took a message out: by a rule, or to keep a rate. */
export type Fate = "filtered" | "limited";

/** Changes or removes messages of a batch, synchronously. */
export interface Stage {
  /** Filters in place: keeps `batch[0..n)` and returns n. Tells of every message it removed. */
  process(
    batch: Message[],
    removed: (message: Message, fate: Fate, reason: string) => void,
  ): number;
  /** What it counted beside removals, by a word of ours, for the summary and the counters page. */
  counts?(): Readonly<Record<string, number>>;
}

/** The kinds an output takes; others pass it by without being counted. */
export type AcceptedKinds = readonly MessageKind[];
