/** One test a row of what TCP does on real wires. */
import { describe, expect, it } from "vitest";
import { Bench, CLIENT_PORT, ipv4, ipv6, PORT, RAW_IP, tcp } from "../../../test/packet-kit.ts";

const WRAP = 2 ** 32;

describe("order", () => {
  it("tells both directions as they come, and who talks to whom", () => {
    const bench = new Bench();
    bench.handshake(100, 200);
    bench.client({ sequence: 101, acknowledgment: 201, payload: "GET" });
    bench.server({ sequence: 201, acknowledgment: 104, payload: "200" });
    expect(bench.streams).toEqual(["GET", "200"]);
    expect(bench.told[0]?.info).toMatchObject({
      client: { address: "10.0.0.1", port: CLIENT_PORT },
      server: { address: "10.0.0.2", port: PORT },
      midstream: false,
      number: 1,
    });
  });

  it("puts segments out of order in their places", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 7, payload: "ghi" });
    bench.client({ sequence: 4, payload: "def" });
    expect(bench.counters.heldBytes).toBe(6);
    bench.client({ sequence: 1, payload: "abc" });
    bench.client({ sequence: 10, payload: "j" });
    expect(bench.streams[0]).toBe("abcdefghij");
    expect(bench.counters.duplicateBytes).toBe(0);
  });

  it("goes on where sequence numbers wrap, wherever the wrap falls", () => {
    for (let before = 0; before <= 2000; before += 1) {
      const bench = new Bench();
      const isn = WRAP - before;
      bench.client({ flags: "S", sequence: isn });
      const text = "x".repeat(1999) + "y";
      bench.client({ sequence: isn + 1 + 1000, payload: text.slice(1000) });
      bench.client({ sequence: isn + 1, payload: text.slice(0, 1000) });
      if (bench.streams[0] !== text) throw new Error(`ISN 2^32 - ${before}`);
    }
  });
});

describe("repetition", () => {
  it("drops and counts an identical retransmission", () => {
    const bench = new Bench();
    bench.handshake();
    for (let i = 0; i < 3; i += 1) bench.client({ sequence: 1, payload: "abc" });
    expect(bench.streams[0]).toBe("abc");
    expect(bench.counters.duplicateBytes).toBe(6);
  });

  it("takes only what is new of a retransmission with other boundaries", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abc" });
    bench.client({ sequence: 5, payload: "ef" });
    bench.client({ sequence: 2, payload: "bcdefgh" });
    expect(bench.streams[0]).toBe("abcdefgh");
    expect(bench.counters.duplicateBytes).toBe(4);
    expect(bench.counters.overlapConflicts).toBe(0);
  });

  it("keeps the bytes that came first where an overlap contradicts, and counts", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 3, payload: "CD" });
    bench.client({ sequence: 1, payload: "abxyef" });
    expect(bench.streams[0]).toBe("abCDef");
    expect(bench.counters.overlapConflicts).toBe(1);
  });

  it("counts every packet captured twice as a duplicate and nothing else", () => {
    const once = new Bench();
    const twice = new Bench();
    const play = (bench: Bench, times: number): void => {
      const each = (step: () => void): void => {
        for (let i = 0; i < times; i += 1) step();
      };
      each(() => bench.client({ flags: "S" }));
      each(() => bench.server({ flags: "SA", acknowledgment: 1 }));
      each(() => bench.client({ sequence: 1, acknowledgment: 1, payload: "GET" }));
      each(() => bench.server({ sequence: 1, acknowledgment: 4, payload: "200" }));
      each(() => bench.client({ flags: "FA", sequence: 4, acknowledgment: 4 }));
      each(() => bench.server({ flags: "FA", sequence: 4, acknowledgment: 5 }));
      each(() => bench.client({ sequence: 5, acknowledgment: 5 }));
      bench.flush();
    };
    play(once, 1);
    play(twice, 2);
    expect(twice.told).toEqual(once.told);
    expect(once.streams).toEqual(["GET<fin>", "200<fin>"]);
    expect(twice.counters.duplicateBytes).toBe(6);
    expect(twice.counters.connections).toBe(1);
  });

  it("is not moved by keep-alive and zero-window probes, nor by floods of acknowledgements", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 3, acknowledgment: 1 });
    bench.client({ sequence: 3, acknowledgment: 1, payload: "\0" });
    bench.server({ sequence: 1, acknowledgment: 4, window: 0 });
    for (let i = 0; i < 100; i += 1) bench.server({ sequence: 1, acknowledgment: 4, window: 0 });
    bench.client({ sequence: 4, acknowledgment: 1, payload: "d" });
    bench.client({ sequence: 4, acknowledgment: 1, payload: "d" });
    bench.client({ sequence: 4, acknowledgment: 1, payload: "def" });
    expect(bench.streams[0]).toBe("abcdef");
    expect(bench.counters.duplicateBytes).toBe(3);
  });

  it("ignores an old segment, however it is stamped, and one that no window can cover", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abc" });
    const timestamps = Buffer.from([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0]);
    bench.client({ sequence: 1, payload: "zzz", options: timestamps });
    bench.client({ sequence: 4 + 2 ** 30 + 1, payload: "far" });
    bench.client({ sequence: 4, payload: "def", options: timestamps });
    expect(bench.streams[0]).toBe("abcdef");
    expect(bench.counters.refusedOutOfWindowBytes).toBe(3);
  });
});

