/**
 * The last exchanges of a run, whole, within a bound of bytes: what the page shows. Sans-IO. In: batches as they pass behind the stages. Out:
 * entries by number, the oldest forgotten first.
 *
 * An entry is born by its request and completed by the answers as they come. Everything is copied: a message may be a view on a frame of
 * many, which it would keep alive. What an entry takes is charged with what it costs beside its bytes.
 */
import {
  BodyState,
  HttpMessage,
  MessageKind,
  isResponseHead,
  timestampToUs,
} from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";
import { ownText } from "../content/own-text.ts";
import { Thinning } from "./thinning.ts";

/** Of one message; what is longer is cut and says so. As much as is decoded of a body. */
const MESSAGE_BYTES_MAX: number = 1024 * 1024;
/** Of a target in a row; its request has all of it. */
const TARGET_CHARS_MAX = 1024;
/** What a kept message costs beside its bytes: its object, an array and its buffer. */
const KEPT_OVERHEAD_BYTES = 400;
/** The same of an entry: its object, its texts, two places in maps. */
const ENTRY_OVERHEAD_BYTES = 800;

/** Texts that entries share; beyond, they begin anew. */
const TEXTS_MAX = 2000;

/** One message as it is kept. */
export interface Kept {
  readonly bytes: Uint8Array;
  readonly startedAtMs: number;
  readonly latencyMs: number | undefined;
  /** Of an answer; 0 when its head cannot be read. */
  readonly status: number;
  /** How many bytes it had. */
  readonly length: number;
  readonly bodyState: BodyState;
  readonly failure: string | undefined;
}

export interface Entry {
  /** From 1, in the order in which requests came. */
  readonly seq: number;
  readonly id: string;
  readonly method: string;
  readonly target: string;
  readonly context: MessageContext;
  readonly request: Kept;
  /** When it came in here, in milliseconds since the Unix epoch; a recording's may be years old. */
  readonly keptAtMs: number;
  original: Kept | undefined;
  /** By the output that got it. */
  readonly replayed: Map<string, Kept>;
  costBytes: number;
}

export class ExchangeRing {
  /** Requests that passed, kept or not. */
  requests = 0;
  /** An entry came or changed; for who shows them as they come. */
  onChange: ((entry: Entry) => void) | undefined;
  readonly #bytesMax: number;
  readonly #nowMs: () => number;
  readonly #thinning: Thinning | undefined;
  readonly #entries: Map<number, Entry> = new Map();
  readonly #byId: Map<string, Entry> = new Map();
  /** Services, routes, peers: few, and the same again and again. */
  readonly #texts: Map<string, string> = new Map();
  #bytes = 0;
  #lastSeq = 0;

