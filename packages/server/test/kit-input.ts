// Runs a real input, named by its flags, into memory, until it ends.
import type { Message } from "@mirrorball/protocol";
import type { Counters } from "../src/engine/accounting/counters.ts";
import type { ReplayServer } from "../src/engine/replay-server.ts";
import { receive } from "./kit.ts";

export interface InputRun {
  readonly messages: readonly Message[];
  readonly counters: Counters;
  readonly log: readonly string[];
}

export interface StartedInput {
  readonly messages: readonly Message[];
  readonly server: ReplayServer;
  readonly log: readonly string[];
  /** Resolves when so many messages are here. */
  arrived(count: number): Promise<void>;
}

export async function startInput(flags: readonly string[]): Promise<StartedInput> {
  const { collected: messages, ...started } = await receive(...flags);
  return { messages, ...started };
}

export async function runInput(flags: readonly string[]): Promise<InputRun> {
  const { messages, server, log } = await startInput(flags);
  await server.ended;
  const counters = await server.stop();
  return { messages, counters, log };
}
