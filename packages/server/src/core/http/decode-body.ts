/**
 * Undoes content codings (RFC 9110 8.4): gzip, deflate, br, and zstd where the runtime has it. In: bytes and the codings
 * in the order they were applied. Out: the decoded bytes, or why there are none. Output is bounded, so that a bomb costs
 * no more than the bound.
 */
import * as zlib from "node:zlib";

/** `undecodable`: the bytes are not what the coding says. */
export type DecodeFault = "undecodable" | "too-large" | "unknown-coding";

/** Codings on top of each other; nobody applies more, and each is a pass over the body. */
const CODINGS_MAX = 4;

type Decoder = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ["gzip", zlib.gunzipSync],
  ["x-gzip", zlib.gunzipSync],
  ["deflate", inflate],
  ["br", zlib.brotliDecompressSync],
  ...zstd(),
]);

/** Newer than the oldest runtime we support. */
function zstd(): [string, Decoder][] {
  const found: unknown = Reflect.get(zlib, "zstdDecompressSync");
  return typeof found === "function" ? [["zstd", found as Decoder]] : [];
}

/** RFC 9110 8.4.1.2 means zlib's format; some send the bare stream, whose first byte cannot be a zlib header's. */
function inflate(bytes: Uint8Array, options: { readonly maxOutputLength: number }): Uint8Array {
  const isZlib =
    ((bytes[0] ?? 0) & 0x0f) === 8 && (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) % 31 === 0;
  return isZlib ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options);
}

/** The codings of a Content-Encoding value, in the order they were applied. */
export function codingsOf(value: string): string[] {
  return value
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
}

export function decodeBody(
  body: Uint8Array,
  codings: readonly string[],
  bytesMax: number,
): Uint8Array | DecodeFault {
  if (codings.length > CODINGS_MAX) return "unknown-coding";
  let bytes = body;
  for (const coding of codings.toReversed()) {
    const decode = decoders.get(coding);
    if (decode === undefined) return "unknown-coding";
    try {
      bytes = decode(bytes, { maxOutputLength: bytesMax });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      return code === "ERR_BUFFER_TOO_LARGE" ? "too-large" : "undecodable";
    }
  }
  return bytes;
}
