/**
 * Puts the messages of an exchange together by id: request, original, replayed, and where there are any, control and probe. In: messages
 * in any order. Out: whole exchanges. Bounded; what waits too long is given up and counted.
 */
import { headerValue } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { contentOf } from "../content/body.ts";
import { SessionFinder } from "../session/session-finder.ts";
import type { Exchange, Role } from "./types.ts";
import { Values } from "./differences/values.ts";

/** Exchanges that wait for their other half: a minute of a thousand a second. */
const WAITING_MAX = 65_536;
const WAITING_BYTES_MAX: number = 128 * 1024 * 1024;
const HOST_WORDS_MAX = 100;
/** What an exchange costs beside its bytes. */
const EXCHANGE_BYTES = 1024;

interface Waiting {
  request: Message;
  readonly index: number;
  readonly session: number;
  touched: readonly string[];
  given: readonly string[];
  readonly hasForeignCredentials: boolean;
  original?: Message;
  replayed?: Message;
  control?: Message;
  probe?: Message;
  late: boolean;
  bytes: number;
}

export class Pairing {
  readonly sessions: SessionFinder = new SessionFinder();
  readonly values: Values = new Values();
  /** Words of the addresses that requests name: links of the service to itself have them. */
  readonly hosts: Set<string> = new Set();
  requests = 0;
  /** Requests that never got an answer to compare, and answers without a request. */
  unpaired = 0;
  /** Originals came at all. */
  hasOriginals = false;
  readonly #expectsControl: boolean;
  readonly #waiting: Map<string, Waiting> = new Map();
  #bytes = 0;
  readonly #whole: (exchange: Exchange) => void;
  /** A request whose original is known and that was never replayed. */
  readonly #unsent: (exchange: Omit<Exchange, "replayed">) => void;

  constructor(
    expectsControl: boolean,
    whole: (exchange: Exchange) => void,
    unsent: (exchange: Omit<Exchange, "replayed">) => void,
  ) {
    this.#expectsControl = expectsControl;
    this.#whole = whole;
    this.#unsent = unsent;
  }

  request(message: Message): void {
    if (this.#waiting.has(message.id)) return;
    const session = this.sessions.ofRequest(message);
    const index = this.requests;
    this.requests += 1;
    const touched = this.values.asked(message, session, index);
    const hasForeignCredentials = this.sessions.isForeign(message);
    this.#noteHost(message);
    const bytes = message.http.byteLength + EXCHANGE_BYTES;
    this.#bytes += bytes;
    this.#waiting.set(message.id, {
      request: message,
      index,
      session,
      touched,
      given: [],
      hasForeignCredentials,
      late: false,
      bytes,
    });
    this.#bound();
  }

  /** An answer; `late`: the replaying process was behind when it came. */
  answer(role: Role, message: Message, late = false): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) {
      this.unpaired += 1;
      return;
    }
    if (waiting[role] !== undefined) return;
    waiting[role] = message;
    waiting.late ||= late;
    const bytes = message.http.byteLength;
    waiting.bytes += bytes;
    this.#bytes += bytes;
    if (role === "original") this.#learn(waiting, message);
    this.#finish(waiting, false);
    this.#bound();
  }

  #noteHost({ http }: Message): void {
    const host = headerValue(http.head?.headers ?? [], "host");
    if (host === undefined || this.hosts.size >= HOST_WORDS_MAX) return;
    for (const word of [host, ...host.split(":")]) this.hosts.add(word);
  }

  #learn(waiting: Waiting, message: Message): void {
    this.hasOriginals = true;
    const { http } = message;
    const content = contentOf(http.head?.headers ?? [], http.body);
    if (typeof content !== "string") this.sessions.ofResponse(waiting.session, message, content);
    const session = this.sessions.current(waiting.session);
    const asked = new Set(waiting.touched);
    waiting.given = this.values.answered(session, content).filter((id) => !asked.has(id));
    waiting.touched = [...waiting.touched, ...waiting.given];
  }

  /** Hands an exchange over when all that is expected is there, or when nothing more will come. */
  #finish(waiting: Waiting, atEnd: boolean): void {
    const { replayed, original, control } = waiting;
    const isWhole =
      replayed !== undefined &&
      original !== undefined &&
      (control !== undefined || !this.#expectsControl);
    if (!isWhole && !atEnd) return;
    this.#waiting.delete(waiting.request.id);
    this.#bytes -= waiting.bytes;
    const exchange = {
      request: waiting.request,
      index: waiting.index,
      session: waiting.session,
      touched: waiting.touched,
      given: waiting.given,
      hasForeignCredentials: waiting.hasForeignCredentials,
      original,
      control,
      probe: waiting.probe,
      late: waiting.late,
    };
    if (replayed === undefined) this.#unsent(exchange);
    else if (original === undefined && control === undefined) this.unpaired += 1;
    else this.#whole({ ...exchange, replayed });
  }

  #bound(): void {
    while (this.#waiting.size > WAITING_MAX || this.#bytes > WAITING_BYTES_MAX) {
      const [oldest] = this.#waiting.values();
      if (oldest === undefined) return;
      this.#finish(oldest, true);
    }
  }

  /** Nothing more will come. */
  end(): void {
    for (const waiting of this.#waiting.values()) this.#finish(waiting, true);
  }
}
