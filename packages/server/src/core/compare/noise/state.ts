/**
 * What the state of the copy explains, and not the build: a token that the copy never gave out, an answer about something whose making was not
 * replayed. In: an occurrence. Out: a reason, or none.
 */
import { GROWN } from "../differences/difference.ts";
import type { Kept } from "../kept.ts";
import type { Occurrence, Rung } from "../differences/place.ts";

const REFUSED: ReadonlySet<string> = new Set(["401", "403"]);
const ABSENT: ReadonlySet<string> = new Set(["404", "409", "410", "412"]);

export function stateReason(
  rung: Rung,
  { b, exchange }: Occurrence,
  kept: Kept,
): string | undefined {
  if (rung.kind === "length" && rung.where === GROWN) return "more in the copy";
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
