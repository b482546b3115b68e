/** What users' functions may do besides returning: nothing of it reaches the host. */

/** A promise that nobody waits for may reject; that must not end the process. Anything else is left alone. */
export function settle(result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result)) return;
  // Thenables of other makes, too: what they throw becomes a rejection here.
  Promise.resolve(result).catch(() => {});
}

export type CallbackName = "filter" | "tags";
