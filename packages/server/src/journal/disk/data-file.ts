/**
 * Looks at a journal directory before lmdb maps it: a damaged data file would end the process with a signal instead
 * of an error. Reads, never writes. Throws an `Error` whose message names the file and the rule.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
} from "node:fs";
import { join } from "node:path";
import { isLockFile } from "./lock.ts";
import { isWhole } from "./reachable-pages.ts";

export const MARK_FILE = "mirrorball.json";
export const DATA_FILE = "data.mdb";
/** The version this program writes; it reads no newer one. */
export const JOURNAL_VERSION = 1;

const PAGE_BYTES = 4096;
/** Where the parts of lmdb's meta page lie: magic, the number of the last page, the transaction's number, roots. */
const MAGIC_AT = 24;
const LAST_PAGE_AT = 144;
const TRANSACTION_AT = 152;
/** The roots of the tree of free pages and of the tree of everything else. */
const ROOTS_AT = [88, 136];
const MAGIC = 0xbeefc0de;

/** True when the directory already holds a journal of ours; false when it is empty. */
export function checkJournalDirectory(directory: string): boolean {
  // A lock alone is what a process leaves that was killed before it made its journal.
  const names = readdirSync(directory).filter((name) => !isLockFile(name));
  if (names.length === 0) return false;
  const mark = join(directory, MARK_FILE);
  if (!existsSync(mark)) {
    throw new Error(
      `${directory} is not empty and holds no journal (${MARK_FILE} is missing); it is left untouched`,
    );
  }
  checkMark(mark);
  const data = join(directory, DATA_FILE);
  if (existsSync(data)) checkData(data);
  return true;
}

function checkMark(file: string): void {
  const version = versionOf(readFileSync(file, "utf8"));
  if (version === undefined) throw new Error(`${file} is damaged; the journal is left untouched`);
  if (version > JOURNAL_VERSION) {
    throw new Error(
      `${file} says version ${version}; this mirrorball knows journals up to version ${JOURNAL_VERSION} and leaves it untouched`,
    );
  }
}

function versionOf(text: string): number | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    const found = typeof parsed === "object" && parsed !== null && "journal" in parsed;
    return found && typeof parsed.journal === "number" ? parsed.journal : undefined;
  } catch {
    return undefined;
  }
}

/** lmdb keeps two meta pages; the one with the higher transaction counts, and what it leads to must be in the file. */
function checkData(file: string): void {
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const pages = Buffer.alloc(2 * PAGE_BYTES);
    if (size < pages.length) throw damaged(file, "it is too short");
    readSync(handle, pages, 0, pages.length, 0);
    let transaction = -1n;
    let lastPage = 0n;
    let roots: bigint[] = [];
    for (const at of [0, PAGE_BYTES]) {
      if (pages.readUInt32LE(at + MAGIC_AT) !== MAGIC) throw damaged(file, "it is not a data file");
      const own = pages.readBigUInt64LE(at + TRANSACTION_AT);
      if (own <= transaction) continue;
      transaction = own;
      lastPage = pages.readBigUInt64LE(at + LAST_PAGE_AT);
      roots = ROOTS_AT.map((rootAt) => pages.readBigUInt64LE(at + rootAt));
    }
    const needed = (lastPage + 1n) * BigInt(PAGE_BYTES);
    if (BigInt(size) >= needed) return;
    const count = Math.floor(size / PAGE_BYTES);
    const read = (page: number): Buffer | undefined => {
      const bytes = Buffer.alloc(PAGE_BYTES);
      const got = page < count ? readSync(handle, bytes, 0, PAGE_BYTES, page * PAGE_BYTES) : 0;
      return got === PAGE_BYTES ? bytes : undefined;
    };
    if (!roots.every((root) => isWhole(root, count, read)))
      throw damaged(file, `it should have ${needed} bytes and has ${size}`);
  } finally {
    closeSync(handle);
  }
}

function damaged(file: string, why: string): Error {
  return new Error(`${file} is damaged: ${why}; the journal is left untouched`);
}