describe("holes", () => {
  it("tells the exact gap two seconds after the peer acknowledged it", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 104, acknowledgment: 1, payload: "xyz" });
    expect(bench.streams[0]).toBe("abc");
    bench.server({ sequence: 1, acknowledgment: 107, payload: "ok" });
    // Packets come out of order; and the answer comes behind what it answers.
    expect(bench.streams).toEqual(["abc", ""]);
    bench.pass(2);
    expect(bench.streams).toEqual(["abc[100]xyz", "ok"]);
    expect(bench.counters).toMatchObject({ holes: 1, lostBytes: 100 });
  });

  it("does not take a selective acknowledgement below the hole for one of it", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 4, acknowledgment: 1, payload: "def" });
    bench.server({ sequence: 1, acknowledgment: 1 });
    bench.server({ sequence: 1, acknowledgment: 3 });
    expect(bench.streams[0]).toBe("");
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    expect(bench.streams[0]).toBe("abcdef");
  });

  it("waits for data that was acknowledged before it was captured", () => {
    const bench = new Bench();
    bench.handshake();
    bench.server({ sequence: 1, acknowledgment: 4, payload: "200" });
    bench.client({ sequence: 1, acknowledgment: 4, payload: "GET" });
    expect(bench.streams).toEqual(["GET", "200"]);
    expect(bench.counters.holes).toBe(0);
  });

  it("gives it up when it has not come two seconds later", () => {
    const bench = new Bench();
    bench.handshake();
    bench.server({ sequence: 1, acknowledgment: 101, payload: "200" });
    bench.seconds += 2;
    bench.server({ sequence: 4, acknowledgment: 101, payload: "ok" });
    expect(bench.streams).toEqual(["[100]", "200ok"]);
  });

  it("gives up by time what nobody can acknowledge, when one direction is captured", () => {
    const bench = new Bench();
    bench.client({ flags: "S" });
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 11, acknowledgment: 1, payload: "x" });
    bench.seconds += 9;
    bench.client({ sequence: 12, acknowledgment: 1, payload: "y" });
    expect(bench.streams[0]).toBe("abc");
    bench.seconds += 1;
    bench.client({ sequence: 13, acknowledgment: 500, payload: "z" });
    expect(bench.streams).toEqual(["abc[7]xyz", ""]);
    expect(bench.counters.forcedByTime).toBe(1);
  });

  it("does not take a FIN that was not captured for a lost byte", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 5, payload: "ok" });
    bench.seconds += 5;
    bench.server({ sequence: 3, acknowledgment: 5, payload: "ay" });
    bench.flush();
    expect(bench.streams).toEqual(["abc<capture-end>", "okay<capture-end>"]);
  });

  it("tells what was acknowledged and never captured when the capture ends", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 14 });
    bench.flush();
    expect(bench.streams[0]).toBe("abc[10]<capture-end>");
  });

  it("does not believe an acknowledgement of more than a window", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 5 + 2 ** 30 });
    bench.client({ sequence: 7, acknowledgment: 1, payload: "ghi" });
    bench.client({ sequence: 4, acknowledgment: 1, payload: "def" });
    expect(bench.streams[0]).toBe("abcdefghi");
  });

  it("does not take an acknowledgement of 3 GiB ago for one ahead", () => {
    const bench = new Bench();
    bench.handshake();
    bench.server({ sequence: 1, acknowledgment: 1 });
    const big = ipv4(tcp({ sequence: 1, acknowledgment: 1 }), { totalBytes: 0 });
    for (let i = 0; i < 6; i += 1) {
      bench.seconds += 1;
      big.writeUInt32BE((1 + i * 2 ** 29) >>> 0, 24);
      bench.packet(big, RAW_IP, big.length + 2 ** 29);
    }
    const position = 1 + 6 * 2 ** 29;
    bench.client({ sequence: position + 3, acknowledgment: 1, payload: "def" });
    bench.client({ sequence: position, acknowledgment: 1, payload: "abc" });
    expect(bench.streams[0]).toMatch(/\]abcdef$/);
    expect(bench.counters.truncatedBytes).toBe(6 * 2 ** 29);
  });

  it("gives a hole up without another packet of its connection", () => {
    const bench = new Bench();
    bench.client({ flags: "S" });
    bench.client({ sequence: 4, payload: "def" });
    bench.client({ sourcePort: 7, sequence: 1, acknowledgment: 1, payload: "other" });
    bench.server({ destinationPort: 7, sequence: 1, acknowledgment: 16, payload: "answer" });
    bench.table.tick(bench.seconds + 9);
    expect(bench.told.map(({ text }) => text)).toEqual([["other[10]", "answer"]]);
    bench.table.tick(bench.seconds + 10);
    expect(bench.streams).toEqual(["[3]def", ""]);
    bench.client({ flags: "FA", sequence: 12 });
    bench.table.tick(bench.seconds + 30);
    expect(bench.streams).toEqual(["[3]def[5]<fin>", ""]);
  });

  it("does not take the unseen direction of a one-sided capture for lost", () => {
    const bench = new Bench();
    bench.client({ flags: "S" });
    for (let i = 0; i < 10; i += 1) {
      bench.seconds += 5;
      bench.client({ sequence: 1 + i, acknowledgment: 1 + i * 1_000_000_000, payload: "a" });
    }
    bench.flush();
    expect(bench.streams).toEqual([`${"a".repeat(10)}<capture-end>`, "<capture-end>"]);
    expect(bench.counters.lostBytes).toBe(0);
  });

  it("knows exactly what the snapshot length cut", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abcdefghij" }, 4);
    bench.client({ sequence: 11, payload: "klm" });
    // All of the payload and a part of the options.
    bench.client({ sequence: 14, payload: "nop", options: new Uint8Array(12).fill(1) }, 7);
    bench.client({ sequence: 17, payload: "q" });
    expect(bench.streams[0]).toBe("abcdef[4]klm[3]q");
    expect(bench.counters).toMatchObject({ lostBytes: 7, truncatedBytes: 7 });
  });

  it("tells cut segments in their place when they come out of order", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 11, payload: "klm" });
    bench.client({ sequence: 5, payload: "efghij" }, 2);
    bench.client({ sequence: 1, payload: "abcd" });
    expect(bench.streams[0]).toBe("abcdefgh[2]klm");
  });

  it("tells what is held, with the gaps between, when the capture ends", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 11, payload: "k" });
    bench.client({ sequence: 21, payload: "u" });
    bench.flush();
    expect(bench.streams).toEqual(["[10]k[9]u<capture-end>", "<capture-end>"]);
  });
});

