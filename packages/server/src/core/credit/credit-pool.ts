/**
 * One budget of credit for all producers of an input. Sans-IO.
 *
 * In: producers that come and go, bytes of theirs that are free again, and what each of them needs for the frames that it has
 * ready. Out: grants. Granted and not free again is never more than the budget. Half of it is given out unasked, as a window
 * for each, so that nobody waits while there is plenty; what a producer holds of that without using it cannot be had back. So
 * the other half is lent to those who ask, to the last byte of a frame that is ready, so that it comes back: first to who was
 * lent least.
 *
 * Nobody starves: whose turn it is waits for no more than the largest frame, which fits the half that is lent, and nobody else
 * is served before it unless it is waiting for frames of its own to be taken; who comes later is behind.
 */

export interface CreditPoolOptions {
  /** At least twice the largest frame. */
  readonly totalBytes: number;
  /** The most that one producer may have under way; it holds the largest frame. */
  readonly holderBytesMax: number;
}

export interface CreditHolder {
  /** More credit. `asked`: because it said what it needs. */
  readonly granted: (bytes: number, asked: boolean) => void;
}

interface Account {
  /** Granted in all. */
  creditBytes: number;
  /** Of that, free again. */
  freedBytes: number;
  /** Credit that its frames need which are ready: for one, for two …; more than it has. */
  wanted: readonly number[];
  /** Lent to it because it asked. */
  servedBytes: number;
  gone: boolean;
}

export class CreditPool {
  /** Granted and not free again, by all. */
  grantedBytes = 0;
  readonly #totalBytes: number;
  readonly #unaskedBytesMax: number;
  readonly #holderBytesMax: number;
  readonly #accounts: Map<CreditHolder, Account> = new Map();
  /** Those who want something, in the order in which they came. */
  readonly #queue: Map<CreditHolder, Account> = new Map();
  /** What the one that was served last had been lent before. */
  #servedBytes = 0;
  #present = 0;

  constructor({ totalBytes, holderBytesMax }: CreditPoolOptions) {
    this.#totalBytes = totalBytes;
    this.#unaskedBytesMax = Math.floor(totalBytes / 2);
    this.#holderBytesMax = Math.min(holderBytesMax, this.#unaskedBytesMax);
  }

  /** How many wait for credit that they need. */
  get waiting(): number {
    return this.#queue.size;
  }

  join(holder: CreditHolder): void {
    const account = { creditBytes: 0, freedBytes: 0, wanted: [], servedBytes: 0, gone: false };
    this.#accounts.set(holder, account);
    this.#present += 1;
    this.#giveUnasked(holder, account);
  }

  freed(holder: CreditHolder, bytes: number): void {
    const account = this.#accounts.get(holder);
    if (account === undefined) return;
    account.freedBytes += bytes;
    this.grantedBytes -= bytes;
    this.#forgetIfOver(holder, account);
    this.#serve();
    if (!account.gone && !this.#queue.has(holder)) this.#giveUnasked(holder, account);
  }

  /** What `holder` needs, as credit counted from its start, in growing order; it stands until it is met. */
  wants(holder: CreditHolder, creditBytes: readonly number[]): void {
    const account = this.#accounts.get(holder);
    if (account === undefined || account.gone) return;
    account.wanted = creditBytes.filter((each) => each > account.creditBytes);
    if (account.wanted.length > 0) this.#enqueue(holder, account);
    else this.#queue.delete(holder);
    this.#serve();
  }

  /** It is gone, and what it has not used is had back. `usedBytes`: what has come of it, which may be freed later. */
  leave(holder: CreditHolder, usedBytes: number): void {
    const account = this.#accounts.get(holder);
    if (account === undefined || account.gone) return;
    account.gone = true;
    this.#present -= 1;
    this.#queue.delete(holder);
    this.grantedBytes -= account.creditBytes - usedBytes;
    account.creditBytes = usedBytes;
    this.#forgetIfOver(holder, account);
    this.#serve();
  }

  #forgetIfOver(holder: CreditHolder, { gone, creditBytes, freedBytes }: Account): void {
    if (gone && creditBytes === freedBytes) this.#accounts.delete(holder);
  }

  /** Serves whose turn it is, as long as there is credit. */
  #serve(): void {
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      const [holder, account] = next;
      const { creditBytes, wanted } = account;
      const needBytes = needOf(account);
      const freeBytes = this.#totalBytes - this.grantedBytes;
      if (needBytes > freeBytes) return;
      const shareBytes = Math.max(needBytes, Math.floor(freeBytes / this.#queue.size));
      const limit = creditBytes + Math.min(shareBytes, this.#roomOf(account));
      const bytes = (wanted.findLast((each) => each <= limit) ?? creditBytes) - creditBytes;
      this.#servedBytes = account.servedBytes;
      account.servedBytes += bytes;
      this.#give(holder, account, bytes, true);
      account.wanted = account.wanted.filter((each) => each > account.creditBytes);
      if (account.wanted.length === 0) this.#queue.delete(holder);
    }
  }

  /** Who was lent least so far, of those who do not wait for frames of their own to be taken; of equals, who came first. */
  #next(): [CreditHolder, Account] | undefined {
    let next: [CreditHolder, Account] | undefined;
    for (const [holder, account] of this.#queue) {
      if (needOf(account) > this.#roomOf(account)) continue;
      if (next === undefined || account.servedBytes < next[1].servedBytes) next = [holder, account];
    }
    return next;
  }

  #enqueue(holder: CreditHolder, account: Account): void {
    if (this.#queue.has(holder)) return;
    // Who was away has saved nothing up, and passes by nobody who waits.
    let least = Infinity;
    for (const { servedBytes } of this.#queue.values()) least = Math.min(least, servedBytes);
    if (least === Infinity) least = this.#servedBytes;
    account.servedBytes = Math.max(account.servedBytes, least);
    this.#queue.set(holder, account);
  }

  #roomOf({ creditBytes, freedBytes }: Account): number {
    return this.#holderBytesMax - (creditBytes - freedBytes);
  }

  #giveUnasked(holder: CreditHolder, account: Account): void {
    const windowBytes = Math.floor(this.#unaskedBytesMax / this.#present);
    const heldBytes = account.creditBytes - account.freedBytes;
    const bytes = Math.min(
      Math.min(windowBytes, this.#holderBytesMax) - heldBytes,
      this.#unaskedBytesMax - this.grantedBytes,
    );
    if (bytes > 0) this.#give(holder, account, bytes, false);
  }

  #give(holder: CreditHolder, account: Account, bytes: number, asked: boolean): void {
    account.creditBytes += bytes;
    this.grantedBytes += bytes;
    holder.granted(bytes, asked);
  }
}

/** Credit for the next frame alone. */
function needOf({ wanted, creditBytes }: Account): number {
  return (wanted[0] ?? creditBytes) - creditBytes;
}
