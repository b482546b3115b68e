// Runs a real input, named by its flags, into memory, until it ends.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { catalogue } from "../src/catalogue.ts";
import { defineOutput } from "../src/component/define.ts";
import type { OutputDeclaration } from "../src/component/define.ts";
import type { Counters } from "../src/engine/counters.ts";
import { planFrom } from "../src/engine/plan.ts";
import { ReplayServer } from "../src/engine/replay-server.ts";

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
  const messages: Message[] = [];
  let look: () => void = () => {};
  const collect = collector(messages, () => look());
  const made = planFrom([...flags, "--output-gather"], {
    ...catalogue,
    outputs: [...catalogue.outputs, collect],
  });
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const log: string[] = [];
  const server = new ReplayServer(made.plan, { log: (line) => log.push(line) });
  await server.start();
  const arrived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (messages.length >= count) resolve();
      };
      look();
    });
  return { messages, server, log, arrived };
}

export async function runInput(flags: readonly string[]): Promise<InputRun> {
  const { messages, server, log } = await startInput(flags);
  await server.ended;
  const counters = await server.stop();
  return { messages, counters, log };
}

function collector(messages: Message[], arrived: () => void): OutputDeclaration {
  return defineOutput({
    name: "output-gather",
    summary: "Keeps every message.",
    argument: undefined,
    accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
    options: {},
    create: ({ queue, ledger }) => {
      queue.onReadable = () => {
        while (queue.length > 0) {
          const taken = queue.takeBatch(100);
          messages.push(...taken);
          ledger.delivered(taken);
        }
        arrived();
      };
      return { start: async () => {}, drain: async () => {}, close: async () => {} };
    },
  });
}