describe("beginnings", () => {
  it("picks up a connection in its middle and says so", () => {
    const bench = new Bench();
    bench.server({ sequence: 900, acknowledgment: 500, payload: "rest" });
    bench.client({ sequence: 500, acknowledgment: 904, payload: "GET" });
    expect(bench.streams).toEqual(["GET", "rest"]);
    expect(bench.told[0]?.info).toMatchObject({ midstream: true, client: { port: CLIENT_PORT } });
    expect(bench.counters.connectionsMidstream).toBe(1);
  });

  it("knows the client's first byte from the SYN ACK alone", () => {
    const bench = new Bench();
    bench.server({ flags: "SA", sequence: 900, acknowledgment: 500 });
    bench.client({ sequence: 503, acknowledgment: 901, payload: "def" });
    bench.server({ sequence: 901, acknowledgment: 506 });
    bench.pass(2);
    expect(bench.streams[0]).toBe("[3]def");
    expect(bench.told[0]?.info.midstream).toBe(false);
  });

  it("begins where a direction really is when the peer's packets told otherwise", () => {
    const bench = new Bench();
    bench.client({ sequence: 500, acknowledgment: 900, payload: "GET" });
    bench.server({ sequence: 900 + 2 ** 31, acknowledgment: 503, payload: "200" });
    expect(bench.streams).toEqual(["GET", "200"]);
  });

  it("takes data on the SYN, and its repetition after the handshake", () => {
    const bench = new Bench();
    bench.client({ flags: "S", sequence: 0, payload: "early" });
    bench.server({ flags: "SA", sequence: 0, acknowledgment: 1, payload: "hi" });
    bench.client({ sequence: 1, acknowledgment: 3, payload: "early bird" });
    expect(bench.streams).toEqual(["early bird", "hi"]);
  });

  it("lets both sides open at once", () => {
    const bench = new Bench();
    bench.client({ flags: "S", sequence: 100 });
    bench.server({ flags: "S", sequence: 200 });
    bench.client({ flags: "SA", sequence: 100, acknowledgment: 201 });
    bench.server({ flags: "SA", sequence: 200, acknowledgment: 101 });
    bench.client({ sequence: 101, acknowledgment: 201, payload: "GET" });
    bench.server({ sequence: 201, acknowledgment: 104, payload: "200" });
    expect(bench.streams).toEqual(["GET", "200"]);
    expect(bench.counters.connections).toBe(1);
  });

  it("does not open again for a SYN that comes late or again", () => {
    const bench = new Bench();
    bench.client({ sequence: 101, acknowledgment: 1, payload: "GET" });
    bench.client({ flags: "S", sequence: 100 });
    bench.client({ sequence: 104, acknowledgment: 1, payload: " /" });
    bench.client({ flags: "S", sequence: 100 });
    expect(bench.told).toHaveLength(1);
    expect(bench.streams[0]).toBe("GET /");
  });

  it("opens a new connection for a new SYN on the same ports", () => {
    const bench = new Bench();
    bench.handshake(0, 0);
    bench.client({ sequence: 1, payload: "one" });
    bench.handshake(5_000_000, 7_000_000);
    bench.client({ sourcePort: 7, sequence: 1 });
    bench.client({ sequence: 5_000_001, payload: "two" });
    expect(bench.told.map(({ text }) => text)).toEqual([
      ["one<port-reuse>", "<port-reuse>"],
      ["two", ""],
    ]);
  });

  it("opens a new connection after an orderly end, even when only its SYN ACK is seen", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 1, acknowledgment: 1, payload: "one" });
    bench.server({ flags: "FA", sequence: 1, acknowledgment: 5, payload: "1" });
    bench.server({ flags: "SA", sequence: 70, acknowledgment: 51 });
    bench.client({ sequence: 51, acknowledgment: 71, payload: "two" });
    expect(bench.told.map(({ text }) => text)).toEqual([
      ["one<fin>", "1<fin>"],
      ["two", ""],
    ]);
  });

  it("says nothing of connections that carry nothing", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 1, acknowledgment: 1 });
    bench.server({ flags: "FA", sequence: 1, acknowledgment: 2 });
    bench.flush();
    expect(bench.told).toEqual([]);
    expect(bench.counters.closedByFin).toBe(1);
  });

  it("takes the opener for the client where all ports are captured, or else the higher port", () => {
    const bench = new Bench({ isServerPort: () => true });
    bench.client({ sourcePort: 1, destinationPort: 9, flags: "S", payload: "a" });
    bench.client({ sourcePort: 2, destinationPort: 9, flags: "SA", payload: "b" });
    bench.client({ sourcePort: 3, destinationPort: 9, payload: "c" });
    bench.client({ sourcePort: 9, destinationPort: 4, payload: "d" });
    expect(bench.told.map(({ info }) => info.client.port)).toEqual([1, 9, 9, 9]);
  });

  it("leaves other ports alone", () => {
    const bench = new Bench();
    bench.client({ destinationPort: 8080, payload: "no" });
    bench.client({ flags: "A", sequence: 1 });
    expect(bench.counters).toMatchObject({
      seenBytes: 0,
      flows: 0,
      segmentsOfOtherPorts: 1,
      segmentsOfUnknownConnections: 1,
    });
  });

  it("follows IPv6, and tells apart connections that differ in one byte of the address", () => {
    const bench = new Bench();
    const from = (last: number, payload: string): Buffer => {
      const bytes = ipv6(tcp({ sequence: 1, payload }));
      bytes[23] = last;
      return bytes;
    };
    bench.packet(from(1, "one"));
    bench.packet(from(2, "two"));
    expect(bench.told.map(({ info, text }) => [info.client.address, text[0]])).toEqual([
      ["2001:db8::1", "one"],
      ["2001:db8::2", "two"],
    ]);
  });
});

