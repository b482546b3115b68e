/**
 * One connection of a gor stream: records one after the other, without an answer.
 *
 * A message counts as delivered when the system has taken the last byte of its record; the format knows no better. A
 * write that failed is sent again, whole, on the next connection, before anything that came later.
 */
import type { Message } from "@mirrorball/protocol";
import type { OutputLedger } from "../../component/types.ts";
import { EncodeReport, REFUSED_REASON, encodeRecords } from "../../core/record/encode.ts";
import { Link } from "./link.ts";
import type { LinkOptions } from "./link.ts";

/** Messages that may wait for one connection; gor's figure. */
const WAITING_MAX = 100;
/** gor's pause between attempts. */
const RETRY_MS = 1000;
/** Bytes the socket may hold unsent: a slow peer fills the queue in front of the output, not our memory. */
const SOCKET_BYTES_MAX = 1024 * 1024;

export interface GorWorkerEvents {
  /** Something was settled, or there is room. */
  readonly advanced: () => void;
}

interface Write {
  readonly messages: readonly Message[];
  done: boolean;
}

export class GorWorker {
  /** Fields of contexts for which a record's first line had no room. */
  contextLeftOut = 0;
  readonly #ledger: OutputLedger;
  readonly #link: Link;
  readonly #events: GorWorkerEvents;
  #waiting: Message[] = [];
  /** Writes the system has not finished, oldest first. */
  #writes: Write[] = [];
  #scheduled = false;

  constructor(
    ledger: OutputLedger,
    link: Pick<LinkOptions, "address" | "tls" | "name" | "log">,
    events: GorWorkerEvents,
  ) {
    this.#ledger = ledger;
    this.#events = events;
    this.#link = new Link({
      ...link,
      pauseMs: () => RETRY_MS,
      opened: () => {
        this.#link.works();
        this.#send();
      },
      // gor says nothing, but the socket must be read to notice that it was closed.
      received: () => {},
      drained: () => this.#advance(),
      lost: () => this.#takeBack(),
    });
  }

  get hasRoom(): boolean {
    return this.#waiting.length < WAITING_MAX;
  }

  get trouble(): string | undefined {
    return this.#link.trouble;
  }

  get quiet(): boolean {
    return this.#waiting.length === 0 && this.#writes.length === 0;
  }

  start(): void {
    this.#link.start();
  }

  close(): void {
    for (const write of this.#writes) write.done = true;
    this.#link.close();
  }

  push(message: Message): void {
    this.#waiting.push(message);
    if (this.#scheduled) return;
    // What arrives in the same turn of the event loop is one write.
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    const { socket } = this.#link;
    if (socket === undefined || this.#waiting.length === 0) return;
    if (socket.writableLength > SOCKET_BYTES_MAX) return;
    const report = new EncodeReport();
    const bytes = encodeRecords(this.#waiting, report);
    this.#waiting = [];
    this.contextLeftOut += report.leftOut;
    if (report.refused.length > 0) this.#ledger.failed(REFUSED_REASON, report.refused);
    if (report.kept.length === 0) {
      this.#events.advanced();
      return;
    }
    const write: Write = { messages: report.kept, done: false };
    this.#writes.push(write);
    socket.write(bytes, (error) => {
      // Node calls back without an error, too, when the socket was destroyed under the write.
      if (!error && !socket.destroyed && !write.done) this.#finished(write);
    });
    // The places of what was written are free, though not settled.
    this.#events.advanced();
  }

  #finished(write: Write): void {
    write.done = true;
    this.#writes.shift();
    this.#ledger.delivered(write.messages);
    this.#advance();
  }

  #advance(): void {
    this.#send();
    this.#events.advanced();
  }

  #takeBack(): void {
    const back: Message[] = [];
    for (const write of this.#writes) {
      write.done = true;
      back.push(...write.messages);
    }
    this.#writes = [];
    this.#waiting = [...back, ...this.#waiting];
  }
}
