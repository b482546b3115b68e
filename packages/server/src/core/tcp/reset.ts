/**
 * How far a reset is to be believed. Pure. Receivers heed one whose place is exactly where they are; one that only lies in
 * their window they challenge (RFC 5961 3.2) or, older ones, heed; others they drop. Where a receiver is we know as far as
 * it was captured.
 */
import { TcpFlag } from "../packet/tcp-packet.ts";
import type { TcpPacket } from "../packet/tcp-packet.ts";
import type { Acknowledged } from "./acknowledged.ts";
import { distance } from "./sequence.ts";

/** `likely`: what the sides do next decides. */
export const Belief = { none: 0, likely: 1, certain: 2 } as const;
export type Belief = (typeof Belief)[keyof typeof Belief];

/** The refusal of a SYN acknowledges it, and not much more: data on it. */
const EARLY_BYTES_MAX = 65_535;

export function beliefIn(packet: TcpPacket, from: Acknowledged, to: Acknowledged): Belief {
  if (!from.started) {
    if ((packet.flags & TcpFlag.ack) === 0 || !to.started) return Belief.certain;
    // Short of the position where the refused SYN carried data.
    const short = distance(to.position, packet.acknowledgment);
    return short >= 0 && short <= EARLY_BYTES_MAX ? Belief.certain : Belief.none;
  }
  const { sequence } = packet;
  const { position } = from;
  if (sequence === position) return Belief.certain;
  const received = from.acknowledged ?? position;
  if (sequence === received && distance(received, position) <= 0) return Belief.certain;
  const lowest = distance(received, position) < 0 ? received : position;
  const isInWindow =
    distance(sequence, lowest) >= 0 && distance(sequence, position) <= from.windowBytes;
  return isInWindow ? Belief.likely : Belief.none;
}
