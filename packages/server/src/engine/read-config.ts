/** Reads the text of a config file. In: a path. Out: text, or an error that says what is wrong with it. */
import { readFileSync, statSync } from "node:fs";

/** A config of a thousand rules has a hundred kilobytes; what is much larger is another file. */
const CONFIG_BYTES_MAX: number = 1024 * 1024;

export function readConfig(file: string): string {
  if (statSync(file).size > CONFIG_BYTES_MAX) {
    throw new Error(`is larger than ${CONFIG_BYTES_MAX} bytes, so it is no config file`);
  }
  return readFileSync(file, "utf8");
}
