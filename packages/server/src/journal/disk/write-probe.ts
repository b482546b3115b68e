/**
 * Whether the disk takes a page, asked before lmdb writes: it may not survive a write that fails (its report of the failure
 * overruns a buffer, and after a failed write of its head it gives up until a restart), so that it must rarely see one. In: a
 * directory. Out: yes or no. What only a flush tells (most of what breaks in a disk) lmdb does survive.
 */
import { closeSync, openSync, write } from "node:fs";
import { join } from "node:path";

export const PROBE_FILE = "probe";
const PAGE: Uint8Array = new Uint8Array(4096);
const FILE_MODE = 0o600;

export class WriteProbe {
  readonly #descriptor: number;

  constructor(directory: string) {
    this.#descriptor = openSync(join(directory, PROBE_FILE), "w", FILE_MODE);
  }

  takes(): Promise<boolean> {
    return new Promise((resolve) => {
      write(this.#descriptor, PAGE, 0, PAGE.length, 0, (error, written) => {
        resolve(error === null && written === PAGE.length);
      });
    });
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
