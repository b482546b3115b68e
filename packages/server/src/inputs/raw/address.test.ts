// What `--input-raw` is told: addresses, interfaces, filters, tcpdump's words.
import { describe, expect, it } from "vitest";
import { Refusal } from "../../component/option.ts";
import { parseRawAddress } from "./address.ts";
import { explain } from "./engine.ts";
import { captureFilter } from "./live/filter.ts";
import { capturedInterfaces } from "./live/interfaces.ts";
import { tcpdumpWords } from "./live/tcpdump.ts";

describe("addresses", () => {
  it.each([
    [":80", "", [80]],
    [":80,443,80", "", [80, 443]],
    [":", "", []],
    [":0", "", []],
    ["0.0.0.0:80", "", [80]],
    ["[::]:80", "", [80]],
    ["192.0.2.1:80", "192.0.2.1", [80]],
    ["[::1]:80", "::1", [80]],
    ["localhost:80", "127.0.0.1", [80]],
    ["eth0:80", "eth0", [80]],
    ["eth*:80", "eth*", [80]],
  ])("%s", (text, host, ports) => {
    expect(parseRawAddress(text, false)).toEqual({ file: undefined, host, ports });
  });

  it.each([
    ["x.pcap", "x.pcap", []],
    ["/a/x.pcapng:80,81", "/a/x.pcapng", [80, 81]],
    ["-", "-", []],
    ["-:80", "-", [80]],
  ])("%s is a file", (text, file, ports) => {
    expect(parseRawAddress(text, false)).toEqual({ file, host: "", ports });
  });

  it("takes any name for a file with the engine for files", () => {
    expect(parseRawAddress("trace:80", true)).toEqual({ file: "trace", host: "", ports: [80] });
  });

  it.each([
    "",
    "80",
    ":65536",
    ":80,",
    ":a",
    "[1.2.3.4]:80",
    "[::1:80",
    "a b:80",
    "k8s://pod/x:80",
  ])("refuses %j", (text) => expect(parseRawAddress(text, false)).toBeInstanceOf(Refusal));
});

const machine = {
  lo: [
    { address: "127.0.0.1", internal: true },
    { address: "::1", internal: true },
  ],
  eth0: [
    { address: "192.0.2.1", internal: false },
    { address: "fe80::1%eth0", internal: false },
  ],
  eth1: [{ address: "198.51.100.1", internal: false }],
};
const names = (host: string, ignored: string[] = []): string[] =>
  capturedInterfaces(host, machine, ignored).map(({ name }) => name);

describe("interfaces", () => {
  it("are all, those of a name, those of an address, less the ignored", () => {
    expect(names("")).toEqual(["lo", "eth0", "eth1"]);
    expect(names("", ["eth1", "lo"])).toEqual(["eth0"]);
    expect(names("eth*")).toEqual(["eth0", "eth1"]);
    expect(names("eth1")).toEqual(["eth1"]);
    expect(names("192.0.2.1")).toEqual(["lo", "eth0"]);
    expect(names("203.0.113.1")).toEqual([]);
  });

  it("are captured by their addresses; the loopback interface whole, or by the one that is asked for", () => {
    const [lo, eth0] = capturedInterfaces("", machine, []);
    expect(eth0?.addresses).toEqual(["192.0.2.1", "fe80::1"]);
    expect(lo?.addresses).toEqual([]);
    expect(capturedInterfaces("192.0.2.1", machine, [])[0]?.addresses).toEqual(["192.0.2.1"]);
  });
});

describe("filters", () => {
  const wish = { ports: [80], addresses: ["a", "b"], trackResponses: false, vlan: false, vlanIds: [] }; // prettier-ignore
  it.each([
    [wish, "(tcp dst port 80) and (dst host a or dst host b)"],
    [{ ...wish, ports: [] }, "(tcp dst portrange 0-65535) and (dst host a or dst host b)"],
    [{ ...wish, ports: [80, 81], addresses: [] }, "(tcp dst port 80 or tcp dst port 81)"],
    [
      { ...wish, addresses: ["a"], trackResponses: true },
      "((tcp dst port 80) and (dst host a)) or ((tcp src port 80) and (src host a))",
    ],
    [{ ...wish, addresses: [], vlan: true }, "vlan and ((tcp dst port 80))"],
    [{ ...wish, addresses: [], vlanIds: [1, 2] }, "vlan 1 and vlan 2 and ((tcp dst port 80))"],
  ])("%j", (given, filter) => expect(captureFilter(given)).toBe(filter));
});

describe("tcpdump", () => {
  const options = {
    interfaceName: "eth0",
    filter: "tcp",
    snapLengthBytes: 262_144,
    bufferBytes: 2048,
    bufferTimeoutMs: 100,
    promiscuous: false,
    monitor: false,
    timestampType: "",
    becomes: undefined,
  };

  it("is told what was asked", () => {
    expect(tcpdumpWords(options).join(" ")).toBe("-i eth0 -s 262144 -B 2 -U -w - -p -- tcp");
    expect(
      tcpdumpWords({
        ...options,
        promiscuous: true,
        monitor: true,
        bufferTimeoutMs: 0,
        becomes: "mirrorball",
        timestampType: "PCAP_TSTAMP_ADAPTER_UNSYNCED",
      }).join(" "),
    ).toBe(
      "-i eth0 -s 262144 -B 2 -U -w - -Z mirrorball -I --immediate-mode -j adapter_unsynced -- tcp",
    );
  });

  it.each(["-F/etc/hostname", "--version", "-z id"])(
    "takes the filter %s for a filter",
    (filter) => {
      expect(tcpdumpWords({ ...options, filter }).slice(-2)).toEqual(["--", filter]);
    },
  );

  it.each([
    ["socket: Operation not permitted", /setcap[^]*chgrp[^]*AmbientCapabilities/],
    ["nope: No such device exists", /no interface eth0/],
    ["can't parse filter expression: syntax error", /filter "tcp" is not one/],
    ["something else", /cannot capture on eth0: something else/],
  ])("%s: says what to do", (message, pattern) => {
    expect(explain(message, options).message).toMatch(pattern);
  });
});
