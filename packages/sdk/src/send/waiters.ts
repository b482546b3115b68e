/** Who waits for something that has no time of its own, such as the last acknowledgement. Knows nothing of what that is. */
export class Waiters {
  #waiting: (() => void)[] = [];

  /** Resolves with the next `wake`, or when the time is up. Keeps the process alive: who awaits it wants that. */
  async within(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
