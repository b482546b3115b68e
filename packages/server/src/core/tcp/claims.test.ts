/** What packets claim and others do not bear out: acknowledgements, resets, SYNs; and which side is which. */
import { describe, expect, it } from "vitest";
import { Bench, ipv4, tcp } from "../../../test/packet-kit.ts";

describe("claims", () => {
  it("of an acknowledgement that nobody's data bears out move nothing, however often they come", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    for (const stale of [500_000_000, 500_000_000, 2 ** 30, 2 ** 31, 2 ** 32 - 700_000_000]) {
      bench.server({ sequence: 1, acknowledgment: stale });
      bench.pass(3);
    }
    bench.client({ sequence: 4, acknowledgment: 1, payload: "def" });
    bench.server({ sequence: 1, acknowledgment: 7, payload: "ok" });
    bench.flush();
    expect(bench.streams).toEqual(["abcdef<capture-end>", "ok<capture-end>"]);
    expect(bench.counters).toMatchObject({ lostBytes: 0, duplicateBytes: 0 });
  });

  it("of an acknowledgement beyond the window are believed where data bears them out: a pause of the capture", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 100_000_004, acknowledgment: 1, payload: "xyz" });
    bench.server({ sequence: 1, acknowledgment: 100_000_007 });
    bench.pass(2);
    expect(bench.streams[0]).toBe("abc[100000000]xyz");
  });

  it("of a segment far beyond the window that nobody acknowledged are refused", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 300_000_000, acknowledgment: 1, payload: "stray" });
    bench.server({ sequence: 1, acknowledgment: 4, payload: "ok" });
    bench.flush();
    expect(bench.streams).toEqual(["abc<capture-end>", "ok<capture-end>"]);
    expect(bench.counters).toMatchObject({ lostBytes: 0, refusedOutOfWindowBytes: 5 });
  });

  it("of a server that knows another connection are a challenge, and the next SYN ACK counts", () => {
    const bench = new Bench();
    bench.client({ flags: "S", sequence: 1000 });
    bench.server({ sequence: 77_000_000, acknowledgment: 99_000_000 });
    bench.client({ flags: "R", sequence: 99_000_000 });
    bench.seconds += 1;
    bench.client({ flags: "S", sequence: 1000 });
    bench.server({ flags: "SA", sequence: 5000, acknowledgment: 1001 });
    bench.client({ sequence: 1001, acknowledgment: 5001, payload: "GET" });
    bench.server({ sequence: 5001, acknowledgment: 1004, payload: "200" });
    expect(bench.streams).toEqual(["GET", "200"]);
    expect(bench.counters).toMatchObject({ connections: 1, lostBytes: 0, resetsIgnored: 1 });
  });

  it("of a reset in the window end nothing when the server challenges it and both go on", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 4, payload: "ok" });
    bench.client({ flags: "R", sequence: 4 + 1000 });
    bench.server({ sequence: 3, acknowledgment: 4 });
    bench.client({ sequence: 4, acknowledgment: 3, payload: "def" });
    bench.pass(10);
    bench.server({ sequence: 3, acknowledgment: 7, payload: "ay" });
    expect(bench.streams).toEqual(["abcdef", "okay"]);
    expect(bench.counters.resetsIgnored).toBe(1);
  });

  it("of a reset in the window end it when nobody goes on, also without another packet", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ flags: "R", sequence: 4 + 1000 });
    bench.pass(1);
    expect(bench.streams[0]).toBe("abc");
    bench.pass(1);
    expect(bench.streams).toEqual(["abc<rst>", "<rst>"]);
    expect(bench.counters).toMatchObject({ closedByReset: 1, resetsIgnored: 0 });
  });

  it("of a SYN on an open connection end nothing until the server answers with one", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 4, payload: "ok" });
    bench.client({ flags: "S", sequence: 9_000_000 });
    bench.server({ sequence: 3, acknowledgment: 4 });
    bench.client({ sequence: 4, acknowledgment: 3, payload: "def" });
    expect(bench.streams).toEqual(["abcdef", "ok"]);
    bench.client({ flags: "S", sequence: 70_000 });
    bench.server({ flags: "SA", sequence: 80_000, acknowledgment: 70_001 });
    bench.client({ sequence: 70_001, acknowledgment: 80_001, payload: "new" });
    expect(bench.told.map(({ text }) => text)).toEqual([
      ["abcdef<port-reuse>", "ok<port-reuse>"],
      ["new", ""],
    ]);
  });

  it("of a SYN on an open connection hold when its answer was not captured and its data was", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 4, payload: "ok" });
    bench.client({ flags: "S", sequence: 9_000_000 });
    bench.client({ sequence: 9_000_001, acknowledgment: 80_001, payload: "new" });
    bench.server({ sequence: 80_001, acknowledgment: 9_000_004, payload: "one" });
    expect(bench.streams).toEqual(["new", "one"]);
  });

  it("of Fast Open are what the answer makes of them", () => {
    for (const acknowledged of [1001, 1003, 1006]) {
      const bench = new Bench();
      bench.client({ flags: "S", sequence: 1000, payload: "early" });
      bench.server({ flags: "SA", sequence: 5000, acknowledgment: acknowledged });
      bench.server({ sequence: 5001, acknowledgment: acknowledged, payload: "ok" });
      bench.client({ sequence: acknowledged, acknowledgment: 5003, payload: "early!".slice(acknowledged - 1001) }); // prettier-ignore
      expect(bench.streams).toEqual(["early!", "ok"]);
      expect(bench.counters.connections).toBe(1);
    }
  });

  it("of a SYN that came behind its answer are data all the same", () => {
    const bench = new Bench();
    bench.server({ flags: "SA", sequence: 5000, acknowledgment: 1006 });
    bench.client({ flags: "S", sequence: 1000, payload: "early" });
    bench.client({ sequence: 1006, acknowledgment: 5001, payload: "!" });
    expect(bench.streams[0]).toBe("early!");
    expect(bench.counters).toMatchObject({ connections: 1, duplicateBytes: 0, lostBytes: 0 });
  });

  it("of repetitions that carry later acknowledgements hold nobody up", () => {
    const bench = new Bench();
    bench.handshake();
    // The answer was captured, the request only when it was sent again behind it.
    bench.server({ sequence: 1, acknowledgment: 4, payload: "200" });
    bench.client({ sequence: 1, acknowledgment: 4, payload: "GET" });
    expect(bench.streams).toEqual(["GET", "200"]);
  });
});

describe("sides", () => {
  const speaker = (chunk: Uint8Array, start: number): 0 | 1 | -1 => {
    if (chunk[start] === 0x47) return 0;
    return chunk[start] === 0x48 ? 1 : -1;
  };

  it("are what is said, whatever the ports, and change when it is said later", () => {
    const bench = new Bench({ isServerPort: () => true, speaker });
    // By the ports the sender of this one would be the server.
    bench.packet(
      ipv4(tcp({ sourcePort: 9, destinationPort: 5000, sequence: 50, payload: "body" })),
    );
    bench.packet(ipv4(tcp({ sourcePort: 9, destinationPort: 5000, sequence: 54, payload: "Get" })));
    bench.packet(ipv4(tcp({ sourcePort: 3, destinationPort: 5000, payload: "Get" })));
    bench.packet(ipv4(tcp({ sourcePort: 5000, destinationPort: 4, payload: "Head" })));
    expect(bench.told.map(({ info, text }) => [info.client.port, ...text])).toEqual([
      [5000, "<reversed>", "body<reversed>"],
      [9, "Get", ""],
      [3, "Get", ""],
      [4, "", "Head"],
    ]);
    bench.flush();
    expect(bench.counters.connections).toBe(3);
  });
});
