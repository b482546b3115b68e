/** The address of `--input-raw`: text to what is to be captured, in gor's spellings. Pure. */
import { isIP } from "node:net";
import { Refusal } from "../../component/option.ts";

export interface RawAddress {
  /** A capture to read, `-` for standard input; undefined for live traffic. */
  readonly file: string | undefined;
  /** "" for all interfaces, an IP address, or an interface's name, in which a last `*` stands for anything. */
  readonly host: string;
  /** Captured ports; empty for all. */
  readonly ports: readonly number[];
}

const RULE = new Refusal(
  "must be :80, :80,443, IP:80, [IPv6]:80, INTERFACE:80, eth*:80, a .pcap or .pcapng file, or - for standard input",
);
const KUBERNETES = new Refusal(
  "must be an address or an interface; k8s:// selectors are not supported: capture on the node, veth*:80",
);
/** With the vxlan engine, where the host is one of this machine. */
export const VXLAN_RULE: Refusal = new Refusal(
  "must be :80, :80,443 or IP:80 with the vxlan engine: the ports of the mirrored servers, and an address of this machine to listen on",
);
const PORT_MAX = 65_535;

/** `isFile`: the engine is known to read captures, whatever the name. */
export function parseRawAddress(text: string, isFile: boolean): RawAddress | Refusal {
  if (text.startsWith("k8s://")) return KUBERNETES;
  const match = /^(.*?)(?::(\d+(?:,\d+)*)?)?$/.exec(text);
  const name = match?.[1] ?? "";
  const ports = [
    ...new Set(
      (match?.[2] ?? "")
        .split(",")
        .filter((port) => port !== "")
        .map(Number),
    ),
  ];
  if (ports.some((port) => port > PORT_MAX)) return RULE;
  // gor: port 0, or none, is every port.
  const wanted = ports.includes(0) ? [] : ports;
  if (name === "-" || /\.?pcap(?:ng)?(?:\.gz)?$/.test(name) || (isFile && name !== "")) {
    return { file: name, host: "", ports: wanted };
  }
  if (!text.includes(":") || isFile) return RULE;
  const host = unbracketed(name);
  if (host === undefined) return RULE;
  return { file: undefined, host: host === "localhost" ? "127.0.0.1" : host, ports: wanted };
}

function unbracketed(name: string): string | undefined {
  if (name === "" || name === "0.0.0.0" || name === "[::]" || name === "::") return "";
  const inside = /^\[(.*)\]$/.exec(name)?.[1];
  if (inside !== undefined) return isIP(inside) === 6 ? inside : undefined;
  if (isIP(name) !== 0) return name;
  // Interface names are what Linux allows: no blanks, no slashes.
  return /^[^\s/:|[\]]+$/.test(name) ? name : undefined;
}
