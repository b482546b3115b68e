// What others made decides nothing: links, kinds, owners and modes of what is about to be written.
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkOwnDirectory, isOwnSocket, openToAppend, refuseLinks } from "./own-path.ts";

const isRoot = process.geteuid?.() === 0;
/** Some user that we are not. */
const SOMEBODY = 65_534;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-own-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

async function append(path: string, text: string): Promise<void> {
  const handle = await openToAppend(path, false);
  await handle.write(text);
  await handle.close();
}

function file(name: string, mode = 0o600): string {
  writeFileSync(at(name), "before ");
  chmodSync(at(name), mode);
  return at(name);
}

describe("a file to add to", () => {
  it("is made for its owner only, and added to", async () => {
    await append(at("new"), "a");
    await append(at("new"), "b");
    expect(readFileSync(at("new"), "utf8")).toBe("ab");
    expect(statSync(at("new")).mode & 0o777).toBe(0o600);
  });

  it("that others may read is closed to them", async () => {
    await append(file("open", 0o644), "after");
    expect(statSync(at("open")).mode & 0o777).toBe(0o600);
    expect(readFileSync(at("open"), "utf8")).toBe("before after");
  });

  it("may be a link of ours, a device or a pipe", async () => {
    symlinkSync(file("real"), at("link"));
    await append(at("link"), "after");
    expect(readFileSync(at("real"), "utf8")).toBe("before after");
    await append("/dev/null", "x");
    expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("is no directory, no link that leads nowhere", async () => {
    await expect(append(folder, "x")).rejects.toThrow(/is a directory and no file/);
    symlinkSync(at("nowhere"), at("link"));
    await expect(append(at("link"), "x")).rejects.toThrow(/leads nowhere/);
  });

  it("has no second name where others can have given it", async () => {
    const shared = at("shared");
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    linkSync(file("mine"), join(shared, "theirs"));
    await expect(append(join(shared, "theirs"), "x")).rejects.toThrow(/second name/);
    expect(readFileSync(at("mine"), "utf8")).toBe("before ");
  });

  it.runIf(isRoot)("is nobody else's, and behind nobody else's link", async () => {
    const target = file("target", 0o644);
    symlinkSync(target, at("link"));
    lchownSync(at("link"), SOMEBODY, SOMEBODY);
    await expect(append(at("link"), "x")).rejects.toThrow(/a link that user 65534 made/);
    symlinkSync(folder, at("way"));
    lchownSync(at("way"), SOMEBODY, SOMEBODY);
    await expect(append(join(at("way"), "target"), "x")).rejects.toThrow(/not followed/);
    chownSync(target, SOMEBODY, SOMEBODY);
    await expect(append(target, "x")).rejects.toThrow(/belongs to user 65534/);
    expect(readFileSync(target, "utf8")).toBe("before ");
    expect(statSync(target).mode & 0o777).toBe(0o644);
  });
});

describe("a socket", () => {
  it("may be free, or one of ours", async () => {
    expect(isOwnSocket(at("none"))).toBe(false);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at("s"), resolve));
    expect(isOwnSocket(at("s"))).toBe(true);
    symlinkSync(at("s"), at("link"));
    expect(() => isOwnSocket(at("link"))).toThrow(/is a link and no socket/);
    if (isRoot) {
      lchownSync(at("s"), SOMEBODY, SOMEBODY);
      expect(() => isOwnSocket(at("s"))).toThrow(/belongs to user/);
    }
    server.close();
  });

  it("is no file that somebody needs", () => {
    expect(() => isOwnSocket(file("important.db"))).toThrow(/is a file and no socket; it is left/);
    expect(readFileSync(at("important.db"), "utf8")).toBe("before ");
  });
});

describe("a directory", () => {
  it("of ours with files of ours is fine", () => {
    file("a");
    chmodSync(folder, 0o755);
    expect(() => checkOwnDirectory(folder)).not.toThrow();
  });

  it("holds no links", () => {
    symlinkSync(at("elsewhere"), at("data.mdb"));
    expect(() => checkOwnDirectory(folder)).toThrow(/data\.mdb is a link/);
  });

  it("that others may write in is not used, unless it is empty", () => {
    chmodSync(folder, 0o777);
    expect(() => checkOwnDirectory(folder)).not.toThrow();
    file("a");
    expect(() => checkOwnDirectory(folder)).toThrow(/may be written by others/);
  });

  it.runIf(isRoot)("of somebody else is not used, nor one behind somebody's link", () => {
    file("a");
    lchownSync(at("a"), SOMEBODY, SOMEBODY);
    expect(() => checkOwnDirectory(folder)).toThrow(/belongs to user 65534/);
    rmSync(at("a"));
    symlinkSync("/etc", at("way"));
    lchownSync(at("way"), SOMEBODY, SOMEBODY);
    expect(() => refuseLinks(join(at("way"), "journal"))).toThrow(/a link that user 65534 made/);
    rmSync(at("way"));
    chownSync(folder, SOMEBODY, SOMEBODY);
    expect(() => checkOwnDirectory(folder)).toThrow(/belongs to user 65534/);
    chownSync(folder, 0, 0);
  });
});
