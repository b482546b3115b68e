/** Counts by name where strangers choose the names: an EtherType a packet must not fill the memory. */

/** Names that are told apart; real captures have a dozen. */
const NAMES_MAX = 64;
const OTHERS = "others";

export function countName(counts: Map<string, number>, name: string): void {
  const known = counts.has(name) || counts.size < NAMES_MAX ? name : OTHERS;
  counts.set(known, (counts.get(known) ?? 0) + 1);
}
