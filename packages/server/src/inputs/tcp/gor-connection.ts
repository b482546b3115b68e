/**
 * One accepted socket of `--input-tcp` on which a gor speaks: its records, one after the other, for as long as it likes.
 *
 * The first bytes must be the first line of a record, within a second; else the peer is a stranger. From then on what is no
 * record is skipped and counted. The stream has no acknowledgement: back-pressure is a socket that is not read.
 */
import type { Socket } from "node:net";
import { HANDSHAKE_MS_MAX } from "@mirrorball/protocol";
import type { Fault, Message } from "@mirrorball/protocol";
import type { InputContext } from "../../component/types.ts";
import { WAITING_BYTES, processMemory } from "../../core/memory/process-memory.ts";
import type { MemoryAccount } from "../../core/memory/budget.ts";
import type { ReplayFilter } from "../../core/http/replayed/replay-filter.ts";
import { RecordDecoder } from "../../core/record/decode.ts";
import { META_BYTES_MAX, MetaLine, readMeta } from "../../core/record/meta.ts";
import { speechOf, nameOf } from "./peer.ts";
import type { Peer, PeerEvents } from "./peer.ts";

/** Bytes of one record; what is larger is skipped to its end and counted. */
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
/** Milliseconds between signs of life that the system asks for: gor itself may be silent for days. */
const KEEP_ALIVE_MS = 30_000;
/** When the server stops, a stream that was silent so long has nothing more on its way. */
const STOP_QUIET_MS = 50;
const STOP_MS_MAX = 1000;
const LF = 0x0a;

/** What the gor streams of an input have in common. */
export interface GorShared {
  readonly replays: ReplayFilter;
  /** Lengths that were not followed. */
  readonly stale: { count: number };
}

export class GorConnection implements Peer {
  readonly peer: string;
  readonly #socket: Socket;
  readonly #context: InputContext;
  readonly #memory: MemoryAccount = processMemory.account();
  readonly #replays: ReplayFilter;
  readonly #events: PeerEvents;
  readonly #decoder: RecordDecoder;
  readonly #deadlineMs: number;
  /** The first bytes, until they are known to be a record's; then undefined. */
  #opening: Buffer | undefined = Buffer.alloc(0);
  #speech = "";
  #busy = false;
  #heardAtMs = 0;
  #stoppingSinceMs = Number.POSITIVE_INFINITY;
  #stopped: (() => void) | undefined;
  #over = false;

  constructor(
    socket: Socket,
    context: InputContext,
    { replays, stale }: GorShared,
    events: PeerEvents,
  ) {
    this.peer = nameOf(socket);
    this.#socket = socket;
    this.#context = context;
    this.#replays = replays;
    this.#events = events;
    this.#deadlineMs = context.clock.monotonicMs() + HANDSHAKE_MS_MAX;
    this.#decoder = new RecordDecoder({
      skipped: (reason) => context.dropped(reason, 1),
      staleLength: () => (stale.count += 1),
      recordBytesMax: Math.min(RECORD_BYTES_MAX, WAITING_BYTES),
    });
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on("data", (chunk: Buffer) => this.receive(chunk));
    socket.on("error", (error) => context.log.debug(2, `${this.peer}: ${error.message}`));
    socket.on("close", () => this.#end(undefined));
  }

  tick(nowMs: number): void {
    if (this.#opening !== undefined && nowMs >= this.#deadlineMs) this.#refuse();
    if (this.#busy || nowMs < this.#stoppingSinceMs) return;
    const quiet = nowMs - Math.max(this.#heardAtMs, this.#stoppingSinceMs) >= STOP_QUIET_MS;
    if (quiet || nowMs - this.#stoppingSinceMs >= STOP_MS_MAX) this.#socket.destroy();
  }

  /** The other side counts as delivered what the system has taken: what is on its way is still read. */
  async finish(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#stopped = resolve;
      this.#stoppingSinceMs = this.#context.clock.monotonicMs();
    });
  }

  receive(chunk: Buffer): void {
    if (this.#over) return;
    this.#heardAtMs = this.#context.clock.monotonicMs();
    if (this.#speech === "") this.#speech = speechOf(chunk);
    const bytes = this.#opening === undefined ? chunk : this.#open(this.#opening, chunk);
    if (bytes === undefined) return;
    const messages: Message[] = [];
    this.#decoder.push(bytes, { messages, timesNs: [] });
    this.#account();
    if (this.#context.loopGuard) this.#replays.apply(messages);
    if (messages.length > 0) this.#emit(messages);
  }

  /** What has come, once its first line shows that it is a record. */
  #open(before: Buffer, chunk: Buffer): Buffer | undefined {
    const opening = Buffer.concat([before, chunk]);
    this.#opening = opening;
    const lineEnd = opening.indexOf(LF);
    if (lineEnd < 0) {
      if (opening.length > META_BYTES_MAX) this.#refuse();
      return undefined;
    }
    if (!readMeta(opening, 0, opening.length, new MetaLine())) {
      this.#refuse();
      return undefined;
    }
    this.#opening = undefined;
    return opening;
  }

  #emit(messages: Message[]): void {
    const wait = this.#context.emit(messages);
    if (wait === undefined) return;
    this.#busy = true;
    this.#socket.pause();
    const resume = (): void => {
      this.#busy = false;
      this.#heardAtMs = this.#context.clock.monotonicMs();
      if (this.#over) this.#stopped?.();
      else this.#socket.resume();
    };
    // The engine's promise never rejects.
    void wait.then(resume);
  }

  /** An unfinished record must fit what this stream may hold. */
  #account(): void {
    const more = this.#decoder.costBytes - this.#memory.usedBytes;
    if (more <= 0) this.#memory.free(-more);
    else if (!this.#memory.charge(more)) this.#giveUp();
  }

  #giveUp(): void {
    this.#end({ code: "out-of-budget", message: "too many large records are under way" });
    this.#socket.destroy();
  }

  #refuse(): void {
    this.#opening = Buffer.alloc(0);
    this.#end({ code: "foreign", message: "it speaks neither mirrorball's protocol nor gor's" });
    this.#socket.destroy();
  }

  #end(fault: Fault | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#memory.free(this.#memory.usedBytes);
    // A gor that comes back may send it again, or not: nobody can tell, so it counts.
    if (this.#decoder.heldBytes > 0 || (this.#opening?.length ?? 0) > 0)
      this.#context.dropped("cut-off-record", 1);
    if (!this.#busy) this.#stopped?.();
    this.#events.closed(this, fault, this.#speech);
  }
}
