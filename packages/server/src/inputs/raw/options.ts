/** The options of `--input-raw`: gor's, with defaults that lose nothing where gor's do. */
import { duration, flag, integer, list, size, text } from "../../component/kinds.ts";
import { Refusal } from "../../component/option.ts";
import type { OptionSpec, OptionValues } from "../../component/option.ts";

export type RawEngine = "libpcap" | "tcpdump" | "pcap_file" | "vxlan";

/** Milliseconds: longer than the keep-alive of the usual servers. */
const EXPIRE_MS_DEFAULT = 300_000;
/** Bytes of the kernel's buffer: a third of a second at a gigabit. */
const BUFFER_BYTES_DEFAULT: number = 32 * 1024 * 1024;
/** Milliseconds: few enough to be called live, enough to read in bursts. */
const BUFFER_TIMEOUT_MS_DEFAULT = 100;
const VLAN_ID_MAX = 4094;
/** What IANA gave VXLAN; also what 0 means, as in gor. */
export const VXLAN_PORT_DEFAULT = 4789;
const PORT_MAX = 65_535;
/** A network's number has 24 bits. */
const VNI_MAX = 16_777_215;

const TIMESTAMP_TYPES: readonly string[] = [
  "",
  "go",
  "PCAP_TSTAMP_HOST",
  "PCAP_TSTAMP_HOST_LOWPREC",
  "PCAP_TSTAMP_HOST_HIPREC",
  "PCAP_TSTAMP_ADAPTER",
  "PCAP_TSTAMP_ADAPTER_UNSYNCED",
];

/** Whether a name can be one of a header field (RFC 9110 5.1). */
const FIELD_NAME = /^[!#$%&'*+.^_`|~\w-]*$/;

export const rawOptions: {
  trackResponse: OptionSpec<boolean>;
  engine: OptionSpec<RawEngine>;
  protocol: OptionSpec<string>;
  realipHeader: OptionSpec<string>;
  expireMs: OptionSpec<number>;
  allowIncomplete: OptionSpec<boolean>;
  bpfFilter: OptionSpec<string>;
  timestampType: OptionSpec<string>;
  overrideSnaplen: OptionSpec<boolean>;
  bufferTimeoutMs: OptionSpec<number>;
  bufferSizeBytes: OptionSpec<number>;
  promisc: OptionSpec<boolean>;
  monitor: OptionSpec<boolean>;
  stats: OptionSpec<boolean>;
  ignoreInterface: OptionSpec<readonly string[]>;
  vlan: OptionSpec<boolean>;
  vlanVid: OptionSpec<readonly number[]>;
  vxlanPort: OptionSpec<number>;
  vxlanVni: OptionSpec<readonly number[]>;
} = {
  trackResponse: flag({
    help: "Capture responses too, each under the id of its request.",
    default: false,
  }),
  engine: {
    help: "Who captures: libpcap in this process, tcpdump beside it (no native code, no privilege here), a file, or VXLAN packets sent to this machine; gor's raw_socket and af_packet mean libpcap.",
    example: "tcpdump",
    default: "libpcap",
    placeholder: "libpcap|tcpdump|pcap_file|vxlan",
    kind: "value",
    parse: parseEngine,
  },
  protocol: {
    help: "What the captured ports speak: http. Anything else on them is recognised, counted and left out.",
    example: "http",
    default: "http",
    placeholder: "http",
    kind: "value",
    parse: (raw) =>
      raw === "http"
        ? raw
        : new Refusal(
            "must be http; gor's binary protocol guesses messages by pauses, which nothing here could replay",
          ),
  },
  realipHeader: {
    help: "Set this header field of requests to the client's IP address.",
    example: "X-Real-IP",
    default: "",
    placeholder: "NAME",
    kind: "value",
    parse: (raw) => (FIELD_NAME.test(raw) ? raw : new Refusal("must be a header field's name")),
  },
  expireMs: duration({
    help: "Give up a connection that carried nothing for this long, by the time of its packets.",
    example: "30s",
    default: EXPIRE_MS_DEFAULT,
    min: 1000,
    minText: "1s",
  }),
  allowIncomplete: flag({
    help: "Take messages too that are not whole, marked so; output-http leaves them out.",
    default: false,
  }),
  bpfFilter: text({
    help: "A pcap-filter(7) expression in place of the automatic one; the address's ports still tell who is the server. Not for files and VXLAN.",
    example: "tcp port 80 and host 192.0.2.1",
    placeholder: "FILTER",
    default: "",
  }),
  timestampType: {
    help: "Who takes the time of packets: a PCAP_TSTAMP_ type that the engine knows, or go for the moment of reading.",
    example: "PCAP_TSTAMP_HOST",
    default: "",
    placeholder: "TYPE",
    kind: "value",
    parse: (raw) =>
      TIMESTAMP_TYPES.includes(raw)
        ? raw
        : new Refusal(`must be one of ${TIMESTAMP_TYPES.filter((type) => type !== "").join(", ")}`),
  },
  overrideSnaplen: flag({
    help: "Capture 65736 bytes of a packet, as gor does when asked; without, 262144, which cuts nothing.",
    default: false,
  }),
  bufferTimeoutMs: duration({
    help: "How long the kernel may gather packets before it hands them on; 0 is at once. tcpdump knows only 0 and a second.",
    example: "10ms",
    default: BUFFER_TIMEOUT_MS_DEFAULT,
  }),
  bufferSizeBytes: size({
    help: "The kernel's buffer for packets that wait to be read, one an interface; libpcap sets as much aside in memory when there is more work than time.",
    example: "128mb",
    default: BUFFER_BYTES_DEFAULT,
    min: 1024,
  }),
  promisc: flag({
    help: "Capture what other machines send each other too; the automatic filter then names ports only.",
    default: false,
  }),
  monitor: flag({
    help: "Put a wireless interface into monitor mode.",
    default: false,
  }),
  stats: flag({
    help: "Print the figures of the capture to standard error every 5 seconds.",
    default: false,
  }),
  ignoreInterface: list(
    text({
      help: "An interface that is left alone; may be repeated.",
      example: "docker0",
      placeholder: "NAME",
      default: "",
    }),
  ),
  vlan: flag({
    help: "Capture packets with a VLAN tag.",
    default: false,
  }),
  vlanVid: list(
    integer({
      help: "Capture packets of this VLAN; repeated, of VLANs within VLANs.",
      example: "100",
      default: 0,
      min: 0,
      max: VLAN_ID_MAX,
    }),
  ),
  vxlanPort: integer({
    help: "The UDP port on which the vxlan engine takes mirrored packets; 0 is 4789.",
    example: "8472",
    default: VXLAN_PORT_DEFAULT,
    min: 0,
    max: PORT_MAX,
  }),
  vxlanVni: list(
    integer({
      help: "Take the VXLAN network of this number, or with a minus all but it; may be repeated: the first that names a network decides.",
      example: "-7",
      default: 0,
      min: -VNI_MAX,
      max: VNI_MAX,
    }),
  ),
};

export type RawOptions = OptionValues<typeof rawOptions>;

function parseEngine(raw: string): RawEngine | Refusal {
  switch (raw) {
    case "libpcap":
    case "raw_socket":
    case "af_packet":
      return "libpcap";
    case "tcpdump":
    case "pcap_file":
    case "vxlan":
      return raw;
    default:
      return new Refusal("must be one of libpcap, tcpdump, pcap_file, vxlan");
  }
}
