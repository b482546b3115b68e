export type { Message } from "@mirrorball/protocol";
