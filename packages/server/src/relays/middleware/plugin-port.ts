/** What the two ends of a plugin's port say to each other. */
import type { BatchParcel, OutcomesParcel } from "../../core/middleware/plugin-wire.ts";

export interface HostData {
  /** The plugin's module. */
  readonly url: string;
  readonly onError: "pass" | "drop";
}

export type HostMessage =
  | { readonly type: "loaded" }
  | { readonly type: "refused"; readonly reason: string }
  | OutcomesParcel;

export type ServerMessage = BatchParcel | { readonly type: "finish" };
