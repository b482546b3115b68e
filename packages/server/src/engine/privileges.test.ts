// What may be done as another user, and that this process is itself again afterwards. Needs root.
import { chownSync, chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { asUser, identityOf } from "./privileges.ts";

const isRoot = process.env["CI"] !== undefined || process.getuid?.() === 0;
/** Ids that nobody has need not be known to the system. */
const IDENTITY = { user: "someone", uid: 54_321, gid: 54_321, groups: [54_321, 54_322] };

it.skipIf(!isRoot)("has all groups of the user, and none of root's", () => {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-groups-"));
  try {
    const before = [process.geteuid?.(), process.getegid?.(), process.getgroups?.()];
    const place = (group: number): string => {
      const path = mkdtempSync(join(folder, "g"));
      chownSync(path, 1, group);
      chmodSync(path, 0o770);
      return path;
    };
    chmodSync(folder, 0o755);
    const [theirs, roots] = [place(54_322), place(0)];
    asUser(IDENTITY, () => writeFileSync(join(theirs, "a"), "x"));
    expect(readFileSync(join(theirs, "a"), "utf8")).toBe("x");
    expect(statSync(join(theirs, "a")).uid).toBe(IDENTITY.uid);
    expect(() => asUser(IDENTITY, () => writeFileSync(join(roots, "a"), "x"))).toThrow(/EACCES/);
    expect([process.geteuid?.(), process.getegid?.(), process.getgroups?.()]).toEqual(before);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it.skipIf(!isRoot)("tells a missing user from a missing look-up", () => {
  expect(() => identityOf("no such user")).toThrow("there is no user no such user");
  const path = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    expect(() => identityOf("nobody")).toThrow("needs the command id, which is not there");
  } finally {
    process.env["PATH"] = path;
  }
});
