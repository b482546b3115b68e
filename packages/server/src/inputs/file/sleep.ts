/** One timer that can be cut short. At most one sleep at a time. */

/** The longest time Node's timers take, in milliseconds: longer ones would end at once. */
const TIMER_MS_MAX = 2_147_483_647;

export class Sleep {
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};

  /** Node's timers count whole milliseconds. */
  for(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, Math.min(Math.max(Math.floor(ms), 1), TIMER_MS_MAX));
    });
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#wake();
  }
}
