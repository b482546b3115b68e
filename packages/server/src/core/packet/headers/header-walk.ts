/**
 * From one header to the next until an IP packet begins, or somebody says that none will. Sans-IO. Holds the bound on how
 * many headers a packet may have, tunnels within tunnels included, and counts those that were passed over by name.
 */
import { countName } from "../named-counts.ts";
import * as ethernet from "./ethernet-headers.ts";
import * as firewall from "./firewall-headers.ts";
import { ipVersion } from "./header.ts";
import type { Header, Outcome, Place, Reader, Reject } from "./header.ts";
import * as serial from "./serial-headers.ts";
import * as tunnel from "./tunnel-headers.ts";
import * as udp from "./udp-headers.ts";
import * as wireless from "./wireless-headers.ts";

/**
 * Headers of one packet, those of IP not counted. A mirrored frame of a mobile network has about ten (VXLAN, Ethernet, UDP,
 * GTP-U, with their types); the walk must end, as must the recursion from IP to IP.
 */
const HEADERS_MAX = 24;

const READERS: Readonly<Record<Header, Reader>> = {
  ethernet: ethernet.ethernet,
  etherType: ethernet.etherType,
  llc: ethernet.llc,
  mpls: ethernet.mpls,
  pppoe: ethernet.pppoe,
  nsh: ethernet.nsh,
  ip: ipVersion,
  ppp: serial.ppp,
  hdlc: serial.hdlc,
  frameRelay: serial.frameRelay,
  ieee80211: wireless.ieee80211,
  radiotap: wireless.radiotap,
  prism: wireless.prism,
  avs: wireless.avs,
  nflog: firewall.nflog,
  pflog: firewall.pflog,
  enc: firewall.enc,
  ipnet: firewall.ipnet,
  protocol: tunnel.protocol,
  gre: tunnel.gre,
  erspan2: tunnel.erspan2,
  erspan3: tunnel.erspan3,
  etherIp: tunnel.etherIp,
  udp: udp.udp,
  vxlan: udp.vxlan,
  geneve: udp.geneve,
  gtp: udp.gtp,
  teredo: udp.teredo,
  lisp: udp.lisp,
  tzsp: udp.tzsp,
  l2tp: udp.l2tp,
};

export class HeaderWalk implements Place {
  at = 0;
  type = 0;
  /** What the packet is that was not read, or "" where its outcome says all. */
  name = "";
  /** Of the current packet. */
  walked = 0;
  /** Of the current packet: it came in something, whose sender may have cut it. */
  isInside = false;
  /** Headers passed over, of all packets. */
  readonly openedBy: Map<string, number>;

  constructor(openedBy: Map<string, number>) {
    this.openedBy = openedBy;
  }

  /** Call it before the first walk of a packet. */
  reset(): void {
    this.walked = 0;
    this.isInside = false;
    this.name = "";
  }

  /** Where it gives `ipv4` or `ipv6`, that begins at `at`, which may lie behind `end`. */
  from(header: Header, bytes: Uint8Array, at: number, end: number): Outcome {
    this.at = at;
    this.name = "";
    let next: Header | Outcome = header;
    while (isHeader(next)) {
      if (this.walked === HEADERS_MAX) return "tooManyHeaders";
      this.walked += 1;
      next = READERS[next](bytes, this.at, end, this);
    }
    return next;
  }

  opened(name: string): void {
    this.isInside = true;
    countName(this.openedBy, name);
  }

  left(reason: Reject, name: string): Reject {
    this.name = name;
    return reason;
  }
}

function isHeader(next: Header | Outcome): next is Header {
  return next in READERS;
}
