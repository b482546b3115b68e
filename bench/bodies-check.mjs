// @ts-check
// A replay server with one output more: `--output-check` compares the SHA-1 of every body with the one its head tells, and every
// response with its request. The other words are those of the command. Prints `counters JSON` when it is told to stop.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { MessageKind } from "@mirrorball/protocol";
import { ReplayServer, catalogue, defineOutput, planFrom, summaryText } from "@mirrorball/server";

const BATCH_MAX = 1024;
/** Open exchanges by id, with their number. @type {Map<string, string>} */
const open = new Map();
/** Numbers seen of each kind. */
const seen = [new Set(), new Set()];
/** What is not right is counted by what is wrong with it. */
const counts = { right: 0, "wrong hash": 0, "wrong pair": 0, repeated: 0 };

/** @param {import("@mirrorball/protocol").Message} message */
function check({ kind, id, http }) {
  const { raw } = http;
  const head = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, 512)).latin1Slice();
  const number = /X-Number: (\d+)/.exec(head)?.[1] ?? "";
  const told = /X-Sha1: ([\da-f]{40})/.exec(head)?.[1];
  const before = seen[kind - 1];
  const isFirst = before !== undefined && !before.has(number);
  before?.add(number);
  const isPaired = kind === MessageKind.request || open.get(id) === number;
  if (kind === MessageKind.request) open.set(id, number);
  else open.delete(id);
  const isWhole = createHash("sha1").update(http.body).digest("hex") === told;
  if (!isWhole) counts["wrong hash"] += 1;
  else if (!isFirst) counts.repeated += 1;
  else if (!isPaired) counts["wrong pair"] += 1;
  else counts.right += 1;
}

const outputCheck = defineOutput({
  name: "output-check",
  summary: "Check every body.",
  argument: undefined,
  accepts: [MessageKind.request, MessageKind.response],
  options: {},
  create: ({ queue, ledger }) => {
    queue.onReadable = () => {
      for (;;) {
        const taken = queue.takeBatch(BATCH_MAX);
        if (taken.length === 0) return;
        for (const message of taken) check(message);
        ledger.delivered(taken);
      }
    };
    return {
      start: async () => {},
      drain: async () => {},
      close: async () => {},
      stats: () => ({ counts }),
    };
  },
});

const outputs = [...catalogue.outputs, outputCheck];
const made = planFrom(process.argv.slice(2), { ...catalogue, outputs });
if ("errors" in made) throw new Error(made.errors.join("\n"));
const server = await ReplayServer.create(made.plan, { log: (text) => console.error(text) });
await server.start();
await once(process, "SIGTERM");
const counters = await server.stop();
console.error(summaryText(counters));
console.log(`counters ${JSON.stringify(counters)}`);
process.exit(0);
