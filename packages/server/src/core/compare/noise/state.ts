/**
 * What the state of the copy explains, and not the build: a token that the copy never gave out, an answer about something whose making was not
 * replayed, a write at the same moment. In: an occurrence. Out: a reason, or none.
 */
import { GROWN } from "../differences/difference.ts";
import type { Kept } from "../kept.ts";
import type { Rung } from "../differences/place.ts";
import type { Left } from "../report/explain.ts";
import type { DifferenceKind } from "../report/report.ts";

/** What the moment of a write changes; a type, a format or a member that is not there is the build's. */
const MOVED_BY_WRITES: ReadonlySet<DifferenceKind> = new Set(["status", "value", "text", "length", "order"]); // prettier-ignore

const REFUSED: ReadonlySet<string> = new Set(["401", "403"]);
const ABSENT: ReadonlySet<string> = new Set(["404", "409", "410", "412"]);

export function stateReason(
  rung: Rung,
  { occurrence: { b, exchange }, kind }: Left,
  kept: Kept,
): string | undefined {
  if (rung.kind === "length" && rung.where === GROWN) return "more in the copy";
  const isFailure = rung.part === "status" && b.startsWith("5");
  if (MOVED_BY_WRITES.has(kind) && !isFailure && kept.writes.isOpen(exchange)) {
    return "a write at the same time";
  }
  if (rung.part !== "status") return undefined;
  const { sessions } = kept.pairing;
  const session = sessions.current(exchange.session);
  if (REFUSED.has(b) && exchange.hasForeignCredentials && !kept.acceptedSessions.has(session)) {
    return "stale token";
  }
  if (!ABSENT.has(b)) return undefined;
  const isNear = kept.unsentWrites.some(
    (write) =>
      write.index < exchange.index &&
      (sessions.current(write.session) === session ||
        write.touched.some((id) => exchange.touched.includes(id))),
  );
  return isNear ? "a write that was not replayed" : undefined;
}
