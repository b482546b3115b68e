// A file in pieces: what comes out is the file, whatever the size of the pieces, and each piece stays until the next is asked for.
import { mkdtempSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FilePieces } from "./file-pieces.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-pieces-"));
const content = Buffer.from(Uint8Array.from({ length: 10_000 }, (_, at) => (at * 31) >>> 3));
const path = join(folder, "content");
writeFileSync(path, content);

it.each([1, 7, 4096, 5000, 9999, 10_000, 10_001])("in pieces of %d bytes", async (bytes) => {
  const pieces = new FilePieces(await open(path, "r"), bytes);
  const copies: Buffer[] = [];
  for (;;) {
    const piece = await pieces.next();
    // Reading ahead must not reach into it.
    await new Promise((resolve) => setImmediate(resolve));
    if (piece.length === 0) break;
    expect(piece.length).toBeLessThanOrEqual(bytes);
    copies.push(Buffer.from(piece));
  }
  expect(Buffer.concat(copies).equals(content)).toBe(true);
  expect(await pieces.next()).toHaveLength(0);
  await pieces.close();
});

it("closes while it reads ahead, and tells an error to who asks only", async () => {
  const early = new FilePieces(await open(path, "r"), 100);
  await early.next();
  await early.close();
  const handle = await open(path, "w");
  const failing = new FilePieces(handle, 100);
  await expect(failing.next()).rejects.toThrow(/EBADF/);
  await failing.close();
});
