/**
 * What may wait in memory, counted in bytes with what each piece costs beside them. Sans-IO. In: charges and what is given
 * back. Out: whether there is room.
 *
 * One budget for many accounts: a peer, an upload, an answer. An account may have as much as it leaves free, so that one
 * alone gets half, ten hogs a twelfth each, and there is always something left for who comes next.
 */

export class MemoryBudget {
  readonly bytesMax: number;
  /** Charged by all accounts. */
  usedBytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  account(): MemoryAccount {
    return new MemoryAccount(this);
  }
}

export class MemoryAccount {
  usedBytes = 0;
  readonly #budget: MemoryBudget;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** False, and nothing is charged, when so much would be more than this account leaves to all others. */
  charge(bytes: number): boolean {
    const { bytesMax, usedBytes } = this.#budget;
    if (this.usedBytes + bytes > bytesMax - usedBytes - bytes) return false;
    this.usedBytes += bytes;
    this.#budget.usedBytes += bytes;
    return true;
  }

  free(bytes: number): void {
    this.usedBytes -= bytes;
    this.#budget.usedBytes -= bytes;
  }
}
