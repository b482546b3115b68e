/**
 * Makes recorded sessions work at one target: learns from pairs of answers how the recording's tokens and ids are called there, holds requests
 * until what they need has been answered, and writes the target's values into them. Sans-IO: time comes in as an argument.
 *
 * In: everything that passes the stages, in recorded order (`seen`); requests that this target is to get (`take`); its answers
 * (`answered`). Out: requests, rewritten (`next`). A request is held for every exchange of its session that had ended before it began,
 * and for the exchanges that gave out its values; never longer than the wait, never when that exchange is over.
 */
import { MessageKind, isResponseHead, timestampToUs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import { classesOf, isStrong } from "../content/value-class.ts";
import { SessionFinder } from "../session/session-finder.ts";
import { CorrelationMaps } from "./maps.ts";
import { givenInText } from "./given-in-text.ts";
import { MinHeap } from "../min-heap.ts";
import { namespaceOfPath } from "./namespace.ts";
import { pairsOf } from "./pairs.ts";
import { GivenValues } from "./given.ts";
import { Renewal } from "./renewal/renewal.ts";
import { slotsOf, substitute } from "./request-values.ts";
import type { Slot } from "./request-values.ts";
import { isShortId } from "./rules.ts";
import type { CorrelatorCounts, CorrelatorOptions } from "./settings.ts";
import type { RuleLearner } from "./rules.ts";
import { endpointOf } from "./scan.ts";
import { Waiting } from "./waiting.ts";
import type { Tracked } from "./waiting.ts";

/** Exchanges that are known and not over; beyond it the oldest is given up. */
const EXCHANGES_MAX = 65_536;
/** Bytes of answers that wait for the other one of their exchange. */
const ANSWERS_BYTES_MAX: number = 64 * 1024 * 1024;

/** More fields than a class should have: it joins what is known of values, sessions, exchanges and the time, each a part of its own. */
export class Correlator {
  readonly #options: CorrelatorOptions;
  #rules: RuleLearner;
  readonly #maps = new CorrelationMaps((session) => this.#sessions.current(session));
  readonly #sessions: SessionFinder;
  readonly #exchanges: Map<string, Tracked> = new Map();
  readonly #open: Map<number, Set<Tracked>> = new Map();
  /** Values of open exchanges' answers, to the exchange. */
  readonly #producers: Map<string, Tracked> = new Map();
  /** Strong values that any original answer had: one without an image is a miss. */
  readonly #given = new GivenValues();
  /** Those of them whose images a crash took away. */
  readonly #stale = new GivenValues();
  readonly #renewal: Renewal;
  /** Exchanges by when they ended in the recording; those that are over are passed over late. */
  readonly #ends = new MinHeap<Tracked>(({ endUs }) => endUs);
  readonly #waiting: Waiting;
  readonly #missed: Map<string, number> = new Map();
  #answerBytes = 0;
  #used = 0;
  #index = 0;
  /** When it was last told the time. */
  #nowMs = 0;

  constructor(options: CorrelatorOptions) {
    this.#options = options;
    this.#rules = options.rules;
    this.#waiting = new Waiting(options.waitMs);
    this.#renewal = new Renewal(options, (reason) => this.#miss(reason));
    this.#sessions = new SessionFinder((older, younger) => this.#join(older, younger));
  }

  /** Rules found by reading the recording first take the place of those it would learn on the way. */
  set rules(rules: RuleLearner) {
    this.#rules = rules;
  }

  /** Requests and original responses behind the stages, in recorded order. */
  seen(batch: readonly Message[]): void {
    for (const message of batch) {
      if (message.kind === MessageKind.request) this.#request(message);
      else if (message.kind === MessageKind.response) this.#original(message);
    }
  }

  /**
   * A request that this target will never get: limited, dropped. Who waits for it goes on. `wasAnswered`: the target had it before a crash, and
   * what was learned of its answer is forgotten.
   */
  gone(id: string, wasAnswered = false): void {
    const exchange = this.#exchanges.get(id);
    if (exchange === undefined) return;
    if (wasAnswered) for (const value of exchange.values) this.#stale.add(value);
    this.#over(exchange);
  }

  /** A request that the target is to get; `next` gives it back when its time has come. */
  take(message: Message, nowMs: number): void {
    this.#nowMs = nowMs;
    const exchange = this.#exchanges.get(message.id);
    const blockers = exchange === undefined ? [] : this.#blockersOf(message, exchange);
    const afterUs =
      this.#options.happensBefore && exchange !== undefined ? exchange.startUs : undefined;
    this.#waiting.add(message, blockers, afterUs, nowMs);
  }

  /** What part of a request was the first to hold a mark instead of a secret: `header`, `cookie`, `json` …; undefined: none does. */
  get redacted(): string | undefined {
    return this.#renewal.redacted;
  }

  /** The next request that may go, rewritten. `wallMs`: the time of day, in milliseconds since the Unix epoch. */
  next(nowMs: number, wallMs: number): Message | undefined {
    const released = this.#waiting.next(nowMs, this.#earliestEndUs);
    if (released === undefined) return undefined;
    if (released.why !== undefined) this.#miss(released.why);
    return this.#rewritten(released.message, wallMs);
  }

  /** When the earliest exchange that is not over ended; infinity when there is none. */
  get #earliestEndUs(): number {
    for (let first = this.#ends.first; first !== undefined; first = this.#ends.first) {
      if (!first.isOver) return first.endUs;
      this.#ends.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Requests that are held. */
  get held(): number {
    return this.#waiting.size;
  }

  /** When the next request will have waited long enough; undefined when none is held. */
  get nextDeadlineMs(): number | undefined {
    return this.#waiting.nextDeadlineMs;
  }

  /** An answer of this target, also one that stands for a failure. */
  answered(message: Message, nowMs: number): void {
    this.#nowMs = nowMs;
    const exchange = this.#exchanges.get(message.id);
    if (exchange === undefined) return;
    if (message.context?.failure === undefined && exchange.replayed === undefined) {
      exchange.replayed = message;
      this.#answerBytes += message.http.byteLength;
      this.#learn(exchange);
    }
    this.#over(exchange);
    this.#boundAnswers();
  }

  counts(): CorrelatorCounts {
    return {
      learned: this.#maps.learned,
      used: this.#used,
      waited: this.#waiting.waited,
      missed: Object.fromEntries(this.#missed),
      contradictions: this.#maps.contradictions,
      contested: this.#maps.contested,
      evicted: this.#maps.evicted,
      resigned: this.#renewal.resigned,
      times: this.#renewal.times,
    };
  }

  #request(message: Message): void {
    const { head } = message.http;
    if (head === undefined || isResponseHead(head) || this.#exchanges.has(message.id)) return;
    const session = this.#sessions.ofRequest(message);
    const path = head.target.split("?", 1)[0] ?? "";
    const exchange: Tracked = {
      id: message.id,
      index: this.#index,
      session,
      endpoint: endpointOf(message) ?? "",
      around: namespaceOfPath(path),
      startUs: timestampToUs(message.startedAt),
      endUs: Number.POSITIVE_INFINITY,
      isOver: false,
      values: [],
      waiters: [],
    };
    this.#index += 1;
    this.#exchanges.set(message.id, exchange);
    this.#openOf(session).add(exchange);
    const slots = slotsOf(message);
    this.#rules.request(session, exchange.endpoint, slots);
    this.#renewal.look(slots);
    if (this.#exchanges.size > EXCHANGES_MAX) this.#forgetOldest();
  }

  #original(message: Message): void {
    const exchange = this.#exchanges.get(message.id);
    if (exchange === undefined || exchange.original !== undefined) return;
    const { http } = message;
    exchange.endUs = timestampToUs(message.startedAt) + Math.round((message.latencyNs ?? 0) / 1000);
    const content = contentOf(http.head?.headers ?? [], http.body);
    const session = this.#sessions.current(exchange.session);
    if (typeof content !== "string") this.#sessions.ofResponse(session, message, content);
    this.#rules.response(session, exchange.endpoint, message, content);
    exchange.original = message;
    this.#answerBytes += http.byteLength;
    if (exchange.replayed !== undefined) return this.#learn(exchange);
    if (exchange.isOver) return this.#drop(exchange);
    this.#ends.push(exchange);
    const issued = typeof content === "string" ? [] : this.#sessions.lastIssued;
    for (const value of [...issued, ...givenInText(http.head?.headers ?? [], content)]) {
      this.#given.add(value);
      if (this.#producers.has(value)) continue;
      this.#producers.set(value, exchange);
      exchange.values.push(value);
    }
    this.#boundAnswers();
  }

  #boundAnswers(): void {
    while (this.#answerBytes > ANSWERS_BYTES_MAX && this.#exchanges.size > 0) this.#forgetOldest();
  }

  /** Exchanges that must be over first. */
  #blockersOf(message: Message, exchange: Tracked): Tracked[] {
    const blockers = new Set<Tracked>();
    const session = this.#sessions.current(exchange.session);
    for (const other of this.#open.get(session) ?? []) {
      if (other.index < exchange.index && other.endUs <= exchange.startUs) blockers.add(other);
    }
    for (const { value } of slotsOf(message)) {
      const producer = this.#producers.get(value);
      if (producer !== undefined && producer.index < exchange.index) blockers.add(producer);
    }
    return [...blockers];
  }

  #rewritten(message: Message, wallMs: number): Message {
    const exchange = this.#exchanges.get(message.id);
    if (exchange === undefined) return message;
    const session = this.#sessions.current(exchange.session);
    const recordedMs = exchange.startUs / 1000;
    return substitute(
      message,
      (slot) =>
        this.#imageOf(slot, session, exchange) ??
        this.#renewal.renewed(slot, wallMs - recordedMs, recordedMs) ??
        this.#noImageOf(slot),
    );
  }

  #imageOf(slot: Slot, session: number, { endpoint }: Tracked): string | undefined {
    const { value } = slot;
    const image = isStrong(value, classesOf(value))
      ? this.#maps.image(session, "", value)
      : this.#lookUp(slot, session, endpoint);
    if (image !== undefined && image !== value) this.#used += 1;
    return image;
  }

  #noImageOf({ value }: Slot): undefined {
    if (this.#given.has(value) && isStrong(value, classesOf(value)))
      this.#miss(this.#stale.has(value) ? "stale" : "unlearned");
    return undefined;
  }

  /** A short value: under the name of what it counts, else by the rules. */
  #lookUp(
    { value, namespace, isId, place }: Slot,
    session: number,
    endpoint: string,
  ): string | undefined {
    if (namespace !== undefined) {
      const image = this.#maps.image(session, namespace, value);
      if (image !== undefined) return image;
      const named = isId ? this.#maps.image(session, `named:${namespace}`, value) : undefined;
      if (named !== undefined) return named;
    }
    if (!isShortId(value)) return undefined;
    for (const producer of this.#rules.producersOf(`${endpoint} ${place}`)) {
      const image = this.#maps.image(session, `place:${producer}`, value);
      if (image !== undefined) return image;
    }
    return undefined;
  }

  #learn(exchange: Tracked): void {
    const { original, replayed } = exchange;
    if (original === undefined || replayed === undefined) return;
    const session = this.#sessions.current(exchange.session);
    const image = (value: string): string | undefined => this.#maps.strongImage(session, value);
    for (const pair of pairsOf(original, replayed, exchange.around, image)) {
      if (!pair.namespace.startsWith("place:")) this.#maps.learn(session, pair);
      else {
        const place = `${exchange.endpoint} ${pair.place}`;
        if (this.#rules.isProducer(place)) {
          this.#maps.learn(session, { ...pair, namespace: `place:${place}` });
        }
      }
    }
    this.#drop(exchange);
  }

  #over(exchange: Tracked): void {
    if (exchange.isOver) return;
    exchange.isOver = true;
    this.#closed(exchange);
    for (const value of exchange.values) this.#producers.delete(value);
    this.#waiting.release(exchange, this.#nowMs);
    // Its original may still come; then there is something to learn.
    if (exchange.original !== undefined) this.#drop(exchange);
  }

  #drop(exchange: Tracked): void {
    this.#answerBytes -= exchange.original?.http.byteLength ?? 0;
    this.#answerBytes -= exchange.replayed?.http.byteLength ?? 0;
    exchange.original = undefined;
    exchange.replayed = undefined;
    this.#exchanges.delete(exchange.id);
    if (!exchange.isOver) this.#over(exchange);
  }

  #forgetOldest(): void {
    const [oldest] = this.#exchanges.values();
    if (oldest === undefined) return;
    if (!oldest.isOver) this.#miss("forgotten");
    this.#drop(oldest);
  }

  /** A session of which nothing is open costs nothing. */
  #closed(exchange: Tracked): void {
    const session = this.#sessions.current(exchange.session);
    const open = this.#open.get(session);
    open?.delete(exchange);
    if (open?.size === 0) this.#open.delete(session);
  }

  #openOf(session: number): Set<Tracked> {
    const current = this.#sessions.current(session);
    const known = this.#open.get(current) ?? new Set();
    this.#open.set(current, known);
    return known;
  }

  #join(older: number, younger: number): void {
    this.#maps.join(older, younger);
    const moved = this.#open.get(younger);
    this.#open.delete(younger);
    if (moved === undefined) return;
    const into = this.#open.get(older) ?? new Set();
    this.#open.set(older, into);
    for (const exchange of moved) into.add(exchange);
  }

  #miss(reason: string): void {
    this.#missed.set(reason, (this.#missed.get(reason) ?? 0) + 1);
  }
}
