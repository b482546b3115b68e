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
const DEPTH_MAX = 16;

interface Votes {
  looked: number;
  readonly producers: Map<string, { found: number; sessions: number; last: number }>;
}

export class RuleLearner {
  readonly #votes: Map<string, Votes> = new Map();
  readonly #given: Map<number, Map<string, Set<string>>> = new Map();
  #rules: Map<string, string[]> | undefined;
  readonly #frozen: Map<string, string[]> | undefined;
  #producers: Set<string> | undefined;

  /** With `frozen` rules nothing is learned. */
  constructor(frozen?: readonly Rule[]) {
    if (frozen === undefined) return;
    this.#frozen = new Map();
    for (const { consumer, producer } of frozen) {
      this.#frozen.set(consumer, [...(this.#frozen.get(consumer) ?? []), producer]);
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
      for (const producer of given.get(value) ?? []) vote(votes, producer, session);
    }
    this.#rules = undefined;
  }

  response(session: number, endpoint: string, message: Message, content: Content | string): void {
    const { head } = message.http;
    if (this.#frozen !== undefined || head === undefined || !isResponseHead(head)) return;
    if (typeof content === "string" || content.json === undefined) return;
    let given = this.#given.get(session);
    if (given === undefined) {
      if (this.#given.size >= SESSIONS_WATCHED_MAX) this.#forgetOldest();
      given = new Map();
      this.#given.set(session, given);
    }
    collect(content.json, `${endpoint} $`, given, 0);
  }

  /** Where the values of a consumer's place come from. */
  producersOf(consumer: string): readonly string[] {
    return this.#current.get(consumer) ?? [];
  }

  isProducer(place: string): boolean {
    this.#producers ??= new Set([...this.#current.values()].flat());
    return this.#producers.has(place);
  }

  /** All rules, for a file that people review. */
  all(): Rule[] {
    const rules: Rule[] = [];
    for (const [consumer, { looked, producers }] of this.#votes) {
      for (const [producer, { found, sessions }] of producers) {
        if (isRule(looked, found, sessions))
          rules.push({ consumer, producer, sessions, looked, found });
      }
    }
    return rules.sort((x, y) => (x.consumer < y.consumer ? -1 : 1));
  }

  get #current(): Map<string, string[]> {
    if (this.#frozen !== undefined) return this.#frozen;
    if (this.#rules === undefined) {
      this.#rules = new Map();
      this.#producers = undefined;
      for (const { consumer, producer } of this.all()) {
        this.#rules.set(consumer, [...(this.#rules.get(consumer) ?? []), producer]);
      }
    }
    return this.#rules;
  }

  #votesOf(consumer: string): Votes | undefined {
    const known = this.#votes.get(consumer);
    if (known !== undefined || this.#votes.size >= CONSUMERS_MAX) return known;
    const votes: Votes = { looked: 0, producers: new Map() };
    this.#votes.set(consumer, votes);
    return votes;
  }

  #forgetOldest(): void {
    for (const session of this.#given.keys()) {
      this.#given.delete(session);
      return;
    }
  }
}

function vote(votes: Votes, producer: string, session: number): void {
  const known = votes.producers.get(producer);
  if (known === undefined) {
    if (votes.producers.size >= PRODUCERS_A_CONSUMER_MAX) return;
    votes.producers.set(producer, { found: 1, sessions: 1, last: session });
    return;
  }
  known.found += 1;
  if (known.last !== session) known.sessions += 1;
  known.last = session;
}

function isRule(looked: number, found: number, sessions: number): boolean {
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
  if (isArray(value)) for (const each of value) collect(each, `${path}[]`, given, depth + 1);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      collect(value[key] ?? null, `${path}.${key}`, given, depth + 1);
    }
  } else if (typeof value === "string" || typeof value === "number") {
    const text = scalarText(value);
    if (!isShortId(text)) return;
    const places = given.get(text);
    if (places === undefined) given.set(text, new Set([path]));
    else if (places.size < PRODUCERS_A_CONSUMER_MAX) places.add(path);
  }
}
