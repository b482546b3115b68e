/** The number of a virtual network in a VXLAN header (RFC 7348), and gor's rule for which are taken. Pure. */

const HEADER_BYTES = 8;
/** The bit that says that there is a number. */
const HAS_NUMBER = 0x08;

/** Undefined when it is no VXLAN. */
export function vniOf(datagram: Uint8Array): number | undefined {
  if (datagram.length < HEADER_BYTES || ((datagram[0] ?? 0) & HAS_NUMBER) === 0) return undefined;
  return ((datagram[4] ?? 0) << 16) | ((datagram[5] ?? 0) << 8) | (datagram[6] ?? 0);
}

/**
 * The first entry that names the network decides: taken, or with a minus left out. One that no entry names is taken when there are
 * none, or when at least one leaves something out.
 */
export function isWantedVni(vni: number, wanted: readonly number[]): boolean {
  let otherwise = wanted.length === 0;
  for (const entry of wanted) {
    if (entry < 0) {
      if (vni === -entry) return false;
      otherwise = true;
    } else if (vni === entry) return true;
  }
  return otherwise;
}
