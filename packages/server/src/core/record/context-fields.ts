/**
 * What an exchange knows as fields of a JSON object, for formats that have room for one. In: a context. Out: its fields, or
 * undefined when there are none; and back from anything that JSON may hold: what is malformed is passed over.
 */
import type { MessageContext } from "@mirrorball/protocol";

type Fields = Pick<
  MessageContext,
  "connection" | "connectionSeq" | "peer" | "service" | "route" | "tags"
>;

export function contextFields(context: MessageContext | undefined): Fields | undefined {
  if (context === undefined) return undefined;
  const { connection, connectionSeq, peer, service, route, tags } = context;
  const fields = { connection, connectionSeq, peer, service, route, tags };
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}

/** `framing` is a field beside the others: "ambiguous", or anything else for nothing. */
export function contextOfFields(value: unknown, framing: unknown): MessageContext | undefined {
  const found: Record<string, unknown> = {};
  if (typeof value === "object" && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      if (IS_VALID.get(name)?.(field) === true) found[name] = field;
    }
  }
  if (framing === "ambiguous") found["framing"] = "ambiguous";
  return Object.keys(found).length === 0 ? undefined : found;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isText = (value: unknown): boolean => typeof value === "string";
const IS_VALID: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["connection", isCount],
  ["connectionSeq", isCount],
  ["peer", isText],
  ["service", isText],
  ["route", isText],
  ["tags", (value) => Array.isArray(value) && value.length % 2 === 0 && value.every(isText)],
]);
