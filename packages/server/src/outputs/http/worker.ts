/**
 * One replay at a time on one kept connection: begins it, follows redirects, tries a safe one again when a kept
 * connection turns out to be closed, and keeps the answer when it is tracked. A replay costs no closure, promise or
 * handler of its own.
 *
 * In: a message. Out: exactly one call of `settled`. What becomes of the outcome is the pool's business.
 */
import { BodyState, HttpMessage, MessageKind, isResponseHead } from "@mirrorball/protocol";
import type { HeaderList, Message, RequestHead } from "@mirrorball/protocol";
import { originForm } from "../../core/http/replayed/request-writer.ts";
import type { RequestParts, RequestWriter } from "../../core/http/replayed/request-writer.ts";
import { SAFE_METHODS } from "../../core/http/safe-methods.ts";
import { Connection } from "./connection.ts";
import type { ConnectionEvents, ConnectionSettings } from "./connection.ts";
import { urlOf } from "./dialer.ts";
import { failureHead, failureOf, isOutOfDescriptors } from "./failure.ts";
import { redirectOf } from "./redirect.ts";
import { originOf, pathTo } from "./target.ts";
import type { PathRule, Target } from "./target.ts";
import { KeptAnswer } from "./kept-answer.ts";

const PROXY_AUTHENTICATION_REQUIRED = 407;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const NO_FIELDS: HeaderList = [];

export interface WorkerSettings extends ConnectionSettings {
  readonly target: Target;
  readonly pathRule: PathRule;
  readonly originalHost: boolean;
  readonly redirectsMax: number;
  readonly redirectsAnywhere: boolean;
  /** Answers are kept: for other outputs, or for correlation. */
  readonly track: boolean;
  /** The output's name, which its replayed responses carry. */
  readonly name: string;
  /** Its answers are a control's. */
  readonly isControl: boolean;
  readonly responseBytesMax: number;
  /** Sends requests too that can be read in two ways. */
  readonly ambiguous: boolean;
  /** Marks requests as replays. */
  readonly marked: boolean;
}

/** `ok`: the target answered. `skipped`: not meant to be sent. */
export type Outcome = "ok" | "failed" | "skipped";

export interface WorkerEvents {
  readonly nowMs: () => number;
  readonly nowUs: () => number;
  readonly settled: (worker: Worker, outcome: Outcome, reason: string) => void;
  /** The message was not sent, because no descriptor is free for a connection; it is to be sent later, by whoever has one. */
  readonly starved: (worker: Worker) => void;
  /** Something that a person can do something about; called before `settled`. */
  readonly troubled: (reason: string, advice: string) => void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Worker implements ConnectionEvents {
  /** What is being sent; undefined when idle. */
  message: Message | undefined;
  startedMs = 0;
  /** When it last became idle. */
  idleSinceMs = 0;
  /** The answer is only looked at: the same message is sent again, and that one counts. */
  isProbing = false;
  /** True inside `send`: who settles then must not feed this worker, its feeder goes on. */
  sending = false;
  readonly #settings: WorkerSettings;
  readonly #events: WorkerEvents;
  /** One for all workers: a request is written in one go. */
  readonly #writer: RequestWriter;
  readonly #main: Connection;
  /** Where the exchange takes place; elsewhere than `#main` only behind a redirect. */
  #connection: Connection;
  readonly #answer: KeptAnswer;
  readonly #parts: Mutable<RequestParts>;
  #startedUs = 0;
  #redirectsLeft = 0;
  #mayRetry = false;
  /** The origin that `#connection` leads to. */
  #origin: string;

  constructor(settings: WorkerSettings, writer: RequestWriter, events: WorkerEvents) {
    this.#settings = settings;
    this.#writer = writer;
    this.#events = events;
    this.#main = new Connection(settings.target.address, settings, this);
    this.#connection = this.#main;
    this.#origin = settings.target.origin;
    this.#answer = new KeptAnswer(settings.responseBytesMax);
    this.#parts = {
      method: "",
      path: "",
      headers: NO_FIELDS,
      body: NO_BYTES,
      trailers: NO_FIELDS,
      host: undefined,
      hostDefault: settings.target.host,
      authorization: undefined,
      marked: settings.marked,
      via: undefined,
    };
  }

  /** Status of the answer. */
  get status(): number {
    return this.#connection.parser.facts.status;
  }

  /** Sends `message`; may settle before it returns, when the message cannot be sent. */
  send(message: Message): void {
    this.sending = true;
    this.#begin(message);
    this.sending = false;
  }

  /** Frees the connection; what is under way is left to whoever keeps the books. */
  destroy(): void {
    this.#main.close();
    this.#connection.close();
    this.#answer.release();
  }

  /** Gives up what is under way. */
  timeOut(): void {
    const reason = this.#connection.connecting ? "connect-timeout" : "timeout";
    this.#connection.close();
    this.#settle("failed", reason);
  }

  #begin(message: Message): void {
    this.message = message;
    this.startedMs = this.#events.nowMs();
    if (this.#settings.track) this.#startedUs = this.#events.nowUs();
    const { head } = message.http;
    if (head === undefined || isResponseHead(head)) {
      this.#settle("failed", "unparsable");
    } else if (message.context?.framing === "ambiguous" && !this.#settings.ambiguous) {
      this.#settle("skipped", "ambiguous");
    } else if ((message.context?.bodyState ?? BodyState.complete) !== BodyState.complete) {
      this.#settle("skipped", "incomplete-body");
    } else if (!message.http.bodyComplete) {
      this.#settle("skipped", "incomplete-body");
    } else if (head.method === "CONNECT") {
      this.#settle("skipped", "connect-method");
    } else {
      this.#redirectsLeft = this.#settings.redirectsMax;
      // When a kept connection turns out to be closed it is sent again.
      this.#mayRetry = SAFE_METHODS.has(head.method);
      this.#prepare(message, head);
      this.#dispatch();
    }
  }