describe("ends", () => {
  it("keeps telling the answer after the client's FIN", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 1, acknowledgment: 1, payload: "GET" });
    bench.server({ sequence: 1, acknowledgment: 5, payload: "20" });
    bench.server({ flags: "FA", sequence: 3, acknowledgment: 5, payload: "0" });
    expect(bench.streams).toEqual(["GET<fin>", "200<fin>"]);
  });

  it("tells an end that came before there was anything to tell", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 1, acknowledgment: 1 });
    bench.server({ sequence: 1, acknowledgment: 2, payload: "bye" });
    expect(bench.streams).toEqual(["<fin>", "bye"]);
  });

  it("ends only when what lies before the FIN is there", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 4, payload: "def" });
    expect(bench.streams[0]).toBe("");
    bench.client({ sequence: 1, payload: "abc" });
    expect(bench.streams[0]).toBe("abcdef<fin>");
  });

  it("tells the hole before a FIN that was acknowledged", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 11, acknowledgment: 1 });
    bench.server({ sequence: 1, acknowledgment: 12 });
    bench.pass(2);
    expect(bench.streams[0]).toBe("[10]<fin>");
  });

  it("refuses data behind a FIN, and a FIN that contradicts data", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 7, payload: "held" });
    bench.client({ flags: "FA", sequence: 9 });
    bench.client({ flags: "FA", sequence: 1, payload: "abcdef" });
    expect(bench.counters.finsIgnored).toBe(2);
    bench.client({ flags: "FA", sequence: 11 });
    bench.client({ sequence: 9, payload: "ld more" });
    bench.client({ sequence: 12, payload: "more" });
    expect(bench.streams[0]).toBe("abcdefheld<fin>");
    expect(bench.counters).toMatchObject({ refusedAfterEndBytes: 9, duplicateBytes: 2 });
  });

  it("cuts data at a FIN that came before it", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "FA", sequence: 4 });
    bench.client({ sequence: 1, payload: "abcdef" });
    expect(bench.streams[0]).toBe("abc<fin>");
    expect(bench.counters.refusedAfterEndBytes).toBe(3);
  });

  it("breaks both directions off at a reset, after what is held", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abc" });
    bench.server({ sequence: 5, acknowledgment: 4, payload: "held" });
    bench.server({ flags: "R", sequence: 9, payload: "why" });
    bench.pass(2);
    expect(bench.streams).toEqual(["abc<rst>", "[4]held<rst>"]);
    bench.client({ sequence: 4, payload: "late" });
    expect(bench.counters).toMatchObject({
      refusedInResetBytes: 3,
      refusedAfterEndBytes: 4,
      closedByReset: 1,
    });
  });

  it("ignores a reset outside the window, before or behind", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc", window: 500 });
    bench.server({ sequence: 1, acknowledgment: 4, window: 500 });
    bench.client({ flags: "R", sequence: 3 });
    bench.client({ flags: "R", sequence: 4 + 65_536 });
    bench.server({ flags: "R", sequence: 2 ** 31 });
    expect(bench.streams[0]).toBe("abc");
    expect(bench.counters.resetsIgnored).toBe(3);
    bench.client({ flags: "R", sequence: 4 });
    expect(bench.streams[0]).toBe("abc<rst>");
  });

  it("believes a reset behind what the receiver had not acknowledged yet", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ flags: "R", sequence: 2 });
    bench.pass(2);
    expect(bench.streams[0]).toBe("abc<rst>");
  });

  it("takes a scaled window into account", () => {
    const bench = new Bench();
    const scale = Buffer.from([2, 4, 5, 180, 1, 3, 3, 7]);
    bench.client({ flags: "S", options: scale });
    bench.server({ flags: "SA", acknowledgment: 1, options: scale });
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.server({ sequence: 1, acknowledgment: 4, window: 1000 });
    bench.client({ flags: "R", sequence: 4 + 128_001 });
    expect(bench.counters.resetsIgnored).toBe(1);
    bench.client({ flags: "R", sequence: 4 + 128_000 });
    bench.pass(2);
    expect(bench.counters.resetsIgnored).toBe(1);
    expect(bench.streams[0]).toBe("abc<rst>");
  });

  it("believes the refusal of a SYN, and no other reset to it", () => {
    const bench = new Bench();
    bench.client({ flags: "S", sequence: 100 });
    bench.server({ flags: "RA", acknowledgment: 100_000 });
    expect(bench.counters.resetsIgnored).toBe(1);
    bench.server({ flags: "RA", acknowledgment: 101 });
    expect(bench.counters.closedByReset).toBe(1);
  });

  it("takes urgent data as data, and counts", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ flags: "UA", sequence: 1, payload: "ab" });
    bench.client({ sequence: 3, payload: "c" });
    expect(bench.streams[0]).toBe("abc");
    expect(bench.counters.urgentSegments).toBe(1);
  });

  it("ends what has been quiet for five minutes of packet time", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abc" });
    bench.client({ sequence: 6, payload: "f" });
    bench.table.tick(bench.seconds + 300);
    expect(bench.streams[0]).toBe("abc");
    bench.table.tick(bench.seconds + 301);
    expect(bench.streams).toEqual(["abc[2]f<idle>", "<idle>"]);
    expect(bench.counters).toMatchObject({ closedByIdle: 1, flows: 0 });
  });

  it("ends the quiet one, not the older one that still talks", () => {
    const bench = new Bench();
    bench.client({ sourcePort: 1, sequence: 1, payload: "old" });
    bench.client({ sourcePort: 2, sequence: 1, payload: "quiet" });
    bench.seconds += 200;
    bench.client({ sourcePort: 1, sequence: 4, payload: " talks" });
    bench.table.tick(bench.seconds + 101);
    expect(bench.told.map(({ text }) => text[0])).toEqual(["old talks", "quiet<idle>"]);
  });

  it("is not confused by a clock that is set back", () => {
    const bench = new Bench();
    bench.handshake();
    bench.client({ sequence: 1, payload: "abc" });
    bench.seconds -= 900;
    bench.client({ sequence: 4, payload: "def" });
    bench.table.tick(bench.seconds + 200);
    expect(bench.streams[0]).toBe("abcdef");
  });
});

describe("only what was acknowledged", () => {
  it("holds data until the receiver has it, and tells the rest at the end", () => {
    const bench = new Bench({ deliverWhenAcknowledged: true });
    bench.handshake();
    bench.client({ sequence: 1, acknowledgment: 1, payload: "abc" });
    bench.client({ sequence: 1, acknowledgment: 1, payload: "xyz" });
    expect(bench.streams[0]).toBe("");
    expect(bench.counters.overlapConflicts).toBe(1);
    bench.server({ sequence: 1, acknowledgment: 4, payload: "200" });
    expect(bench.streams).toEqual(["abc", ""]);
    bench.client({ sequence: 4, acknowledgment: 4, payload: "next" });
    expect(bench.streams).toEqual(["abc", "200"]);
    bench.flush();
    expect(bench.streams).toEqual(["abcnext<capture-end>", "200<capture-end>"]);
  });
});
