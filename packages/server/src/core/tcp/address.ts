/** Addresses as people write them, from the words that packets carry. */

/** Four words of 32 bits; IPv4 has one. IPv6 by RFC 5952: lower case, the longest run of zeros as `::`. */
export function addressText(
  family: 4 | 6,
  word0: number,
  word1: number,
  word2: number,
  word3: number,
): string {
  if (family === 4) {
    return `${word0 >>> 24}.${(word0 >>> 16) & 255}.${(word0 >>> 8) & 255}.${word0 & 255}`;
  }
  const groups = [word0, word1, word2, word3].flatMap((word) => [word >>> 16, word & 0xffff]);
  let bestAt = 0;
  let bestLength = 1;
  for (let at = 0; at < groups.length; at += 1) {
    let length = 0;
    while (groups[at + length] === 0) length += 1;
    if (length > bestLength) [bestAt, bestLength] = [at, length];
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestLength < 2) return hex.join(":");
  return `${hex.slice(0, bestAt).join(":")}::${hex.slice(bestAt + bestLength).join(":")}`;
}
