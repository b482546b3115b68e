/**
 * Those who wait for one thing, such as room in a queue: `wait` gives all of them the same promise until it happens. Who asks later waits
 * for the next time. Sans-IO.
 */
export class Waiters {
  #promise: Promise<void> | undefined;
  #resolve: () => void = () => {};

  get any(): boolean {
    return this.#promise !== undefined;
  }

  /** Resolves at the next `release`. */
  wait(): Promise<void> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  /** It happened: lets go all who wait. */
  release(): void {
    if (this.#promise === undefined) return;
    const resolve = this.#resolve;
    this.#promise = undefined;
    this.#resolve = () => {};
    resolve();
  }
}
