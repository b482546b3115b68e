/** The authorities whose certificates targets may show (`--output-http-ca`). In: a file of PEM. Out: its content, read again when asked. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Logger } from "../../component/types.ts";
import { fileError } from "../../files/file-error.ts";

const FLAG = "--output-http-ca";

export class Authorities {
  /** Undefined: those of the system. */
  pem: Buffer | undefined;
  readonly #path: string;
  readonly #log: Logger;

  /** Throws an error that names the flag and the file. */
  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
    this.pem = path === "" ? undefined : read(path);
  }

  /** Undefined when there is nothing to read. */
  get reload(): (() => void) | undefined {
    if (this.#path === "") return undefined;
    return () => {
      try {
        this.pem = read(this.#path);
        this.#log.warn(`${FLAG}: read again; new connections use it`);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warn(`authorities stay as they were: ${reason}`);
      }
    };
  }
}

function read(path: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (error) {
    throw new Error(`${FLAG}: ${fileError("read", path, error).message}`, { cause: error });
  }
  try {
    void new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${FLAG}: ${path} is no certificate in PEM`, { cause: error });
  }
  return pem;
}
