/** Encoded bodies, made plain within a bound and encoded again. Throws `CannotLook` for whatever is not whole and known. */
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from "node:zlib";
import { CannotLook } from "./replacer.ts";

/** More is a bomb, or would keep the host's event loop for too long. */
export const PLAIN_BYTES_MAX: number = 1024 * 1024;
/** Nobody encodes more often. */
const LAYERS_MAX = 2;
/** Written once, read on a test system: speed counts. */
const GZIP_LEVEL = 1;
const BROTLI_QUALITY = 1;

interface Coding {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly encode: (bytes: Uint8Array) => Uint8Array;
}

const bounds = { maxOutputLength: PLAIN_BYTES_MAX, info: true };
const gzip: Coding = {
  decode: (bytes) => gunzipSync(bytes, bounds),
  encode: (bytes) => gzipSync(bytes, { level: GZIP_LEVEL }),
};
const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", {
    decode: (bytes) => inflateSync(bytes, bounds),
    encode: (bytes) => deflateSync(bytes, { level: GZIP_LEVEL }),
  }],
  ["br", {
    decode: (bytes) => brotliDecompressSync(bytes, bounds),
    encode: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  }],
]); // prettier-ignore

/** Applies `change` to the plain bytes. The same bytes when that changed nothing. */
export function withinEncodings(
  bytes: Uint8Array,
  encodings: readonly string[],
  change: (plain: Uint8Array) => Uint8Array,
): Uint8Array {
  const [coding, ...inner] = encodings.toReversed();
  if (coding === undefined) return change(bytes);
  if (inner.length >= LAYERS_MAX) throw new CannotLook("encoded too often");
  const known = CODINGS.get(coding);
  if (known === undefined) throw new CannotLook(`encoded as ${coding}`);
  const plain = decode(known, bytes);
  const changed = withinEncodings(plain, inner.toReversed(), change);
  return changed === plain ? bytes : known.encode(changed);
}

function decode(coding: Coding, bytes: Uint8Array): Uint8Array {
  let result: unknown;
  try {
    result = coding.decode(bytes);
  } catch {
    throw new CannotLook("cannot be decoded");
  }
  const { buffer, engine } = result as {
    readonly buffer: Uint8Array;
    readonly engine: { readonly bytesWritten: number };
  };
  // What stands behind the end would leave unseen.
  if (engine.bytesWritten !== bytes.length) throw new CannotLook("more than one encoded body");
  return buffer;
}
