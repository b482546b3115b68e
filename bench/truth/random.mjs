// @ts-check
// Random numbers from a seed, so that a run can be done again.

/** @param {number} seed @returns {() => number} from 0 to below 1 (mulberry32) */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {() => number} random @param {number} bytes */
export function hexOf(random, bytes) {
  let text = "";
  for (let i = 0; i < bytes; i += 1) {
    text += Math.floor(random() * 256)
      .toString(16)
      .padStart(2, "0");
  }
  return text;
}

/** @param {() => number} random @param {number} bytes */
export function base64urlOf(random, bytes) {
  return Buffer.from(hexOf(random, bytes), "hex").toString("base64url");
}

/** @param {() => number} random */
export function uuidOf(random) {
  const hex = hexOf(random, 16);
  const variant = "89ab"[Math.floor(random() * 4)] ?? "8";
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A new array in another order. @template T @param {() => number} random @param {readonly T[]} list @returns {T[]} */
export function shuffled(random, list) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [x, y] = [copy[i], copy[j]];
    if (x === undefined || y === undefined) continue;
    copy[i] = y;
    copy[j] = x;
  }
  return copy;
}
