/** What functions may do besides returning, users' and our own: nothing of it reaches the host. */
import type { IncomingMessage } from "node:http";

/** `step` as Node's loop may call it: an exception there would end the process, so it is told to `fault` instead. */
export function contained<A extends readonly unknown[]>(
  step: (...given: A) => void,
  fault: (error: unknown) => void,
): (...given: A) => void {
  return (...given) => {
    try {
      step(...given);
    } catch (error) {
      fault(error);
    }
  };
}

/** A promise that nobody waits for may reject; that must not end the process. Anything else is left alone. */
export function settle(result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result)) return;
  // Thenables of other makes, too: what they throw becomes a rejection here.
  Promise.resolve(result).catch(() => {});
}

/** What a filter says; undefined when it throws, or answers anything but true or false. */
export function verdictOf(
  filter: (req: IncomingMessage) => unknown,
  req: IncomingMessage,
): boolean | undefined {
  try {
    const verdict = filter(req);
    if (typeof verdict === "boolean") return verdict;
    // A promise is truthy and may reject: neither may happen to the host.
    settle(verdict);
  } catch {
    // As good as no answer.
  }
  return undefined;
}
