/**
 * The comparison of a run: takes messages, pairs them, compares each exchange and keeps what the judge needs at the end. Sans-IO.
 *
 * In: requests, original and replayed responses, with a control or probes where there are any, in the order they come. Out: a report,
 * at any time. It refuses to know where the messages come from, and decides nothing before the end: what is noise is known then.
 */
import { fnv1a32, isResponseHead, timestampToUs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { bodyDifferences } from "./differences/bodies.ts";
import type { Knowledge } from "./differences/bodies.ts";
import { difference, placeKey } from "./differences/difference.ts";
import type { Difference } from "./differences/difference.ts";
import { EndpointRecord } from "./endpoint-record.ts";
import { Endpoints } from "./endpoints.ts";
import { headerDifferences } from "./differences/headers.ts";
import { judge } from "./report/judge.ts";
import type { Kept } from "./kept.ts";
import { WriteOrder } from "./noise/write-order.ts";
import { unexplainedByClock } from "./noise/noise.ts";
import { Pairing } from "./pairing.ts";
import type { ExchangeRef } from "./differences/place.ts";
import { Renaming, mayBeRenamed, nameOfPath } from "./renaming.ts";
import { SAFE_METHODS } from "../http/safe-methods.ts";
import { Repeats } from "./repeats.ts";
import { RequestKeeper } from "./request-keeper.ts";
import type { Report } from "./report/report.ts";
import { tokenPairs } from "./differences/tokens.ts";
import type { ComparisonOptions, Exchange, Role, RunFacts } from "./types.ts";
import { View } from "./differences/view.ts";

/** Writes that were never sent, of which the ids are remembered: what asks for their effect is not the build's fault. */
const UNSENT_MAX = 50_000;
/** A witness of a renaming is a place and a session in one number. */
const SESSIONS_TOLD_APART = 2 ** 20;
const NO_FACTS: RunFacts = {
  correlation: { learned: 0, used: 0, waited: 0, missed: {} },
  skipped: {},
};

/** More fields than a class should have: half of them are what it keeps for its judge, one a count. */
export class Comparison implements Kept {
  readonly options: ComparisonOptions;
  readonly renaming: Renaming = new Renaming();
  readonly controlRenaming: Renaming = new Renaming();
  readonly endpoints: Map<string, EndpointRecord> = new Map();
  readonly pairing: Pairing;
  /** Writes that were recorded and not replayed. */
  readonly unsentWrites: ExchangeRef[] = [];
  readonly writes: WriteOrder = new WriteOrder();
  /** Sessions of which the target took the token at least once. */
  readonly acceptedSessions: Set<number> = new Set();
  failed = 0;
  /** Exchanges for which the control gave no answer. */
  controlFailed = 0;
  compared = 0;
  statusAlike = 0;
  /** How much later exchanges were replayed than recorded, in milliseconds: the least and the most. */
  shiftMinMs: number = Number.POSITIVE_INFINITY;
  shiftMaxMs: number = Number.NEGATIVE_INFINITY;
  readonly #knowledge: Knowledge = this.#knowledgeBy(this.renaming);
  readonly #controlKnowledge: Knowledge = this.#knowledgeBy(this.controlRenaming);
  readonly #names: Endpoints;
  readonly #repeats = new Repeats();
  readonly #requests = new RequestKeeper();

  constructor(options: ComparisonOptions) {
    this.options = options;
    this.#names = new Endpoints(options.templates);
    this.pairing = new Pairing(
      options.control,
      (exchange) => this.#compare(exchange),
      (exchange) => this.#unsent(exchange),
    );
  }

  request(message: Message): void {
    this.pairing.request(message);
  }

  answer(role: Role, message: Message, late = false): void {
    this.pairing.answer(role, message, late);
  }

  /** Nothing more will come: what waits is compared as far as it goes. */
  end(): void {
    this.pairing.end();
  }

  report(facts: RunFacts = NO_FACTS): Report {
    return judge(this, facts);
  }

  #compare(whole: Exchange): void {
    const control = this.#controlOf(whole);
    const exchange = { ...whole, control };
    const { original, replayed, probe, request } = exchange;
    const endpoint = this.#endpointOf(request);
    if (replayed.context?.failure !== undefined) {
      this.failed += 1;
      this.#noteUnsent(exchange, endpoint, replayed);
      return;
    }
    const base = original ?? control;
    if (base === undefined) {
      this.pairing.unpaired += 1;
      return;
    }
    const [a, b] = [new View(base), new View(replayed)];
    this.#count(exchange, endpoint, a.status, b.status);
    const isHead = methodOf(request) === "HEAD";
    const found = this.#differences(a, b, isHead);
    const own = this.#refOf(exchange, endpoint, replayed);
    if (own.isWrite) this.writes.add(own);
    const ref = { ...own, request: this.#kept(exchange, endpoint, found) };
    const second =
      original === undefined || control === undefined
        ? undefined
        : this.#differences(a, new View(control), isHead, this.#controlKnowledge);
    this.#record(endpoint, ref, found, second);
    if (probe !== undefined && probe.context?.failure === undefined) {
      const seen = this.#differences(new View(probe), b, isHead);
      endpoint.looked("probe", unexplainedByClock(seen, msBetween(probe, replayed)));
    }
    if (original !== undefined) this.#repeated(exchange, endpoint, original, isHead);
    this.#learn(this.renaming, endpoint, ref.session, found);
    this.#learn(this.controlRenaming, endpoint, ref.session, second ?? []);
  }

  #count(exchange: Exchange, endpoint: EndpointRecord, status: number, replayed: number): void {
    this.compared += 1;
    endpoint.requests += 1;
    if (status === replayed) this.statusAlike += 1;
    if (exchange.hasForeignCredentials && replayed < 400) {
      this.acceptedSessions.add(this.pairing.sessions.current(exchange.session));
    }
    this.#time(exchange, endpoint);
  }

  #kept(
    { request }: Exchange,
    endpoint: EndpointRecord,
    found: readonly Difference[],
  ): Uint8Array | undefined {
    if (found.length === 0) return undefined;
    const known = found.map((each) => endpoint.rung(each).count);
    return this.#requests.keep(
      request,
      known.reduce((x, y) => Math.min(x, y), Infinity),
    );
  }

  /** A failure of the control says nothing of the build: it is counted, and never compared with. */
  #controlOf({ control }: Exchange): Message | undefined {
    if (control !== undefined && control.context?.failure === undefined) return control;
    if (this.options.control) this.controlFailed += 1;
    return undefined;
  }

  #knowledgeBy(renaming: Renaming): Knowledge {
    return {
      image: (value) => renaming.image(value),
      isKnown: (value) => renaming.origin(value) !== undefined || this.pairing.values.knows(value),
    };
  }

  #differences(a: View, b: View, isHead: boolean, knowledge = this.#knowledge): Difference[] {
    if (a.status !== b.status) {
      return [difference("status", "", "status", String(a.status), String(b.status))];
    }
    const found = headerDifferences(a.headers, b.headers);
    if (!isHead) found.push(...bodyDifferences(a, b, knowledge));
    return found;
  }

  #record(
    endpoint: EndpointRecord,
    exchange: ExchangeRef,
    replayed: readonly Difference[],
    control: readonly Difference[] | undefined,
  ): void {
    const controlled =
      control === undefined ? undefined : new Map(control.map((each) => [keyOf(each), each]));
    // Of the elements of a list, the one that is the same in the original.
    const exact = new Map(control?.map((each) => [`${keyOf(each)} ${each.a}`, each]));
    const seen = new Set<string>();
    for (const each of replayed) {
      const key = keyOf(each);
      const other = controlled?.get(key);
      const rung = endpoint.rung(each);
      rung.add({
        exchange,
        a: each.a,
        b: each.b,
        control:
          controlled === undefined
            ? undefined
            : ((exact.get(`${key} ${each.a}`) ?? other)?.b ?? null),
      });
      if (controlled === undefined || seen.has(key)) continue;
      seen.add(key);
    }
    for (const each of controlled?.values() ?? []) {
      if (seen.has(keyOf(each))) continue;
      endpoint.rung(each).addControl({ exchange, a: each.a, b: each.b, control: undefined });
    }
    if (controlled !== undefined) endpoint.controlled += 1;
  }

  #repeated(
    exchange: Exchange,
    endpoint: EndpointRecord,
    original: Message,
    isHead: boolean,
  ): void {
    const earlier = this.#repeats.earlier(exchange.request, exchange.session, original);
    if (earlier === undefined) return;
    const seen = this.#differences(new View(earlier), new View(original), isHead);
    endpoint.looked("original", unexplainedByClock(seen, msBetween(earlier, original)));
  }

  #learn(
    renaming: Renaming,
    endpoint: EndpointRecord,
    session: number,
    found: readonly Difference[],
  ): void {
    for (const each of found) {
      const { part, path, kind, where, a, b } = each;
      if (part === "status" || (kind !== "value" && kind !== "text")) continue;
      const name =
        part === "header" ? (where === "" ? path : where) : nameOfPath(where === "" ? path : where);
      const witness = fnv1a32(`${endpoint.key} ${part} ${path}`) * SESSIONS_TOLD_APART + session;
      if (mayBeRenamed(name, a, b)) renaming.learn(a, b, witness);
      else {
        for (const pair of tokenPairs(a, b) ?? []) {
          if (pair.a !== a && mayBeRenamed("", pair.a, pair.b))
            renaming.learn(pair.a, pair.b, witness);
        }
      }
    }
  }

  #time({ request, original, replayed, control, late }: Exchange, endpoint: EndpointRecord): void {
    const shift = (timestampToUs(replayed.startedAt) - timestampToUs(request.startedAt)) / 1000;
    this.shiftMinMs = Math.min(this.shiftMinMs, shift);
    this.shiftMaxMs = Math.max(this.shiftMaxMs, shift);
    if (late) return;
    const took = (replayed.latencyNs ?? Number.NaN) / 1e6;
    const controlTook = (control?.latencyNs ?? Number.NaN) / 1e6;
    const originalTook = original === undefined ? Number.NaN : tookMs(request, original);
    endpoint.replayedMs.add(took);
    endpoint.controlMs.add(controlTook);
    endpoint.originalMs.add(originalTook);
    const base = control === undefined ? originalTook : controlTook;
    endpoint.timed(timestampToUs(replayed.startedAt) / 1000, took - base);
  }

  #refOf(
    exchange: Omit<Exchange, "replayed">,
    endpoint: EndpointRecord,
    answer: Message,
  ): ExchangeRef {
    const { request, original, index, session, touched, given, hasForeignCredentials } = exchange;
    const originalAtMs = timestampToUs(request.startedAt) / 1000;
    const replayedAtMs = timestampToUs(answer.startedAt) / 1000;
    const recordedMs = original === undefined ? 0 : tookMs(request, original);
    return {
      index,
      id: request.id,
      endpoint: endpoint.key,
      session: this.pairing.sessions.current(session),
      isWrite: !SAFE_METHODS.has(methodOf(request)),
      hasForeignCredentials,
      originalAtMs,
      originalEndMs: originalAtMs + (recordedMs || 0),
      replayedAtMs,
      replayedEndMs: replayedAtMs + (answer.latencyNs ?? 0) / 1e6,
      touched,
      given,
    };
  }

  #unsent(exchange: Omit<Exchange, "replayed">): void {
    this.pairing.unpaired += 1;
    if (exchange.original === undefined) return;
    this.#noteUnsent(exchange, this.#endpointOf(exchange.request), exchange.original);
  }

  #noteUnsent(
    exchange: Omit<Exchange, "replayed">,
    endpoint: EndpointRecord,
    answer: Message,
  ): void {
    if (this.unsentWrites.length >= UNSENT_MAX) return;
    const ref = this.#refOf(exchange, endpoint, answer);
    if (ref.isWrite) this.unsentWrites.push(ref);
  }

  #endpointOf(request: Message): EndpointRecord {
    const { method, route } = this.#names.nameOf(request);
    const key = `${method} ${route}`;
    let endpoint = this.endpoints.get(key);
    if (endpoint === undefined) {
      endpoint = new EndpointRecord(method, route);
      this.endpoints.set(key, endpoint);
    }
    return endpoint;
  }
}

function keyOf(each: Difference): string {
  return `${placeKey(each)} ${each.kind}`;
}

/** From a request's first byte to its recorded answer's last. */
function tookMs(request: Message, answer: Message): number {
  const waitedUs = timestampToUs(answer.startedAt) - timestampToUs(request.startedAt);
  return waitedUs / 1000 + (answer.latencyNs ?? Number.NaN) / 1e6;
}

function msBetween(first: Message, second: Message): number {
  return (timestampToUs(second.startedAt) - timestampToUs(first.startedAt)) / 1000;
}

function methodOf(request: Message): string {
  const { head } = request.http;
  return head === undefined || isResponseHead(head) ? "" : head.method;
}
