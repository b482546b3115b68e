/** What a stream parser tells, in stream order. */
import type { MethodKind } from "../head/head-scan.ts";
import type { StreamMessage } from "./stream-message.ts";

export type StreamSide = "request" | "response";

export interface StreamEvents {
  /**
   * The head of `message` is whole. For a response, returns the kind of method it answers, which decides its framing;
   * for a request the result means nothing. Interim responses ask too, and are not the answer.
   */
  head(message: StreamMessage): MethodKind;
  /** `message` is whole, or ended without. Once for every message that had a `head`. */
  done(message: StreamMessage): void;
  /** Messages may have been missed: their number from here on says nothing. */
  lostSync(): void;
  /** From here on this direction carries something else; `reason` is what its bytes are counted under. */
  foreign(reason: string): void;
}
