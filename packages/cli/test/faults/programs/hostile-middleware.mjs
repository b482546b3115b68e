// @ts-check
// A middleware that gives back what it gets and, from the first message on, prints what costs its reader memory: a line of a quarter
// of a gigabyte, long lines that are no message, messages that nobody gave it.
import { once } from "node:events";

const MIB = 1024 * 1024;
const digits = Buffer.alloc(MIB, 0x61);

/** @param {Uint8Array | string} bytes */
async function print(bytes) {
  if (!process.stdout.write(bytes)) await once(process.stdout, "drain");
}

async function misbehave() {
  for (let n = 0; n < 256; n += 1) await print(digits);
  await print("\n");
  for (let line = 0; line < 3; line += 1) {
    for (let n = 0; n < 48; n += 1) await print(digits);
    await print("\n");
  }
  for (let n = 0; n < 10_000; n += 1) {
    const record = `1 ${n.toString(16).padStart(24, "f")} 1 1\nGET /hostile HTTP/1.1\r\nHost: a\r\n\r\n`;
    await print(`${Buffer.from(record).toString("hex")}\n`);
  }
  console.error("misbehaved");
}

// Lines must not be mixed: what comes meanwhile is given back afterwards.
/** @type {Promise<void> | undefined} */
let mischief;
for await (const chunk of process.stdin) {
  mischief ??= misbehave();
  await mischief;
  await print(chunk);
}
