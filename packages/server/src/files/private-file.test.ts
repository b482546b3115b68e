// A secret of ours in a file: for nobody else, never by somebody else's link, never a half.
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { removePrivate, writePrivate } from "./private-file.ts";

const folder = mkdtempSync(join(tmpdir(), "private-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a private file", () => {
  it("is for its user only, also where one was that all could read, and is replaced whole", () => {
    const path = join(folder, "a");
    writeFileSync(path, "old", { mode: 0o644 });
    writePrivate(path, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["a"]);
    removePrivate(path);
    removePrivate(path);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("does not follow a link, and takes no directory's place", () => {
    const other = join(folder, "other");
    writeFileSync(other, "theirs");
    symlinkSync(other, join(folder, "link"));
    expect(() => writePrivate(join(folder, "link"), "secret")).toThrow(/no plain file/);
    expect(readFileSync(other, "utf8")).toBe("theirs");
    expect(() => writePrivate(folder, "secret")).toThrow(/no plain file/);
  });
});
