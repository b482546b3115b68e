/** Reads the text of a config file, and of a file with a secret. In: a path. Out: text, or an error that says what is wrong with it. */
import { readFileSync, statSync } from "node:fs";

/** A config of a thousand rules has a hundred kilobytes; what is much larger is another file. */
const CONFIG_BYTES_MAX: number = 1024 * 1024;

export function readConfig(file: string): string {
  if (statSync(file).size > CONFIG_BYTES_MAX) {
    throw new Error(`is larger than ${CONFIG_BYTES_MAX} bytes, so it is no config file`);
  }
  return readFileSync(file, "utf8");
}

/** Tokens and lists of header fields; more is another file. */
const SECRET_BYTES_MAX: number = 64 * 1024;

/** A pipe is fine, too: shells make one of `<(command)`. */
export function readSecret(file: string): string {
  if (statSync(file).size > SECRET_BYTES_MAX) {
    throw new Error(`is larger than ${SECRET_BYTES_MAX} bytes, so it holds no secret`);
  }
  return readFileSync(file, "utf8");
}
