/**
 * How this server ends a connection, step by step: the producer is asked for what it has in hand (the last call), then what has come
 * goes on and nothing more is read (draining), then the socket is ended. Who waits too long is aborted: what is not safe then is
 * sent again to whoever comes after us. In: what the connection sees. Out: promises of each step. Knows no sockets.
 */

/** Milliseconds that a producer has to hand over what it holds when this server ends. */
const LAST_CALL_MS_MAX = 1000;

export class Ending {
  #step: "no" | "last-call" | "draining" = "no";
  #isAborted = false;
  #handedOver: (() => void) | undefined;
  #drained: (() => void) | undefined;

  get isDraining(): boolean {
    return this.#step === "draining";
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** Resolves when the producer has handed over what it holds, or has had time to. */
  async lastCall(): Promise<void> {
    this.#step = "last-call";
    await new Promise<void>((resolve) => {
      const impatience = setTimeout(resolve, LAST_CALL_MS_MAX);
      this.#handedOver = () => {
        clearTimeout(impatience);
        resolve();
      };
    });
  }

  /** The producer has said that this was all, or is gone. */
  handOver(): void {
    this.#handedOver?.();
  }

  drain(): void {
    this.#step = "draining";
  }

  /** Resolves with `settle`. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  /** Nothing of this connection is under way any more. */
  settle(): void {
    this.#drained?.();
  }

  abort(): void {
    this.#isAborted = true;
    this.handOver();
  }
}
