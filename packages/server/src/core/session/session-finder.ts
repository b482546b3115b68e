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
import { classesOf, isStrong } from "../content/value-class.ts";

/** Values that are remembered, the oldest forgotten first: some 50,000 sessions of four tokens. */
const TOKENS_MAX = 200_000;
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
    let session: number | undefined;
    for (const value of credentials) {
      const known = this.#tokens.get(value);
      if (known === undefined) continue;
      if (session === undefined) session = this.current(known);
      else if (this.#issued.has(value)) session = this.#join(session, known);
    }
    session ??= this.#new();
    for (const value of credentials) if (!this.#tokens.has(value)) this.#remember(value, session);
    return session;
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
    for (let next = this.#joined.get(at); next !== undefined; next = this.#joined.get(at))
      at = next;
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
    this.#onJoin(older, younger);
    return older;
  }

  #issue(value: string, session: number): void {
    this.#lastIssued.push(value);
    const known = this.#tokens.get(value);
    // Seen in another session before: not a credential of one caller.
    if (known !== undefined && this.current(known) !== this.current(session)) return;
    if (known === undefined) this.#remember(value, session);
    this.#issued.add(value);
  }

  #remember(value: string, session: number): void {
    if (value.length > TOKEN_CHARS_MAX) return;
    this.#tokens.set(value, session);
    if (this.#tokens.size <= TOKENS_MAX) return;
    for (const oldest of this.#tokens.keys()) {
      this.#tokens.delete(oldest);
      this.#issued.delete(oldest);
      return;
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
  return found;
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
