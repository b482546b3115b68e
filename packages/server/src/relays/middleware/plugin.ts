/**
 * A middleware that is a module of the user's in a worker thread.
 *
 * In: batches, kept here until their outcomes come. Out: what the plugin left as it was is the very same message;
 * what it changed is a new one. Every message has a number, so the books are exact: nothing is guessed here.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Origin, RelayContext } from "../../component/relay.ts";
import { Outcome, packBatch, readOutcomes } from "../../core/middleware/plugin-wire.ts";
import type { OutcomesParcel } from "../../core/middleware/plugin-wire.ts";
import { passLines } from "./lines.ts";
import type { InFlight, Peer, PeerEvents } from "./peer.ts";
import type { HostData, HostMessage, ServerMessage } from "./plugin-port.ts";

/** Batches given before the first is done: one under way, one waiting, so that the worker is never idle. */
const BATCHES_MAX = 2;
/** Messages whose asynchronous handlers may be under way before the plugin is given no more. */
const INSIDE_MAX = 8192;
/** Milliseconds an asynchronous handler may take before its message counts as lost. */
const ANSWER_MS = 60_000;
/** Milliseconds between two log lines about errors of handlers. */
const ERROR_LOG_MS = 5000;

/** Node runs compiled files only; from its sources, as in tests, this file uses the built worker. */
const HOST_URL: URL = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/relays/middleware/plugin-host.js", import.meta.url)
  : new URL("./plugin-host.js", import.meta.url);

interface InFlightBatch {
  readonly message: Message;
  readonly sinceMs: number;
}

export class PluginPeer implements Peer {
  readonly #path: string;
  readonly #onError: "pass" | "drop";
  readonly #context: RelayContext;
  readonly #events: PeerEvents;
  readonly #inside: Map<number, InFlightBatch> = new Map();
  #worker: Worker | undefined;
  #running = false;
  #finishing = false;
  #blocked = false;
  #closed = false;
  #nextSeq = 0;
  #batches = 0;
  #owesSinceMs: number | undefined;
  #errors = 0;
  #errorLoggedMs: number = -ERROR_LOG_MS;
  #fault = "";

  constructor(path: string, onError: "pass" | "drop", context: RelayContext, events: PeerEvents) {
    this.#path = resolve(path);
    this.#onError = onError;
    this.#context = context;
    this.#events = events;
  }

