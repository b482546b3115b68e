// What tcpdump reports, and when it can be told that the kernel holds nothing for it any more.
import { expect, it } from "vitest";
import { TcpdumpFigures } from "./tcpdump-figures.ts";

const report = (captured: number, received: number, kernel = 0): string =>
  `tcpdump: ${captured} packets captured, ${received} packets received by filter, ${kernel} packets dropped by kernel\n`;

it("reads both forms, and leaves the rest", () => {
  const figures = new TcpdumpFigures("eth0");
  expect(figures.read(`listening\n${report(1, 1)}more`, 0)).toBe("listening\nmore");
  expect(figures.reports).toBe(1);
  const last =
    "7 packets captured\n9 packets received by filter\n2 packets dropped by kernel\n1 packet dropped by interface\n";
  expect(figures.read(last, 1)).toBe("");
  expect(figures.drops).toEqual({ kernel: 2, interface: 1, overload: 0 });
});

it("leaves nothing behind of reports that come in pieces", () => {
  const figures = new TcpdumpFigures("eth0");
  let text = "";
  for (const piece of [
    "tcpdump: ",
    "1 packet captured",
    ", ",
    "2 packets received by filter",
    ", ",
    "0 packets dropped by kernel",
    ", ",
    "3 packets dropped by interface",
    "\n",
    "tcpdump: pcap_loop: gone\n",
  ])
    // prettier-ignore
    text = figures.read(text + piece, 0);
  expect(text).toBe("tcpdump: pcap_loop: gone\n");
  expect(figures.drops).toEqual({ kernel: 0, interface: 3, overload: 0 });
});

it("waits for what was taken at the mark, not for what comes later", () => {
  const figures = new TcpdumpFigures("eth0");
  figures.read(report(10, 15), 0);
  const mark = figures.mark();
  expect(figures.hasShown(mark)).toBe(false);
  figures.read(report(15, 40), 50);
  expect(figures.hasShown(mark)).toBe(true);
});

it("counts both ends of the loopback interface, and dropped packets as gone", () => {
  const lo = new TcpdumpFigures("lo");
  lo.read(report(10, 20), 0);
  expect(lo.hasShown(lo.mark())).toBe(true);
  lo.read(report(10, 21), 10);
  expect(lo.hasShown(lo.mark())).toBe(false);
  const eth = new TcpdumpFigures("eth0");
  eth.read(report(10, 15, 5), 0);
  expect(eth.hasShown(eth.mark())).toBe(true);
  // Which end was dropped cannot be told.
  lo.read(report(20, 41, 1), 20);
  expect(lo.hasShown(lo.mark())).toBe(false);
});

it("learns in a quiet time what is never shown, and only then", () => {
  const figures = new TcpdumpFigures("eth0");
  figures.read(report(0, 6), 0);
  figures.read(report(0, 6), 1000);
  expect(figures.hasShown(figures.mark())).toBe(false);
  figures.read(report(0, 6), 3000);
  expect(figures.hasShown(figures.mark())).toBe(true);
  figures.read(report(4, 11), 5000);
  expect(figures.hasShown(figures.mark())).toBe(false);
  figures.read(report(5, 11), 5050);
  expect(figures.hasShown(figures.mark())).toBe(true);
});
