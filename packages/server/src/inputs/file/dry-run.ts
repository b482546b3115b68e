/**
 * `--input-file-dry-run`: what a replay would do, in gor's eight lines. In: each record's moment. Out: text.
 */
const NS_PER_MS = 1e6;

export class DryRun {
  #records = 0;
  #lastMs: number | undefined;
  #firstWaitMs: number | undefined;
  #maxWaitMs = 0;
  #minWaitMs = Number.POSITIVE_INFINITY;
  #totalMs = 0;

  /** The next record is due at `dueMs`. */
  note(dueMs: number): void {
    this.#records += 1;
    if (this.#lastMs !== undefined) {
      const waitMs = Math.max(dueMs - this.#lastMs, 0);
      this.#firstWaitMs ??= waitMs;
      this.#maxWaitMs = Math.max(this.#maxWaitMs, waitMs);
      this.#minWaitMs = Math.min(this.#minWaitMs, waitMs);
      this.#totalMs += waitMs;
    }
    this.#lastMs = dueMs;
  }

  report({
    files,
    bytes,
    outOfOrder,
  }: {
    files: number;
    bytes: number;
    outOfOrder: number;
  }): string {
    const minMs = Number.isFinite(this.#minWaitMs) ? this.#minWaitMs : 0;
    return [
      `Records found: ${this.#records}`,
      `Files processed: ${files}`,
      `Bytes processed: ${bytes}`,
      `Max wait: ${goDuration(this.#maxWaitMs)}`,
      `Min wait: ${goDuration(minMs)}`,
      `First wait: ${goDuration(this.#firstWaitMs ?? 0)}`,
      `It will take \`${goDuration(this.#totalMs)}\` to replay at current speed.`,
      `Found ${outOfOrder} records with out of order timestamp`,
      "",
    ].join("\n");
  }
}

/** As Go prints a duration: `1h2m3.5s`, `12.3ms`, `45µs`, `0s`. */
export function goDuration(ms: number): string {
  const ns = Math.round(ms * NS_PER_MS);
  if (ns === 0) return "0s";
  if (ns < 1000) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1000}µs`;
  if (ns < 1e9) return `${ns / 1e6}ms`;
  const hours = Math.floor(ns / 3.6e12);
  const minutes = Math.floor((ns % 3.6e12) / 6e10);
  const seconds = `${(ns % 6e10) / 1e9}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