  async start(): Promise<void> {
    if (!existsSync(this.#path)) throw new Error(`there is no file ${this.#path}`);
    checkTypeScript(this.#path);
    const workerData: HostData = { url: pathToFileURL(this.#path).href, onError: this.#onError };
    const worker = new Worker(HOST_URL, { workerData, stdout: true, stderr: true });
    this.#worker = worker;
    // What a plugin prints is for people: standard output may belong to an output.
    passLines(worker.stdout, this.#context.stderr);
    passLines(worker.stderr, this.#context.stderr);
    await new Promise<void>((loaded, refused) => {
      const fail = (reason: string): void => {
        void worker.terminate();
        refused(new Error(`cannot load ${this.#path}: ${reason}`));
      };
      worker.on("message", (message: HostMessage) => {
        if (message.type === "loaded") loaded();
        else if (message.type === "refused") fail(message.reason);
        else this.#take(message);
      });
      worker.on("error", (error: unknown) => {
        this.#fault = `failed: ${error instanceof Error ? error.message : String(error)}`;
        fail(this.#fault);
      });
      worker.on("exit", (code) => {
        fail(`it ended with code ${code}`);
        this.#ended(code);
      });
    });
    this.#running = true;
  }

  get ready(): boolean {
    return (
      this.#running &&
      !this.#finishing &&
      !this.#blocked &&
      this.#batches < BATCHES_MAX &&
      this.#inside.size < INSIDE_MAX
    );
  }

  get owesSinceMs(): number | undefined {
    return this.#owesSinceMs;
  }

  settledAfter(_silenceMs: number): boolean {
    return this.#inside.size === 0;
  }

  send(batch: Message[]): void {
    const parcel = packBatch(batch, this.#nextSeq);
    const nowMs = this.#context.clock.monotonicMs();
    for (const message of batch) {
      this.#inside.set(this.#nextSeq, { message, sinceMs: nowMs });
      this.#nextSeq += 1;
    }
    if (this.#batches === 0) this.#owesSinceMs = nowMs;
    this.#batches += 1;
    this.#post(parcel, [parcel.figures.buffer, parcel.bytes.buffer]);
  }

  tick(nowMs: number): void {
    // Sooner or later they are a hang of the worker itself, which is another matter.
    if (this.#batches > 0) return;
    const late: Origin[] = [];
    for (const [seq, { message, sinceMs }] of this.#inside) {
      if (nowMs - sinceMs < ANSWER_MS) break;
      late.push(message);
      this.#inside.delete(seq);
    }
    if (late.length === 0) return;
    this.#context.ledger.lost("no-answer", late);
    this.#events.ready();
  }

  finish(): void {
    this.#finishing = true;
    this.#post({ type: "finish" }, []);
  }

  kill(): void {
    this.#closed = true;
    void this.#worker?.terminate();
  }

  abandon(): InFlight[] {
    const held = [...this.#inside.values()].map(({ message }) => {
      const { kind, id, context } = message;
      return { kind, id, context, message, overtaken: false };
    });
    this.#inside.clear();
    return held;
  }

  #post(message: ServerMessage, transfer: ArrayBuffer[]): void {
    this.#worker?.postMessage(message, transfer);
  }

  #ended(code: number): void {
    if (this.#closed || !this.#running) return;
    this.#closed = true;
    this.#running = false;
    const clean = this.#finishing && code === 0 && this.#inside.size === 0;
    const how = this.#fault === "" ? `ended with code ${code}` : this.#fault;
    this.#events.closed(clean, how);
  }

  #take(parcel: OutcomesParcel): void {
    if (this.#closed) return;
    if (parcel.batchDone) {
      this.#batches -= 1;
      this.#owesSinceMs = this.#batches === 0 ? undefined : this.#context.clock.monotonicMs();
    }
    const { ledger } = this.#context;
    const onwards: Message[] = [];
    const dropped: Message[] = [];
    const failed: Message[] = [];
    readOutcomes(parcel, (seq, outcome, changed) => {
      const inside = this.#inside.get(seq);
      // Given up before it was answered.
      if (inside === undefined) return;
      this.#inside.delete(seq);
      const { message } = inside;
      if (changed !== undefined) onwards.push(withBytes(message, changed));
      else if (outcome === Outcome.dropped) dropped.push(message);
      else if (outcome === Outcome.failedDropped) failed.push(message);
      else onwards.push(message);
    });
    if (dropped.length > 0) ledger.withheld("dropped", dropped);
    if (failed.length > 0) ledger.lost("handler-error", failed);
    if (parcel.errors > 0) this.#reportErrors(parcel);
    this.#events.moved();
    if (onwards.length > 0) {
      ledger.returned(onwards);
      const wait = this.#context.emit(onwards);
      if (wait !== undefined) void this.#pauseFor(wait);
    }
    if (this.ready) this.#events.ready();
  }

  async #pauseFor(room: Promise<void>): Promise<void> {
    this.#blocked = true;
    await room;
    this.#blocked = false;
    if (this.ready) this.#events.ready();
  }

  #reportErrors({ errors, error }: OutcomesParcel): void {
    this.#context.ledger.event("handler-error", errors);
    this.#errors += errors;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#errorLoggedMs < ERROR_LOG_MS) return;
    this.#errorLoggedMs = nowMs;
    const [what = "", where = ""] = error.split("\n");
    this.#context.log.warn(`a handler failed (${this.#errors} so far): ${what} ${where.trim()}`);
  }
}

function withBytes({ kind, id, startedAt, latencyNs, context }: Message, raw: Uint8Array): Message {
  return { kind, id, startedAt, latencyNs, http: HttpMessage.fromRaw(raw), context };
}

/** Node strips types from 22.18 on; `process.features.typescript` says whether this one does. */
function checkTypeScript(path: string): void {
  if (!/\.[cm]?ts$/.test(path)) return;
  const features: Readonly<Record<string, unknown>> = { ...process.features };
  if (typeof features["typescript"] === "string") return;
  throw new Error(
    `this Node (${process.version}) does not run TypeScript; use Node 22.18 or newer, or compile ${path}`,
  );
}
