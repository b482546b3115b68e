/**
 * Which exchanges belong to one session, found by the tokens themselves: what a response gave out (a cookie, a string with 64 bits
 * or more of its own in its body) and a later request carries as its credential names the session of both.
 *
 * In: the requests and the responses of a recording, in order of time. Out: a number a session. Nothing here knows of replays.
 * A request without credentials begins a session of its own; it joins others only when what its response gave out is used.
 */
import { isResponseHead } from "@mirrorball/protocol";
import type { HeaderList, Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import type { Content } from "../content/body.ts";
import { bearerOf, cookiesOf, keyFieldsOf, setCookiesOf } from "../content/fields.ts";
import { isArray, isObject } from "../content/json.ts";
import type { Json } from "../content/json.ts";
import { REDACTION_MARK } from "../content/redaction.ts";
import { ownText } from "../content/own-text.ts";
import { classesOf, isStrong } from "../content/value-class.ts";

/** Values that are remembered, the oldest forgotten first: some 50,000 sessions of four tokens. */
const TOKENS_MAX = 200_000;
/** The same in characters, as tokens may be long. */
const TOKENS_CHARS_MAX: number = 32 * 1024 * 1024;
/** Names of sessions that were joined to others, the oldest forgotten first. */
const JOINED_MAX = 200_000;
/** Longer credentials are not remembered. */
const TOKEN_CHARS_MAX = 4096;
/** A cookie shorter than this names a language or a theme, not a caller. */
const CREDENTIAL_CHARS_MIN = 8;
/** Strong strings of one response that are looked at: a list of a thousand ids gives no credentials. */
const GIVEN_OUT_MAX = 64;
const DEPTH_MAX = 8;

export class SessionFinder {
  /** Credentials, and what responses gave out, to a session; the session may have been joined to another since. */
  readonly #tokens: Map<string, number> = new Map();
  /** Values that a response gave out; others (an API key of all callers) join nothing. */
  readonly #issued: Set<string> = new Set();
  readonly #joined: Map<number, number> = new Map();
  readonly #onJoin: (older: number, younger: number) => void;
  #next = 1;
  #chars = 0;
  #lastIssued: string[] = [];

  /** `onJoin`: two sessions turned out to be one. */
  constructor(onJoin: (older: number, younger: number) => void = () => {}) {
    this.#onJoin = onJoin;
  }

  /** What the response that was looked at last gave out. */
  get lastIssued(): readonly string[] {
    return this.#lastIssued;
  }

  /** The session of a request; a new one when nothing in it is known. */
  ofRequest({ http: { head } }: Message): number {
    if (head === undefined || isResponseHead(head)) return this.#new();
    const credentials = credentialsOf(head.headers);
    const session = this.#byIssued(credentials) ?? this.#byShown(credentials) ?? this.#new();
    for (const value of credentials) if (!this.#tokens.has(value)) this.#remember(value, session);
    return session;
  }

  /** What a response gave out names one caller, and only that joins. */
  #byIssued(credentials: readonly string[]): number | undefined {
    let session: number | undefined;
    for (const value of credentials) {
      const known = this.#issued.has(value) ? this.#tokens.get(value) : undefined;
      if (known === undefined) continue;
      session = session === undefined ? this.current(known) : this.#join(session, known);
    }
    return session;
  }

  /** A token from before the recording names its caller, too, unless something better does: all may have the same API key. */
  #byShown(credentials: readonly string[]): number | undefined {
    for (const value of credentials) {
      const known = this.#tokens.get(value);
      if (known !== undefined) return this.current(known);
    }
    return undefined;
  }

  /** True when a request names its caller only by tokens that no response before it gave out. */
  isForeign({ http: { head } }: Message): boolean {
    if (head === undefined || isResponseHead(head)) return false;
    const credentials = credentialsOf(head.headers);
    return credentials.length > 0 && !credentials.some((value) => this.#issued.has(value));
  }

  /** Takes note of what the response of an exchange of `session` gave out. `content` saves decoding it again. */
  ofResponse(session: number, { http }: Message, content?: Content): void {
    const { head } = http;
    this.#lastIssued = [];
    if (head === undefined || !isResponseHead(head)) return;
    for (const { value } of setCookiesOf(head.headers)) {
      if (value.length >= CREDENTIAL_CHARS_MIN) this.#issue(value, session);
    }
    const found = content ?? contentOf(head.headers, http.body);
    if (typeof found === "string" || found.json === undefined) return;
    for (const value of strongStrings(found.json)) this.#issue(value, session);
  }

  /** What a session is called now: joined ones have the name of the older. */
  current(session: number): number {
    let at = session;
    for (let next = this.#joined.get(at); next !== undefined; next = this.#joined.get(at)) {
      // Each look halves the way, so that it stays short.
      const further = this.#joined.get(next);
      if (further !== undefined) this.#joined.set(at, further);
      at = next;
    }
    return at;
  }

  #new(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  #join(a: number, b: number): number {
    const [first, second] = [this.current(a), this.current(b)];
    if (first === second) return first;
    const [older, younger] = first < second ? [first, second] : [second, first];
    this.#joined.set(younger, older);
    if (this.#joined.size > JOINED_MAX) {
      const [first] = this.#joined.keys();
      if (first !== undefined) this.#joined.delete(first);
    }
    this.#onJoin(older, younger);
    return older;
  }

  #issue(text: string, session: number): void {
    if (text.length > TOKEN_CHARS_MAX || text === REDACTION_MARK) return;
    const value = ownText(text);
    this.#lastIssued.push(value);
    const known = this.#tokens.get(value);
    // Seen in another session before: not a credential of one caller.
    if (known !== undefined && this.current(known) !== this.current(session)) return;
    if (known === undefined) this.#remember(value, session);
    this.#issued.add(value);
  }

  #remember(text: string, session: number): void {
    if (text.length > TOKEN_CHARS_MAX) return;
    const value = ownText(text);
    this.#tokens.set(value, session);
    this.#chars += value.length;
    while (this.#tokens.size > TOKENS_MAX || this.#chars > TOKENS_CHARS_MAX) {
      const [oldest] = this.#tokens.keys();
      if (oldest === undefined) return;
      this.#tokens.delete(oldest);
      this.#issued.delete(oldest);
      this.#chars -= oldest.length;
    }
  }
}

/** What a request names its caller with, the most telling first. */
export function credentialsOf(headers: HeaderList): string[] {
  const bearer = bearerOf(headers);
  const found = bearer === undefined ? [] : [bearer];
  for (const value of keyFieldsOf(headers)) {
    if (value.length >= CREDENTIAL_CHARS_MIN) found.push(value);
  }
  for (const { value } of cookiesOf(headers)) {
    if (value.length >= CREDENTIAL_CHARS_MIN && /\d|%/.test(value)) found.push(value);
  }
  return found.filter((value) => value !== REDACTION_MARK);
}

function strongStrings(json: Json): string[] {
  const found: string[] = [];
  collect(json, found, 0);
  return found;
}

function collect(value: Json, found: string[], depth: number): void {
  if (found.length >= GIVEN_OUT_MAX || depth > DEPTH_MAX) return;
  if (typeof value === "string") {
    if (value.length >= 16 && isStrong(value, classesOf(value))) found.push(value);
  } else if (isArray(value)) {
    for (const each of value) collect(each, found, depth + 1);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) collect(value[key] ?? null, found, depth + 1);
  }
}
