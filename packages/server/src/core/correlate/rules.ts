/**
 * Where short ids come from: rules «what stands here in a request was given there in an answer», found in the originals alone. In: requests
 * and original responses of sessions, in order. Out: for a consumer's place the places of its producers.
 *
 * A rule needs three sessions and 95 of 100 values; until then a short value is used only under a name that says what it counts.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import type { Content } from "../content/body.ts";
import { isArray, isObject, scalarText } from "../content/json.ts";
import type { Json } from "../content/json.ts";
import { elementPath, memberPath } from "../content/path.ts";
import { ValueClass, classesOf, isStrong } from "../content/value-class.ts";
import type { Slot } from "./request-values.ts";

export interface Rule {
  /** `GET /orders/{number} query:after` */
  readonly consumer: string;
  /** `POST /orders $.next` */
  readonly producer: string;
  /** Sessions in which it held; values that were looked for, and found there. */
  readonly sessions: number;
  readonly looked: number;
  readonly found: number;
}

const SESSIONS_MIN = 3;
const FOUND_SHARE_MIN = 0.95;
/** Places and sessions that are watched; more are passed over. */
const CONSUMERS_MAX = 5000;
const PRODUCERS_A_CONSUMER_MAX = 64;
const SESSIONS_WATCHED_MAX = 5000;
const VALUES_A_SESSION_MAX = 2000;
const VALUES_MAX = 1_000_000;
const DEPTH_MAX = 16;

/** A place that may give what stands at a consumer's. */
interface Candidate {
  found: number;
  sessions: number;
  last: number;
}

interface Votes {
  looked: number;
  readonly producers: Map<string, Candidate>;
}

export class RuleLearner {
  readonly #votes: Map<string, Votes> = new Map();
  readonly #given: Map<number, Map<string, Set<string>>> = new Map();
  readonly #frozen: Map<string, string[]> | undefined;
  /** Places that were a producer of a rule at any time: what they give is worth remembering. */
  readonly #producers: Set<string> = new Set();
  /** Values that are remembered, over all sessions. */
  #values = 0;
  readonly #valuesMax: number;

  /** With `frozen` rules nothing is learned. */
  constructor(frozen?: readonly Rule[], valuesMax: number = VALUES_MAX) {
    this.#valuesMax = valuesMax;
    if (frozen === undefined) return;
    this.#frozen = new Map();
    for (const { consumer, producer } of frozen) {
      this.#frozen.set(consumer, [...(this.#frozen.get(consumer) ?? []), producer]);
      this.#producers.add(producer);
    }
  }

  request(session: number, endpoint: string, slots: readonly Slot[]): void {
    const given = this.#given.get(session);
    if (this.#frozen !== undefined || given === undefined) return;
    for (const { value, place } of slots) {
      if (!isShortId(value)) continue;
      const votes = this.#votesOf(`${endpoint} ${place}`);
      if (votes === undefined) continue;
      votes.looked += 1;
      for (const producer of given.get(value) ?? []) {
        const candidate = vote(votes, producer, session);
        if (candidate !== undefined && isRule(votes.looked, candidate))
          this.#producers.add(producer);
      }
    }
  }

  response(session: number, endpoint: string, message: Message, content: Content | string): void {
    const { head } = message.http;
    if (this.#frozen !== undefined || head === undefined || !isResponseHead(head)) return;
    if (typeof content === "string" || content.json === undefined) return;
    let given = this.#given.get(session);
    if (given === undefined) {
      given = new Map();
      this.#given.set(session, given);
    }
    const before = given.size;
    collect(content.json, `${endpoint} $`, given, 0);
    this.#values += given.size - before;
    while (this.#given.size > SESSIONS_WATCHED_MAX || this.#values > this.#valuesMax)
      this.#forgetOldest();
  }

  /** Where the values of a consumer's place come from. */
  producersOf(consumer: string): readonly string[] {
    if (this.#frozen !== undefined) return this.#frozen.get(consumer) ?? [];
    const votes = this.#votes.get(consumer);
    if (votes === undefined) return [];
    const found: string[] = [];
    for (const [producer, candidate] of votes.producers) {
      if (isRule(votes.looked, candidate)) found.push(producer);
    }
    return found;
  }

  isProducer(place: string): boolean {
    return this.#producers.has(place);
  }

  /** All rules, for a file that people review. */
  all(): Rule[] {
    const rules: Rule[] = [];
    for (const [consumer, { looked, producers }] of this.#votes) {
      for (const [producer, candidate] of producers) {
        const { found, sessions } = candidate;
        if (isRule(looked, candidate)) rules.push({ consumer, producer, sessions, looked, found });
      }
    }
    return rules.sort((x, y) => order(x.consumer, y.consumer) || order(x.producer, y.producer));
  }

  #votesOf(consumer: string): Votes | undefined {
    const known = this.#votes.get(consumer);
    if (known !== undefined || this.#votes.size >= CONSUMERS_MAX) return known;
    const votes: Votes = { looked: 0, producers: new Map() };
    this.#votes.set(consumer, votes);
    return votes;
  }

  #forgetOldest(): void {
    const [oldest] = this.#given;
    if (oldest === undefined) return;
    this.#given.delete(oldest[0]);
    this.#values -= oldest[1].size;
  }
}

function vote(votes: Votes, producer: string, session: number): Candidate | undefined {
  const known = votes.producers.get(producer);
  if (known === undefined) {
    if (votes.producers.size >= PRODUCERS_A_CONSUMER_MAX) return undefined;
    const first = { found: 1, sessions: 1, last: session };
    votes.producers.set(producer, first);
    return first;
  }
  known.found += 1;
  if (known.last !== session) known.sessions += 1;
  known.last = session;
  return known;
}

function order(x: string, y: string): number {
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

function isRule(looked: number, { found, sessions }: Candidate): boolean {
  return sessions >= SESSIONS_MIN && found >= looked * FOUND_SHARE_MIN;
}

/** Numbers, labelled numbers and short hexadecimal. */
export function isShortId(value: string): boolean {
  const classes = classesOf(value);
  if (isStrong(value, classes)) return false;
  return (classes & (ValueClass.integer | ValueClass.labelledId | ValueClass.hex)) !== 0;
}

function collect(value: Json, path: string, given: Map<string, Set<string>>, depth: number): void {
  if (depth > DEPTH_MAX || given.size >= VALUES_A_SESSION_MAX) return;
  if (isArray(value)) for (const each of value) collect(each, elementPath(path), given, depth + 1);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      collect(value[key] ?? null, memberPath(path, key), given, depth + 1);
    }
  } else if (typeof value === "string" || typeof value === "number") {
    const text = scalarText(value);
    if (!isShortId(text)) return;
    const places = given.get(text);
    if (places === undefined) given.set(text, new Set([path]));
    else if (places.size < PRODUCERS_A_CONSUMER_MAX) places.add(path);
  }
}
