/**
 * The exchanges being recorded, oldest first. A list linked through the exchanges themselves: joining and leaving cost no
 * allocation, and the oldest is found at once.
 */
import type { Exchange } from "../exchange/exchange.ts";

export class OpenExchanges {
  count = 0;
  oldest: Exchange | undefined;
  #newest: Exchange | undefined;

  add(exchange: Exchange): void {
    exchange.previous = this.#newest;
    if (this.#newest === undefined) this.oldest = exchange;
    else this.#newest.next = exchange;
    this.#newest = exchange;
    this.count += 1;
  }

  /** Oldest first; `visit` may remove the one it is given. */
  each(visit: (exchange: Exchange) => void): void {
    for (let exchange = this.oldest; exchange !== undefined;) {
      const following: Exchange | undefined = exchange.next;
      visit(exchange);
      exchange = following;
    }
  }

  remove(exchange: Exchange): void {
    const { previous, next } = exchange;
    if (previous === undefined) this.oldest = next;
    else previous.next = next;
    if (next === undefined) this.#newest = previous;
    else next.previous = previous;
    exchange.previous = undefined;
    exchange.next = undefined;
    this.count -= 1;
  }
}
