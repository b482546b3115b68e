/**
 * Which pages of an lmdb data file hold something: walks the trees from their roots. A file may be shorter than its highest page
 * number says and still be whole, because pages that a transaction took and gave back are never written; it is damaged
 * when a page that something points at is not there. In: a way to read a page, and the two roots. Reads only.
 */

const PAGE_HEADER_BYTES = 24;
const FLAGS_AT = 18;
/** Bytes of the list of nodes that follows the header. */
const LIST_BYTES_AT = 20;
const BRANCH = 0x01;
const LEAF = 0x02;
/** A node: two halves of a size or page number, flags, key size, key, data. */
const NODE_FLAGS_AT = 4;
const NODE_KEY_BYTES_AT = 6;
const NODE_HEADER_BYTES = 8;
/** The data of the node is on pages of its own: their first number, a transaction, how many. */
const BIG = 0x01;
const BIG_PAGES_AT = 16;
/** The data of the node is a tree of its own, with the root at the end of its description. */
const TREE = 0x02;
const TREE_ROOT_AT = 40;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** No tree of 2^48 pages is deeper. */
const DEPTH_MAX = 16;

/** The bytes of a page; undefined when it is not in the file. Valid until the next call. */
export type ReadPage = (page: number) => Buffer | undefined;

/** True when every page that `root` leads to is among the `pages` of the file. */
export function isWhole(root: bigint, pages: number, read: ReadPage, depth = 0): boolean {
  if (root === NO_PAGE) return true;
  if (depth > DEPTH_MAX) return false;
  const found = read(Number(root));
  if (found === undefined) return false;
  const flags = found.readUInt16LE(FLAGS_AT);
  if ((flags & (BRANCH | LEAF)) === 0) return false;
  const children: bigint[] = [];
  const count = found.readUInt16LE(LIST_BYTES_AT) / 2;
  for (let i = 0; i < count; i += 1) {
    const node = PAGE_HEADER_BYTES + found.readUInt16LE(PAGE_HEADER_BYTES + 2 * i);
    if (node + NODE_HEADER_BYTES > found.length) return false;
    const nodeFlags = found.readUInt16LE(node + NODE_FLAGS_AT);
    if ((flags & BRANCH) !== 0) {
      children.push(BigInt(found.readUInt32LE(node)) | (BigInt(nodeFlags) << 32n));
      continue;
    }
    const data = node + NODE_HEADER_BYTES + found.readUInt16LE(node + NODE_KEY_BYTES_AT);
    if ((nodeFlags & BIG) !== 0) {
      if (data + BIG_PAGES_AT + 8 > found.length) return false;
      const last = found.readBigUInt64LE(data) + found.readBigUInt64LE(data + BIG_PAGES_AT);
      if (last > BigInt(pages)) return false;
    } else if ((nodeFlags & TREE) !== 0) {
      if (data + TREE_ROOT_AT + 8 > found.length) return false;
      children.push(found.readBigUInt64LE(data + TREE_ROOT_AT));
    }
  }
  return children.every((child) => isWhole(child, pages, read, depth + 1));
}
