/** What puts the records of one producer together, whoever hands them on: named by its key, charged to the process's memory. */
import type { Hello } from "@mirrorball/protocol";
import { Assembler } from "../assemble/assembler.ts";
import { processMemory } from "../memory/process-memory.ts";

/** Hexadecimal digits of the key that ids begin with; the exchange's number is the rest. */
const ID_PREFIX_CHARS = 12;

/** Its numbers go on over its restarts, so the epoch is no part of the name. */
export function keyOf({ producerId }: Hello): string {
  return Buffer.from(producerId).toString("hex");
}

export function assemblerOf(
  { key, service }: { readonly key: string; readonly service: string },
  dropped: (reason: string, count: number) => void,
): Assembler {
  return new Assembler({
    idPrefix: key.slice(0, ID_PREFIX_CHARS),
    service,
    memory: processMemory.account(),
    dropped,
  });
}
