// Runs the real engine and outputs with messages given in the test: an input that emits them, an output that collects.
import { createServer } from "node:net";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";
import type { Catalogue, OutputDeclaration } from "../src/component/define.ts";
import { defineInput, defineOutput } from "../src/component/define.ts";
import { catalogue } from "../src/catalogue.ts";
import type { Counters } from "../src/engine/accounting/counters.ts";
import { planFrom } from "../src/engine/plan/plan.ts";
import type { Plan } from "../src/engine/plan/planned.ts";
import { ReplayServer } from "../src/engine/replay-server.ts";

let lastId = 0;

function idOf(number: number): string {
  return number.toString(16).padStart(24, "0");
}

/** A recorded request, from its bytes as text (latin1). */
export function request(raw: string, context?: MessageContext): Message {
  lastId += 1;
  return {
    kind: MessageKind.request,
    id: idOf(lastId),
    startedAt: 1_732_406_400_000_000,
    latencyNs: 0,
    http: HttpMessage.fromRaw(Buffer.from(raw, "latin1")),
    context,
  };
}

/** The recorded response to `request`. */
export function responseTo({ id }: Message, raw: string): Message {
  const http = HttpMessage.fromRaw(Buffer.from(raw, "latin1"));
  return { kind: MessageKind.response, id, startedAt: 1_732_406_400_000_100, latencyNs: 0, http };
}

export function get(path: string, ...fields: string[]): Message {
  return request([`GET ${path} HTTP/1.1`, "Host: recorded.test", ...fields, "", ""].join("\r\n"));
}

export interface Ran {
  readonly counters: Counters;
  readonly discrepancies: readonly number[];
  /** What `--output-collect` took, in order. */
  readonly collected: readonly Message[];
  readonly log: readonly string[];
}

export interface RunOptions {
  readonly batch?: number;
  readonly outputs?: readonly OutputDeclaration[];
  /** Something to wait for while the server still runs. */
  readonly beforeStop?: () => Promise<void>;
  readonly onLog?: (line: string) => void;
  /** There are parts that never end, such as a journal: the end of the given messages is enough. */
  readonly endless?: boolean;
}

/** Emits `messages` in batches, waits until all are settled, stops. `flags` name the outputs. */
export async function run(
  messages: readonly Message[],
  flags: readonly string[],
  { batch = 16, outputs = [], beforeStop, onLog, endless = false }: RunOptions = {},
): Promise<Ran> {
  const collected: Message[] = [];
  let emitted: () => void = () => {};
  const allEmitted = new Promise<void>((resolve) => (emitted = resolve));
  const made = planFrom(
    ["--input-test", ...flags],
    withTestParts(messages, batch, collected, outputs, emitted),
  );
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const log: string[] = [];
  const say = (line: string): void => {
    log.push(line);
    onLog?.(line);
  };
  const server = await ReplayServer.create(made.plan, { log: say });
  await server.start();
  await (endless ? allEmitted : server.ended);
  await beforeStop?.();
  const counters = await server.stop();
  return { counters, discrepancies: server.discrepancies(), collected, log };
}

/** The plan of such a run, for tests that hold the server themselves. What it collects is dropped. */
export function planOf(messages: readonly Message[], flags: readonly string[]): Plan {
  const made = planFrom(["--input-test", ...flags], withTestParts(messages, 16, [], []));
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  return made.plan;
}

export interface Receiver {
  readonly server: ReplayServer;
  readonly collected: Message[];
  readonly log: string[];
  /** Resolves when so many messages are here. */
  arrived(count: number): Promise<void>;
}

/** Starts a server with the inputs that `flags` name and `--output-collect`; the test stops it. */
export async function receive(...flags: string[]): Promise<Receiver> {
  const collected: Message[] = [];
  let look: () => void = () => {};
  const made = planFrom([...flags, "--output-collect"], {
    ...catalogue,
    outputs: [...catalogue.outputs, collector(collected, () => look())],
  });
  if ("errors" in made) throw new Error(made.errors.join("\n"));
  const log: string[] = [];
  const server = await ReplayServer.create(made.plan, {
    log: (line) => isPlace(line) || log.push(line),
  });
  await server.start();
  const arrived = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (collected.length >= count) resolve();
      };
      look();
    });
  return { server, collected, log, arrived };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return address !== null && typeof address === "object" ? address.port : 0;
}

function withTestParts(
  messages: readonly Message[],
  batchSize: number,
  collected: Message[],
  outputs: readonly OutputDeclaration[],
  emitted: () => void = () => {},
): Catalogue {
  const input = defineInput({
    name: "input-test",
    summary: "Emits the messages of the test.",
    argument: undefined,
    options: {},
    create: (context) => {
      let done: () => void = () => {};
      const ended = new Promise<void>((resolve) => (done = resolve));
      const emitAll = async (): Promise<void> => {
        for (let at = 0; at < messages.length; at += batchSize) {
          await context.emit(messages.slice(at, at + batchSize));
        }
        done();
        emitted();
      };
      return {
        ended,
        start: async () => {
          void emitAll();
        },
        stop: async () => {},
      };
    },
  });
  return {
    ...catalogue,
    inputs: [...catalogue.inputs, input],
    outputs: [...catalogue.outputs, collector(collected), ...outputs],
  };
}

/** An output that keeps every message. */
function collector(collected: Message[], onCollected: () => void = () => {}): OutputDeclaration {
  return defineOutput({
    name: "output-collect",
    summary: "Keeps every message.",
    argument: undefined,
    accepts: [MessageKind.request, MessageKind.response, MessageKind.replayed],
    options: {},
    create: ({ queue, ledger }) => {
      queue.onReadable = () => {
        while (queue.length > 0) {
          const taken = queue.takeBatch(100);
          collected.push(...taken);
          ledger.delivered(taken);
        }
        onCollected();
      };
      return { start: async () => {}, drain: async () => {}, close: async () => {} };
    },
  });
}

/**
 * What listens or captures says where, at its start; tests of what goes wrong count the other lines. That a single interface is
 * opened, with its filter behind a colon, is one of those.
 */
export function isPlace(line: string): boolean {
  return /: (?:listening on |capturing on [^:]+$)/.test(`: ${line}`);
}
