// The one warning about packets that could not be read, and what such packets make of a run's verdict.
import { expect, it } from "vitest";
import { ethernet, ipv4, tcp } from "../../../test/packet-kit.ts";
import { inUdp, outer4 } from "../../../test/tunnel-kit.ts";
import type { DecodeCounters } from "../../core/packet/decode-counters.ts";
import { StreamTally } from "../../core/http/captured/stream-limits.ts";
import { FlowTable } from "../../core/tcp/flow-table.ts";
import { PacketDecoder } from "../../core/packet/decode.ts";
import { CaptureCounters } from "../../core/pair/capture-counters.ts";
import { missingOf, unreadWarning } from "./unread.ts";

const segment = ipv4(tcp({ payload: "x" }));

function decoded(...packets: readonly (readonly [number, Uint8Array])[]): DecodeCounters {
  const decoder = new PacketDecoder({ packet: () => {} });
  for (const [linkType, bytes] of packets) {
    decoder.packet(linkType, bytes, 0, bytes.length, bytes.length, 0, 0);
  }
  return decoder.counters;
}

it("says nothing when there is nothing to say", () => {
  expect(unreadWarning(decoded(), true)).toBeUndefined();
  const mixed = decoded([101, segment], [101, inUdp(53, segment)], [1, ethernet(segment, 0x0806)]);
  expect(unreadWarning(mixed, true)).toBeUndefined();
});

it("names what could not be read beside what could", () => {
  const counters = decoded(
    [101, segment],
    [249, segment],
    [249, segment],
    [101, outer4(115, segment)],
  );
  expect(unreadWarning(counters, false)).toBe(
    "3 of 4 packets could not be read: link type 249 (USBPcap) 2, L2TPv3 1",
  );
});

it("says what all packets are when none is TCP, once the capture is over", () => {
  const counters = decoded(
    [101, inUdp(443, segment)],
    [1, ethernet(segment, 0x0806)],
    [101, segment.subarray(0, 9)],
  );
  expect(unreadWarning(counters, false)).toBeUndefined();
  expect(unreadWarning(counters, true)).toBe(
    "nothing could be read: none of 3 packets is TCP (UDP port 443 (HTTP/3) 1, ARP 1, damaged or cut 1)",
  );
});

it("does not call a run whole that left out what was under way when the capture ended", () => {
  const messages = new CaptureCounters();
  messages.incomplete("capture-end");
  messages.incomplete("rst");
  const flows = new FlowTable({
    isServerPort: () => true,
    onConnection: () => ({ data: () => {}, gap: () => {}, end: () => {} }),
    hashSeed: [1, 2, 3, 4],
  });
  const missing = (allowIncomplete: boolean): unknown =>
    missingOf(
      { packets: decoded(), tcp: flows.counters(), tally: new StreamTally(), messages, allowIncomplete, cutBodies: 0 }, // prettier-ignore
      { kernel: 0, interface: 0, overload: 0 },
    )["messages under way when the capture ended"];
  expect(missing(false)).toBe(1);
  // Taken as they are, and marked.
  expect(missing(true)).toBe(0);
});