  /** `nowMs`: since the Unix epoch. `keepsAll`: nothing is left out however fast it comes, as of a recording. */
  constructor(bytesMax: number, nowMs: () => number, keepsAll = false) {
    this.#bytesMax = bytesMax;
    this.#nowMs = nowMs;
    this.#thinning = keepsAll ? undefined : new Thinning();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** One of so many exchanges is kept at present. */
  get oneOf(): number {
    return this.#thinning?.oneOf ?? 1;
  }

  /** A second is over. */
  beat(): void {
    this.#thinning?.beat();
  }

  seen(batch: readonly Message[]): void {
    const thinning = this.#thinning;
    for (const message of batch) {
      if (message.kind === MessageKind.request) {
        this.requests += 1;
        if (thinning === undefined || thinning.admits(message.id)) this.#begin(message);
      } else if (thinning === undefined || thinning.mayKnow(message.id)) this.#join(message);
    }
  }

  get(seq: number): Entry | undefined {
    return this.#entries.get(seq);
  }

  get first(): Entry | undefined {
    for (const entry of this.#entries.values()) return entry;
    return undefined;
  }

  /** The number of the newest entry; 0 when there was none yet. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  #begin(message: Message): void {
    const request = keep(message);
    const { method, target } = startOf(message);
    this.#lastSeq += 1;
    const entry: Entry = {
      seq: this.#lastSeq,
      id: ownText(message.id),
      method,
      target,
      context: this.#ownContext(message.context),
      request,
      keptAtMs: this.#nowMs(),
      original: undefined,
      replayed: new Map(),
      costBytes: ENTRY_OVERHEAD_BYTES + 2 * target.length,
    };
    this.#entries.set(entry.seq, entry);
    this.#byId.set(entry.id, entry);
    this.#charge(entry, request, 1);
  }

  #ownContext(context: MessageContext | undefined): MessageContext {
    if (context === undefined) return {};
    const { service, route, peer, tags, connection, connectionSeq, framing } = context;
    const own = (text: string | undefined): string | undefined =>
      text === undefined ? undefined : this.#own(text);
    return {
      service: own(service),
      route: own(route),
      peer: own(peer),
      tags: tags?.map((tag) => this.#own(tag)),
      framing,
      connection,
      connectionSeq,
    };
  }

  #own(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= TEXTS_MAX) this.#texts.clear();
    const copy = ownText(text);
    this.#texts.set(copy, copy);
    return copy;
  }

  #join(message: Message): void {
    const entry = this.#byId.get(message.id);
    if (entry === undefined || message.context?.isControl === true) return;
    const kept = keep(message);
    if (message.kind === MessageKind.response) {
      this.#release(entry, entry.original);
      entry.original = kept;
    } else {
      const name = message.context?.target ?? "";
      this.#release(entry, entry.replayed.get(name));
      entry.replayed.set(name, kept);
    }
    this.#charge(entry, kept, 0);
  }

  #release(entry: Entry, kept: Kept | undefined): void {
    if (kept === undefined) return;
    const cost = kept.bytes.length + KEPT_OVERHEAD_BYTES;
    entry.costBytes -= cost;
    this.#bytes -= cost;
  }

  #charge(entry: Entry, kept: Kept, exchanges: number): void {
    const cost = kept.bytes.length + KEPT_OVERHEAD_BYTES;
    this.#bytes += exchanges === 0 ? cost : cost + entry.costBytes;
    entry.costBytes += cost;
    this.#thinning?.spent(exchanges, kept.bytes.length);
    this.#shrink();
    if (this.#entries.has(entry.seq)) this.onChange?.(entry);
  }

  #shrink(): void {
    for (const [seq, entry] of this.#entries) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#entries.delete(seq);
      // A later exchange may have the same id.
      if (this.#byId.get(entry.id) === entry) this.#byId.delete(entry.id);
      this.#bytes -= entry.costBytes;
    }
  }
}

function keep(message: Message): Kept {
  const pieces = message.http.rawPieces();
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const bytes = Buffer.allocUnsafeSlow(Math.min(length, MESSAGE_BYTES_MAX));
  let at = 0;
  for (const piece of pieces) {
    if (at >= bytes.length) break;
    const part = piece.subarray(0, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
  const recorded = message.context?.bodyState ?? BodyState.complete;
  return {
    bytes,
    startedAtMs: timestampToUs(message.startedAt) / 1000,
    latencyMs: message.latencyNs === undefined ? undefined : message.latencyNs / 1e6,
    status: message.kind === MessageKind.request ? 0 : (message.http.status ?? 0),
    length,
    bodyState: length > bytes.length ? BodyState.truncated : recorded,
    failure: message.context?.failure,
  };
}

/** The first line is read here and not parsed with all fields: most entries are never looked at. */
function startOf({ http }: Message): { method: string; target: string } {
  const { head } = http;
  if (head === undefined || isResponseHead(head)) return { method: "?", target: "(unreadable)" };
  return { method: ownText(head.method), target: ownText(head.target.slice(0, TARGET_CHARS_MAX)) };
}

/** A kept message as all other parts of mirrorball know it. */
export function messageOf(entry: Entry, kept: Kept, kind: MessageKind): Message {
  return {
    kind,
    id: entry.id,
    startedAt: Math.round(kept.startedAtMs * 1000),
    latencyNs: kept.latencyMs === undefined ? undefined : Math.round(kept.latencyMs * 1e6),
    http: HttpMessage.fromRaw(kept.bytes),
    context: { ...entry.context, bodyState: kept.bodyState, failure: kept.failure },
  };
}
