// A disk that is slow or fails under a program: the calls of its C library are harmed on their way (bad-disk.c), while it runs.
// The journal's file alone is harmed. What was done is counted, so that a test can show that its faults happened.
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("bad-disk.c", import.meta.url));
/** Places in the file of orders, as bad-disk.c has them. */
const FIELDS = [
  "syncDelayMs",
  "syncError",
  "writeError",
  "writesFailAnywhere",
  "syncsDelayed",
  "syncsFailed",
  "writesFailed",
] as const;
type Field = (typeof FIELDS)[number];
const FIELD_BYTES = 4;

export class BadDisk {
  /** For the environment of the program. */
  readonly env: Record<string, string>;
  readonly #directory: string;
  readonly #orders: number;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), "mirrorball-disk-"));
    const library = join(this.#directory, "bad-disk.so");
    execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"]);
    const orders = join(this.#directory, "orders");
    this.#orders = openSync(orders, "w+");
    writeSync(this.#orders, Buffer.alloc(FIELDS.length * FIELD_BYTES));
    this.env = { LD_PRELOAD: library, MIRRORBALL_BAD_DISK: orders };
  }

  /** Each flush takes so much longer from here on. */
  slow(ms: number): void {
    this.#set("syncDelayMs", ms);
  }

  /** Writes or flushes fail from here on with this error number; writes from the next commit on, or in the middle of one. */
  fail(what: "write" | "sync", error: number, anywhere = false): void {
    this.#set("writesFailAnywhere", anywhere ? 1 : 0);
    this.#set(what === "write" ? "writeError" : "syncError", error);
  }

  heal(): void {
    for (const field of ["syncDelayMs", "writeError", "syncError"] as const) this.#set(field, 0);
  }

  /** Calls that failed or were late so far. */
  count(field: Field): number {
    const bytes = Buffer.alloc(FIELD_BYTES);
    readSync(this.#orders, bytes, 0, FIELD_BYTES, FIELDS.indexOf(field) * FIELD_BYTES);
    return bytes.readInt32LE();
  }

  close(): void {
    closeSync(this.#orders);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #set(field: Field, value: number): void {
    const bytes = Buffer.alloc(FIELD_BYTES);
    bytes.writeInt32LE(value);
    writeSync(this.#orders, bytes, 0, FIELD_BYTES, FIELDS.indexOf(field) * FIELD_BYTES);
  }
}
