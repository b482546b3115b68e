// The shape of ids: 24 digits, the last eight the request's own, as text of one number.
import fc from "fast-check";
import { expect, it } from "vitest";
import { idBase, idPrefix, messageId } from "./message-id.ts";

const info = (address: string, seconds = 0, nanoseconds = 0) => ({
  client: { address, port: 0x1234 },
  server: { address: "10.0.0.1", port: 80 },
  midstream: false,
  number: 1,
  seconds,
  nanoseconds,
});

it("holds ports and address", () => {
  expect(idPrefix(info("192.0.2.255"))).toBe("12340050c00002ff");
  expect(idPrefix(info("2001:db8::f:1"))).toBe("12340050000f0001");
  expect(idPrefix(info("::1"))).toBe("1234005000000001");
});

it("ends with the microsecond plus the place in the stream, as eight digits", () => {
  expect(messageId("p", idBase(info("::1", 0, 255_999)), 0)).toBe("p000000ff");
  expect(messageId("p", 2 ** 32 - 1, 1)).toBe("p00000000");
  fc.assert(
    fc.property(fc.nat(2 ** 32 - 1), fc.nat(2 ** 48), (base, offset) => {
      const digits = ((base + offset) % 2 ** 32).toString(16).padStart(8, "0");
      expect(messageId("p", base, offset)).toBe(`p${digits}`);
    }),
  );
});
