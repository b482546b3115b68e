/**
 * `--input-raw ADDRESS`: captures HTTP/1 from the wire without touching the service, or reads a capture file.
 *
 * In: packets of libpcap, tcpdump, a file or a VXLAN socket. Out: requests, and responses when tracked. Every byte of the captured
 * streams ends in one of the figures; see `raw/stats.ts`. A file ends the input, live traffic never does.
 */
import { isIP } from "node:net";
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";
import { Refusal } from "../component/option.ts";
import { isSameFile } from "../files/same-file.ts";
import { parseRawAddress } from "./raw/address.ts";
import { rawOptions } from "./raw/options.ts";

/** Where the system has what stands behind standard input. */
const STDIN = "/dev/stdin";

export const inputRaw: InputDeclaration<typeof rawOptions> = defineInput({
  name: "input-raw",
  firstPage: "capture a port of this machine; or a .pcap",
  summary:
    "Capture the traffic of any server on this machine from the wire, or read a capture file.",
  argument: {
    placeholder: "ADDRESS",
    example: ":80",
    parse: (raw) => {
      // The engine is another flag: whether a plain path is a file is seen when it is made.
      const address = parseRawAddress(raw, false);
      if (!(address instanceof Refusal)) return raw;
      return parseRawAddress(raw, true) instanceof Refusal || raw.startsWith("k8s:")
        ? address
        : raw;
    },
  },
  takesFrom: (argument, { promisc }) => {
    const address = parseRawAddress(argument, false);
    if (address instanceof Refusal || address.file !== undefined) return undefined;
    const { host, ports } = address;
    // A promiscuous capture takes what is for other addresses, too.
    const isAny = host === "" || (promisc && isIP(host) !== 0);
    return { host: isAny ? undefined : host, ports, path: undefined };
  },
  reads: (argument, { engine }, path) => {
    const address = parseRawAddress(argument, engine === "pcap_file");
    if (address instanceof Refusal || address.file === undefined) return false;
    return isSameFile(address.file === "-" ? STDIN : address.file, path);
  },
  options: rawOptions,
  load: () => import("./raw/input.ts"),
});
