/** The few facts of msgpack that a writer needs: types, and how many bytes the head of a value takes. */

/** The most that any value needs beside its content: its type and a length of four bytes, or a double. */
export const VALUE_BYTES_MAX = 9;
/** The most bytes that one character of a string needs in UTF-8. */
export const CHAR_BYTES_MAX = 3;

export const NIL = 0xc0;
export const FLOAT64 = 0xcb;

export function textHeadBytes(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

export function bytesHeadBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x1_0000 ? 3 : 5;
}

export function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