  #prepare({ http, context }: Message, head: RequestHead): void {
    this.#connection = this.#main;
    this.#origin = this.#settings.target.origin;
    const { target, pathRule, originalHost } = this.#settings;
    const parts = this.#parts;
    parts.method = head.method;
    parts.path = pathTo(target, pathRule, originForm(head.target));
    parts.headers = head.headers;
    parts.body = http.body;
    parts.trailers = http.trailers;
    parts.host = originalHost || context?.keepHost === true ? undefined : target.host;
    parts.hostDefault = target.host;
    parts.authorization = target.authorization;
  }

  #dispatch(): void {
    const nowMs = this.#events.nowMs();
    if (this.#connection.isOpen(nowMs)) this.opened();
    else this.#connection.open(nowMs);
  }

  opened(): void {
    const { method } = this.#parts;
    const { origin } = this.#connection;
    const forwarder = this.#settings.dialer.forwarderTo(origin);
    this.#parts.via =
      forwarder === undefined
        ? undefined
        : { origin: urlOf(origin), authorization: forwarder.authorization };
    if (this.#writer.write(this.#parts) !== undefined) {
      this.#settle("failed", "unsendable");
      return;
    }
    const { track } = this.#settings;
    const connection = this.#connection;
    if (track) this.#answer.listen(connection.parser);
    connection.send(this.#writer, method === "HEAD", track || this.#redirectsLeft > 0);
  }

  answered(): void {
    if (this.status === PROXY_AUTHENTICATION_REQUIRED && this.#parts.via !== undefined) {
      this.broke(this.#settings.dialer.refusal(this.#connection.origin, this.status));
      return;
    }
    if (this.#redirectsLeft > 0 && this.#follow()) return;
    this.#settle("ok", "");
  }

  broke(error: Error): void {
    // Behind a redirect a part of it has been done.
    if (isOutOfDescriptors(error) && this.#connection === this.#main) {
      this.#events.starved(this);
      return;
    }
    const { parser, reused, origin } = this.#connection;
    const { reason, advice } = failureOf(error, origin, this.#placeName);
    if (this.#mayRetry && reason === "reset" && reused && !parser.begun) {
      this.#mayRetry = false;
      this.#dispatch();
      return;
    }
    if (advice !== undefined) this.#events.troubled(reason, advice);
    this.#settle("failed", reason);
  }

  /** Where the connection leads, in words that hold nothing of what was answered. */
  get #placeName(): string {
    const { socketPath } = this.#connection.origin;
    if (socketPath !== undefined) return socketPath;
    return this.#connection === this.#main ? this.#origin : "where a redirect led";
  }

  /** Follows a redirect; where it may not, the redirect is the answer. */
  #follow(): boolean {
    const parts = this.#parts;
    const { headText } = this.#connection.parser;
    const next = redirectOf(this.status, headText, `${this.#origin}${parts.path}`, parts);
    if (next === undefined) return false;
    const { origin } = next.url;
    if (origin !== this.#origin) {
      if (!this.#settings.redirectsAnywhere) return false;
      this.#goTo(next.url);
    }
    this.#redirectsLeft -= 1;
    parts.method = next.method;
    parts.path = `${next.url.pathname}${next.url.search}`;
    parts.headers = next.headers;
    if (!next.keepsBody) parts.body = NO_BYTES;
    this.#dispatch();
    return true;
  }

  /** Leaves the target for another origin, with what was meant for the target left behind. */
  #goTo(url: URL): void {
    this.#leave();
    this.#connection = new Connection(originOf(url), this.#settings, this);
    this.#origin = url.origin;
    this.#parts.host = url.host;
    this.#parts.authorization = undefined;
  }

  #leave(): void {
    if (this.#connection === this.#main) this.#main.idleSince(this.#events.nowMs());
    else this.#connection.close();
  }

  #settle(outcome: Outcome, reason: string): void {
    this.#leave();
    if (outcome === "failed") this.#answer.release();
    this.#events.settled(this, outcome, reason);
  }

  /** The replayed response, or the one that stands for a failure; to be asked before the next `send`. */
  replayed(outcome: Outcome, reason: string): Message | undefined {
    const request = this.message;
    if (request === undefined || outcome === "skipped") return undefined;
    const failed = outcome === "failed";
    return {
      kind: MessageKind.replayed,
      id: request.id,
      startedAt: this.#startedUs,
      latencyNs: Math.round((this.#events.nowMs() - this.startedMs) * 1e6),
      http: failed
        ? HttpMessage.fromParts(failureHead(reason), NO_BYTES)
        : this.#answer.take(this.#connection.parser),
      context: {
        ...request.context,
        bodyState: !failed && this.#answer.cut ? BodyState.truncated : undefined,
        failure: failed ? reason : undefined,
        target: this.#settings.name,
        isProbe: this.isProbing ? true : undefined,
        isControl: this.#settings.isControl ? true : undefined,
      },
    };
  }
}
