/**
 * Whether config files hold something else than when they were read, which a running server does not take over. In: their names. Out: the
 * names of those that changed. What is no plain file, such as a pipe, can be read once only and is left alone.
 */
import { readFileSync, statSync } from "node:fs";

export class ConfigWatch {
  readonly #texts: Map<string, string | undefined>;

  constructor(files: readonly string[]) {
    this.#texts = new Map(files.map((file) => [file, textOf(file)]));
  }

  /** A file that is gone, or cannot be read any more, has changed. */
  changed(): string[] {
    return [...this.#texts]
      .filter(([file, text]) => text !== undefined && textOf(file) !== text)
      .map(([file]) => file);
  }
}

function textOf(file: string): string | undefined {
  try {
    return statSync(file).isFile() ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
