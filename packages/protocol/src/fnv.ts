/** FNV-1a, 32 bits, over the bytes of a latin1 string: the hash by which gor's limiters and sticky outputs choose, and our samplers. */

const OFFSET_BASIS = 2_166_136_261;
const PRIME = 16_777_619;

/** An unsigned 32-bit number. Characters above 255 do not occur: heads are latin1. */
export function fnv1a32(text: string): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ (text.charCodeAt(i) & 0xff), PRIME);
  }
  return hash >>> 0;
}
