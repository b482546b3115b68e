/** The inside of the thread that compares: puts messages into a comparison, and answers with reports. */
import { parentPort, workerData } from "node:worker_threads";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { Comparison } from "../../core/compare/comparison.ts";
import type { Role } from "../../core/compare/types.ts";
import { unpackBatch } from "../../core/middleware/plugin-wire.ts";
import type { Unpacked } from "../../core/middleware/plugin-wire.ts";
import { readTemplates } from "../../files/rules/openapi.ts";
import type { FromWorker, ToWorker, WorkerSettings } from "./port.ts";

const port = parentPort;
if (port === null) throw new Error("this file is the inside of a worker");
// The other side made it.
const { control, hosts, openapi, replay } = workerData as WorkerSettings;
const templates = openapi === undefined ? undefined : readTemplates(openapi);
const comparison = new Comparison({ control, hosts, templates, replay });
/** Answers of other targets than the first are not compared. */
let target: string | undefined;
let otherTargets = 0;
const post = (message: FromWorker): void => port.postMessage(message);

port.on("message", (message: ToWorker) => {
  if (message.type === "batch") {
    let count = 0;
    unpackBatch(message.parcel, (each) => {
      count += 1;
      take(each, message.late);
    });
    return post({ type: "taken", count });
  }
  if (message.last) comparison.end();
  const { facts } = message;
  const skipped =
    otherTargets === 0 ? facts.skipped : { ...facts.skipped, "other-target": otherTargets };
  post({ type: "report", report: comparison.report({ ...facts, skipped }) });
  if (message.last) port.close();
});
post({ type: "ready" });

function take(unpacked: Unpacked, late: boolean): void {
  const message = messageFrom(unpacked);
  if (message.kind === MessageKind.request) return comparison.request(message);
  if (message.kind === MessageKind.response) return comparison.answer("original", message);
  const role = roleOf(message);
  if (role !== undefined) comparison.answer(role, message, late);
}

function roleOf({ context }: Message): Role | undefined {
  if (context?.isControl === true) return "control";
  target ??= context?.target;
  if (context?.target !== target) {
    otherTargets += 1;
    return undefined;
  }
  return context?.isProbe === true ? "probe" : "replayed";
}

function messageFrom({ kind, id, startedAtMs, latencyMs, context, raw }: Unpacked): Message {
  return {
    kind,
    id,
    startedAt: Math.round(startedAtMs * 1000),
    latencyNs: latencyMs === undefined ? undefined : latencyMs * 1e6,
    http: HttpMessage.fromRaw(raw),
    context,
  };
}
