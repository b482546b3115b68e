/**
 * Ids of captured exchanges, in the shape of gor's (24 lower-case hex digits): client port, server port, the client's
 * IPv4 address or the last four bytes of its IPv6 address, and four bytes that are the request's own.
 *
 * gor takes the acknowledgement number for those, which pipelined requests share. Ours is the microsecond of the
 * connection's first captured packet plus the request's place in its stream: different for every request of a
 * connection, and the same whenever the same capture is read again.
 */
import type { ConnectionInfo } from "../tcp/types.ts";

const UINT32 = 2 ** 32;
const US_PER_SECOND = 1_000_000;
const NS_PER_US = 1000;

/** `00` to `ff`: an id is made of every request, and `toString` of a large number takes ten times as long. */
const TWO_DIGITS: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

/** The part that all ids of a connection share: 16 hex digits. */
export function idPrefix({ client, server }: ConnectionInfo): string {
  return `${hex(client.port, 4)}${hex(server.port, 4)}${addressHex(client.address)}`;
}

/** What a request's place in the stream is added to. */
export function idBase({ seconds, nanoseconds }: ConnectionInfo): number {
  return (seconds * US_PER_SECOND + Math.floor(nanoseconds / NS_PER_US)) % UINT32;
}

export function messageId(prefix: string, base: number, streamOffset: number): string {
  const own = (base + streamOffset) % UINT32;
  return prefix + (fourDigits(own >>> 16) + fourDigits(own & 0xffff));
}

function fourDigits(value: number): string {
  return (TWO_DIGITS[value >>> 8] ?? "") + (TWO_DIGITS[value & 0xff] ?? "");
}

function addressHex(address: string): string {
  if (!address.includes(":")) {
    return address
      .split(".")
      .map((byte) => hex(Number(byte), 2))
      .join("");
  }
  // An empty group is where `::` stands for zeros.
  const groups = address.split(":");
  return (groups.at(-2) ?? "").padStart(4, "0") + (groups.at(-1) ?? "").padStart(4, "0");
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}
