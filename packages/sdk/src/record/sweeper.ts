/**
 * Looks at the open exchanges ten times a second, for what no event tells: clients that went away, answers that take long.
 * Runs only while there are any, and never keeps the process alive. Knows nothing of what is looked for.
 */
import { contained } from "../guard/callbacks.ts";
import type { Exchange } from "../exchange/exchange.ts";

/** How often open exchanges are looked at, to find aborted ones and such as take long. */
const SWEEP_MS = 100;

type Fault = (error: unknown, exchange?: Exchange) => void;

export class Sweeper {
  readonly #open: ReadonlySet<Exchange>;
  readonly #look: (exchange: Exchange) => void;
  readonly #fault: Fault;
  #timer: NodeJS.Timeout | undefined;

  /** `look` may remove the exchange it is given. `fault` must: an exchange that throws would do so ten times a second. */
  constructor(open: ReadonlySet<Exchange>, look: (exchange: Exchange) => void, fault: Fault) {
    this.#open = open;
    this.#look = look;
    this.#fault = fault;
  }

  /** There is an exchange to look at. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(
      contained(() => this.sweep(), this.#fault),
      SWEEP_MS,
    );
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  sweep(): void {
    if (this.#open.size === 0) {
      this.stop();
      return;
    }
    for (const exchange of this.#open) {
      try {
        this.#look(exchange);
      } catch (error) {
        this.#fault(error, exchange);
      }
    }
  }
}
