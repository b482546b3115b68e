/**
 * The way out to the replay server. What owns the socket (`sender.ts`) is loaded late and connects with the first exchange: a process
 * that serves nothing pays for nothing and hears of no server. In: frames. Until it is loaded they wait here, and count.
 */
import type { FrameSink } from "./batch.ts";
import type { Sender, SenderOptions } from "./sender.ts";

interface WaitingFrame {
  readonly frame: Uint8Array;
  readonly weight: number;
  readonly told: number;
}

export class Outlet implements FrameSink {
  readonly #options: SenderOptions;
  #sender: Sender | undefined;
  #loads = false;
  #wanted = false;
  #closed = false;
  #waiting: WaitingFrame[] = [];
  #waitingBytes = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  get settledWeight(): number {
    return this.#sender?.settledWeight ?? 0;
  }

  get ackedWeight(): number {
    return this.#sender?.ackedWeight ?? 0;
  }

  /** Bytes of frames that are not acknowledged. */
  get unackedBytes(): number {
    return this.#waitingBytes + (this.#sender?.session.unackedBytes ?? 0);
  }

  get connected(): boolean {
    return this.#sender?.connected ?? false;
  }

  /** What waits may be sent any moment. */
  get connecting(): boolean {
    return this.#sender?.connecting ?? this.#wanted;
  }

  /** The address in use or tried next. */
  get server(): string {
    return this.#sender?.server ?? this.#options.servers[0]?.text ?? "";
  }

  get idle(): boolean {
    return this.#sender?.idle ?? false;
  }

  /** Loads what will be needed; nothing connects yet. Never throws. */
  load(): void {
    if (this.#loads) return;
    this.#loads = true;
    void this.#load();
  }

  /** There is something to send, or soon will be. Idempotent. */
  start(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    if (this.#sender === undefined) this.load();
    else this.#sender.start();
  }

  enqueue(frame: Uint8Array, weight: number, told: number): void {
    if (this.#sender !== undefined) {
      this.#sender.enqueue(frame, weight, told);
      return;
    }
    this.#waiting.push({ frame, weight, told });
    this.#waitingBytes += frame.length;
  }

  pump(): void {
    this.#sender?.pump();
  }

  /** The process ends in this moment. */
  leave(): void {
    this.#sender?.leave();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#sender?.close();
  }

  async #load(): Promise<void> {
    try {
      const { Sender: Loaded } = await import("./sender.ts");
      if (this.#closed) return;
      const sender = new Loaded(this.#options);
      this.#sender = sender;
      for (const { frame, weight, told } of this.#waiting.splice(0))
        sender.enqueue(frame, weight, told);
      this.#waitingBytes = 0;
      if (this.#wanted) sender.start();
    } catch (error) {
      // What waits stays counted as buffered, and is dropped at the end.
      this.#options.fault(error);
    }
  }
}
