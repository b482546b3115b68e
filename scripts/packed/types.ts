// What every importer's TypeScript must find, whatever its `moduleResolution`.
import { createMirror } from "@mirrorball/sdk";
import type { Mirror, MirrorStats } from "@mirrorball/sdk";
import { mirror as forExpress } from "@mirrorball/sdk/express";
import { mirror as forKoa } from "@mirrorball/sdk/koa";
import "@mirrorball/sdk/register";
import { PROTOCOL_VERSION } from "@mirrorball/protocol";
import { MessageKind } from "@mirrorball/protocol/messages";
import { PayloadWriter } from "@mirrorball/protocol/producing";

const made: Mirror = createMirror({ server: "127.0.0.1:1", sample: 0.5 });
const stats: MirrorStats = made.stats();
// @ts-expect-error -- real types are found, not `any`
export const wrong: string = stats.acked;
export const all: unknown[] = [forExpress, forKoa, PROTOCOL_VERSION, MessageKind, PayloadWriter];
