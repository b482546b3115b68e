/** JSON whose numbers keep the digits they were written with, where the browser shows them (`JSON.parse` with source text). Pure. */

/** A number that a double would change. */
export class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }

  /** For searching. */
  toJSON(): string {
    return this.text;
  }
}

/** Throws as `JSON.parse` does. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_: string, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source;
    const isExact = typeof value !== "number" || source === undefined || String(value) === source;
    return isExact ? value : new Digits(source);
  });
}
