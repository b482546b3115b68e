/**
 * Makes a directory and those above it. In: a path. Out: one sentence when it cannot be. Node's own recursive `mkdir` tries for ever
 * where the system says of a directory that is there that it is not, as `/proc` does.
 */
import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codeOf, fileError } from "./file-error.ts";

export function makeDirectory(path: string, mode: number): void {
  try {
    make(resolve(path), mode);
  } catch (error) {
    throw fileError("make the directory", path, error);
  }
}

function make(path: string, mode: number): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) {
    if (!found.isDirectory()) throw new Error("it is no directory");
    return;
  }
  if (dirname(path) !== path) make(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const code = codeOf(error);
    // What is above it is there.
    if (code === "ENOENT") throw new Error("nothing can be made there", { cause: error });
    // Somebody else was quicker.
    if (code !== "EEXIST") throw error;
  }
}
