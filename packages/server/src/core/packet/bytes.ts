/** Integers out of byte arrays. What lies outside the array reads as 0; callers check lengths first. */

export function u16be(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** All 32 bits as a signed integer: what sequence numbers and address words want. */
export function i32be(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

export function u16(bytes: Uint8Array, at: number, little: boolean): number {
  return little ? (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) : u16be(bytes, at);
}

export function u32(bytes: Uint8Array, at: number, little: boolean): number {
  if (!little) return i32be(bytes, at) >>> 0;
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  );
}
