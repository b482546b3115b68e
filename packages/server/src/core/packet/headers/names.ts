/** Names that people know for the numbers of link types, EtherTypes and IP protocols that are not read. */

const LINK_TYPES: ReadonlyMap<number, string> = new Map([
  [6, "Token Ring"],
  [8, "SLIP"],
  [140, "MTP2"],
  [143, "DOCSIS"],
  [165, "BACnet"],
  [177, "LAPD"],
  [178, "Juniper Ethernet"],
  [187, "Bluetooth HCI"],
  [189, "USB of Linux"],
  [195, "802.15.4"],
  [197, "ERF"],
  [201, "Bluetooth HCI"],
  [215, "802.15.4"],
  [220, "USB of Linux"],
  [227, "CAN"],
  [230, "802.15.4"],
  [231, "D-Bus"],
  [242, "IP over InfiniBand"],
  [247, "InfiniBand"],
  [248, "SCTP"],
  [249, "USBPcap"],
  [251, "Bluetooth Low Energy"],
  [252, "exported PDUs of Wireshark"],
  [253, "Netlink"],
  [266, "USB of macOS"],
  [272, "nRF sniffer"],
  [283, "802.15.4"],
  [284, "Marvell switch tag"],
]);

const ETHER_TYPES: ReadonlyMap<number, string> = new Map([
  [0x0806, "ARP"],
  [0x8035, "RARP"],
  [0x8137, "IPX"],
  [0x8863, "PPPoE discovery"],
  [0x886d, "Intel teaming"],
  [0x888e, "802.1X"],
  [0x88a4, "EtherCAT"],
  [0x88cc, "LLDP"],
  [0x88e5, "MACsec"],
  [0x88f7, "PTP"],
  [0x8906, "FCoE"],
  [0x8909, "Cisco metadata"],
  [0x8892, "PROFINET"],
  [0x9000, "Ethernet loopback"],
]);

const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, "ICMP"],
  [2, "IGMP"],
  [17, "UDP"],
  [46, "RSVP"],
  [50, "ESP"],
  [58, "ICMPv6"],
  [59, "no next header"],
  [88, "EIGRP"],
  [89, "OSPF"],
  [103, "PIM"],
  [108, "IPComp"],
  [112, "VRRP"],
  [132, "SCTP"],
  [136, "UDP-Lite"],
]);

export function linkTypeName(linkType: number): string {
  const name = LINK_TYPES.get(linkType);
  return name === undefined ? `link type ${linkType}` : `link type ${linkType} (${name})`;
}

export function etherTypeName(type: number): string {
  return ETHER_TYPES.get(type) ?? `EtherType 0x${type.toString(16).padStart(4, "0")}`;
}

export function protocolName(protocol: number): string {
  return PROTOCOLS.get(protocol) ?? `IP protocol ${protocol}`;
}
