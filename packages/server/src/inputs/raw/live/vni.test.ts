// Which networks are taken, by gor's rule; and what a header says.
import { expect, it } from "vitest";
import { vxlan } from "../../../../test/tunnel-kit.ts";
import { socketDrops } from "./socket-drops.ts";
import { isWantedVni, vniOf } from "./vni.ts";

it.each<[readonly number[], readonly number[], readonly number[]]>([
  [[], [0, 7, 16_777_215], []],
  [[7], [7], [0, 8]],
  [[7, 9], [7, 9], [8]],
  [[-7], [0, 8], [7]],
  [[-7, -9], [8], [7, 9]],
  // The first that names it decides; one that leaves something out admits the rest.
  [[7, -9], [7, 8], [9]],
  [[7, -7], [7, 8], []],
  [[-7, 7], [8], [7]],
])("%j takes %j and not %j", (wanted, taken, left) => {
  for (const vni of taken) expect(isWantedVni(vni, wanted)).toBe(true);
  for (const vni of left) expect(isWantedVni(vni, wanted)).toBe(false);
});

it("reads the number of a whole header, and of nothing else", () => {
  const whole = vxlan(Buffer.alloc(0), 0xabcdef);
  expect(vniOf(whole)).toBe(0xabcdef);
  for (let length = 0; length < whole.length; length += 1) {
    expect(vniOf(whole.subarray(0, length))).toBeUndefined();
  }
  expect(vniOf(Buffer.alloc(8))).toBeUndefined();
});

it("finds what the kernel dropped in its list of sockets", () => {
  const text = [
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops",
    "  101: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4711 2 0000000000000000 42",
    "  102: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 4712 2 0000000000000000 9",
    "   sl  local_address                         remote_address                        st",
    "  103: 00000000000000000000000000000000:12B5 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 4713 2 0000000000000000 1",
    "garbage:",
  ].join("\n");
  expect(socketDrops(text, 4789)).toBe(43);
  expect(socketDrops(text, 53)).toBe(9);
  expect(socketDrops(text, 80)).toBeUndefined();
  expect(socketDrops("", 4789)).toBeUndefined();
});
