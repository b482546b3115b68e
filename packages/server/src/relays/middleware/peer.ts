/** What the supervisor and the two kinds of middleware, child process and worker, ask of each other. */
import type { Message } from "@mirrorball/protocol";
import type { Origin } from "../../component/relay.ts";

/** What a peer has; the message itself when it may have to be given to the next one. */
export interface InFlight extends Origin {
  readonly message: Message | undefined;
  /** It answered for something that it was given later. */
  readonly overtaken: boolean;
}

/** One life of a middleware: started once, ended once. */
export interface Peer {
  /** Resolves when it runs; rejects when it cannot. */
  start(): Promise<void>;
  /** True while it takes another batch; when it becomes true again it says `ready`. */
  readonly ready: boolean;
  /** Gives it a batch; the array is the peer's. Only while `ready`. */
  send(batch: Message[]): void;
  /** Looks at what is due, several times a second. */
  tick(nowMs: number): void;
  /** Since when it owes us something: to read what it was given, or an answer. Undefined when it owes nothing. */
  readonly owesSinceMs: number | undefined;
  /** True when nothing is with it, or, for a program that cannot tell what it drops, when silence must do as an answer. */
  settledAfter(silenceMs: number): boolean;
  /** Nothing more will come; it should say its last word and go. */
  finish(): void;
  /** Ends it at once. */
  kill(): void;
  /** Takes out everything that was given to it and not accounted for, in that order; with a journal, whole. */
  abandon(): InFlight[];
}

export interface PeerEvents {
  /** It takes another batch. */
  ready(): void;
  /** It answered, or may answer again. */
  moved(): void;
  /** Called once, after everything it said. `clean`: it had been told to finish and did so properly. */
  closed(clean: boolean, how: string): void;
}
