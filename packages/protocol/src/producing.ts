/**
 * The door of those who only write records, `@mirrorball/protocol/producing`: bounds, tables and the writer. It loads neither msgpackr
 * nor the ends of connections, which cost a process that may never send anything 7 MB.
 */
export { BodyState } from "./message.ts";
export { Backoff } from "./backoff.ts";
export { fnv1a32 } from "./fnv.ts";
export { REPLAY_FIELD } from "./replay-mark.ts";
export type * from "./wire/record.ts";
export * from "./wire/schema.ts";
export { printable } from "./printable.ts";
export { PayloadWriter } from "./wire/payload-writer.ts";
export * from "./limits.ts";
