/**
 * Chooses a small set of exchanges that still shows everything a recording shows: one for each endpoint, status and shape of request and answer,
 * with what it depends on. Sans-IO. In: messages in order. Out: the ids of the chosen exchanges.
 *
 * An exchange depends on those of its session that gave out a value which it carries, and on the writes of its session before it: without them
 * the copy is in another state. What it depends on is chosen with what that depends on.
 */
import { createHash } from "node:crypto";
import { MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import type { Content } from "../content/body.ts";
import { setCookiesOf } from "../content/fields.ts";
import { htmlValues } from "../content/html.ts";
import { isArray, isObject, typeOf } from "../content/json.ts";
import type { Json } from "../content/json.ts";
import { Values, requestTokens } from "../compare/differences/values.ts";
import { endpointOf } from "../correlate/scan.ts";
import { SessionFinder } from "../session/session-finder.ts";

/** Exchanges of one recording; a larger one is chosen from in parts. */
export const EXCHANGES_MAX = 1_000_000;
/** Values of one answer whose producer is remembered, and those of all. */
const VALUES_AN_ANSWER_MAX = 2000;
const VALUES_MAX = 2_000_000;
/** Elements of a list that make its shape. */
const ELEMENTS_MAX = 20;
const DEPTH_MAX = 16;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

interface Exchange {
  readonly id: string;
  readonly session: number;
  readonly isWrite: boolean;
  readonly asked: string;
  /** Places of the exchanges that gave out what it carries. */
  readonly producers: readonly number[];
  key: string | undefined;
}

export class CorpusChoice {
  readonly #sessions = new SessionFinder();
  readonly #values = new Values();
  readonly #exchanges: Exchange[] = [];
  readonly #open: Map<string, number> = new Map();
  /** The exchange whose answer had a value first. */
  readonly #givenBy: Map<string, number> = new Map();
  /** Beyond the bound: passed over. */
  passedOver = 0;

  get count(): number {
    return this.#exchanges.length;
  }

  see(message: Message): void {
    if (message.kind === MessageKind.request) this.#request(message);
    else if (message.kind === MessageKind.response) this.#response(message);
  }

  /** The exchange of this id, and all that it depends on; empty when there is none. */
  neededFor(id: string): Set<string> {
    return this.#withNeeded(
      this.#exchanges.flatMap((exchange, index) => (exchange.id === id ? [index] : [])),
    );
  }

  /** One for each kind of exchange, and all that these depend on. */
  chosen(): Set<string> {
    const seen = new Set<string>();
    const todo: number[] = [];
    for (const [index, { key, asked }] of this.#exchanges.entries()) {
      const kind = key ?? `${asked} (no answer)`;
      if (seen.has(kind)) continue;
      seen.add(kind);
      todo.push(index);
    }
    return this.#withNeeded(todo);
  }

  #withNeeded(wanted: readonly number[]): Set<string> {
    const todo = [...wanted];
    const chosen = new Set<number>();
    const writes = this.#writesBySession();
    for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
      if (chosen.has(index)) continue;
      chosen.add(index);
      todo.push(...this.#neededBy(index, writes));
    }
    return new Set([...chosen].flatMap((index) => this.#exchanges[index]?.id ?? []));
  }

  #neededBy(index: number, writes: ReadonlyMap<number, readonly number[]>): number[] {
    const exchange = this.#exchanges[index];
    if (exchange === undefined) return [];
    const session = this.#sessions.current(exchange.session);
    const before = (writes.get(session) ?? []).filter((write) => write < index);
    // Each write brings those before it, so the last one is enough.
    return [...exchange.producers, ...before.slice(-1)];
  }

  #writesBySession(): Map<number, number[]> {
    const writes = new Map<number, number[]>();
    for (const [index, { session, isWrite }] of this.#exchanges.entries()) {
      if (!isWrite) continue;
      const current = this.#sessions.current(session);
      const known = writes.get(current);
      if (known === undefined) writes.set(current, [index]);
      else known.push(index);
    }
    return writes;
  }

  #request(message: Message): void {
    const { head, body } = message.http;
    const endpoint = endpointOf(message);
    if (endpoint === undefined || head === undefined || isResponseHead(head)) return;
    if (this.#exchanges.length >= EXCHANGES_MAX) {
      this.passedOver += 1;
      return;
    }
    const index = this.#exchanges.length;
    const query = head.target.slice(head.target.indexOf("?") + 1 || head.target.length);
    const names = [...new Set(new URLSearchParams(query).keys())].sort();
    const content = contentOf(head.headers, body);
    const producers = new Set(
      requestTokens(message).flatMap((value) => this.#givenBy.get(value) ?? []),
    );
    this.#exchanges.push({
      id: message.id,
      session: this.#sessions.ofRequest(message),
      isWrite: !SAFE_METHODS.has(head.method),
      asked: hashOf(`${endpoint}\n${names.join("&")}\n${shapeOf(content)}`),
      producers: [...producers],
      key: undefined,
    });
    this.#open.set(message.id, index);
  }

  #response(message: Message): void {
    const index = this.#open.get(message.id);
    const exchange = index === undefined ? undefined : this.#exchanges[index];
    const { head, body, status } = message.http;
    if (index === undefined || exchange === undefined || head === undefined) return;
    this.#open.delete(message.id);
    const content = contentOf(head.headers, body);
    const session = this.#sessions.current(exchange.session);
    if (typeof content !== "string") this.#sessions.ofResponse(session, message, content);
    const given = [
      ...this.#sessions.lastIssued,
      ...setCookiesOf(head.headers).map(({ value }) => value),
      ...this.#values.answered(session, content),
      ...(typeof content !== "string" && content.kind === "html"
        ? htmlValues(content.text).map(({ value }) => value)
        : []),
    ];
    for (const value of given.slice(0, VALUES_AN_ANSWER_MAX)) {
      if (this.#givenBy.size < VALUES_MAX && !this.#givenBy.has(value))
        this.#givenBy.set(value, index);
    }
    exchange.key = hashOf(`${exchange.asked}\n${status ?? 0}\n${shapeOf(content)}`);
  }
}

function hashOf(text: string): string {
  return createHash("sha1").update(text).digest("base64");
}

/** What a body is made of, its values left out. */
function shapeOf(content: Content | string): string {
  if (typeof content === "string") return content;
  if (content.json !== undefined) return `${content.kind} ${shapeOfJson(content.json, 0)}`;
  if (content.kind !== "form") return content.kind;
  return `form ${[...new Set(new URLSearchParams(content.text).keys())].sort().join("&")}`;
}

function shapeOfJson(value: Json, depth: number): string {
  if (depth > DEPTH_MAX) return "…";
  if (isArray(value)) {
    const kinds = new Set(value.slice(0, ELEMENTS_MAX).map((each) => shapeOfJson(each, depth + 1)));
    return `[${[...kinds].sort().join("|")}]`;
  }
  if (!isObject(value)) return typeOf(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${shapeOfJson(value[name] ?? null, depth + 1)}`).join(",")}}`;
}
