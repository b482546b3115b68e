import { expect, it } from "vitest";
import { addressText } from "./address.ts";
import { timestampOf } from "./types.ts";

it.each([
  [[0x2001_0db8, 0, 0, 1], "2001:db8::1"],
  [[0, 0, 0, 0], "::"],
  [[0, 0, 0, 1], "::1"],
  [[0xfe80_0000, 0, 0, 0], "fe80::"],
  [[0x2001_0db8, 0x0000_0001, 0x0001_0001, 0x0001_0001], "2001:db8:0:1:1:1:1:1"],
  [[0x2001_0000, 0x0000_0001, 0, 1], "2001:0:0:1::1"],
  [[0x2001_0db8, 0x0000_0001, 0x0000_0000, 0x0001_abcd | 0], "2001:db8:0:1::1:abcd"],
  [[-1, -1, -1, -1], "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
])("writes IPv6 address %j as %s", ([a = 0, b = 0, c = 0, d = 0], text) => {
  expect(addressText(6, a, b, c, d)).toBe(text);
});

it("writes IPv4 addresses", () => {
  expect(addressText(4, 0xc000_0201 | 0, 0, 0, 0)).toBe("192.0.2.1");
});

it("makes timestamps without losing a digit", () => {
  expect(timestampOf(1_700_000_000, 123_456_000)).toBe(1_700_000_000_123_456);
  expect(timestampOf(1_700_000_000, 123_456_789)).toBe(1_700_000_000_123_456_789n);
});
