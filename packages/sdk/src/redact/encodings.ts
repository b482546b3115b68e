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
  /** What the beginning of an encoded body says, as far as it can be told. */
  readonly decodeBegin: (bytes: Uint8Array) => Uint8Array;
  readonly encode: (bytes: Uint8Array) => Uint8Array;
}

const bounds = { maxOutputLength: PLAIN_BYTES_MAX, info: true };
const unfinished = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: PLAIN_BYTES_MAX };
const gzip: Coding = {
  decode: (bytes) => gunzipSync(bytes, bounds),
  decodeBegin: (bytes) => gunzipSync(bytes, unfinished),
  encode: (bytes) => gzipSync(bytes, { level: GZIP_LEVEL }),
};
const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ["gzip", gzip],
  ["x-gzip", gzip],
  ["deflate", {
    decode: (bytes) => inflateSync(bytes, bounds),
    decodeBegin: (bytes) => inflateSync(bytes, unfinished),
    encode: (bytes) => deflateSync(bytes, { level: GZIP_LEVEL }),
  }],
  ["br", {
    decode: (bytes) => brotliDecompressSync(bytes, bounds),
    decodeBegin: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: PLAIN_BYTES_MAX }),
    encode: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  }],
]); // prettier-ignore

/** Encoded bytes that are enough to tell how a body begins; more would be a bomb's. */
const BEGIN_ENCODED_BYTES = 512;

/** Whether all of them are known here. */
export function areKnown(encodings: readonly string[]): boolean {
  return encodings.every((coding) => CODINGS.has(coding));
}

/** How the plain bytes begin; none where that cannot be told. */
export function beginWithin(begin: Uint8Array, encodings: readonly string[]): Uint8Array {
  if (encodings.length === 0) return begin;
  return encodings
    .toReversed()
    .reduce<Uint8Array>(
      (bytes, coding) =>
        CODINGS.get(coding)?.decodeBegin(bytes.subarray(0, BEGIN_ENCODED_BYTES)) ??
        new Uint8Array(),
      begin,
    );
}

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
