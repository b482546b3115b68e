/**
 * One connection to the target: sends one message at a time through undici's `dispatch` and is itself the handler
 * of the answer, so that a replay allocates no closure, promise or handler of ours.
 *
 * In: a message. Out: exactly one call of `settle`. What becomes of the outcome is the pool's business.
 */
import type { IncomingHttpHeaders } from "node:http";
import {
  BodyState,
  HttpMessage,
  MessageKind,
  headerValue,
  isResponseHead,
} from "@mirrorball/protocol";
import type { Message, RequestHead } from "@mirrorball/protocol";
import type { Client, Dispatcher } from "undici";
import { outgoingHeaders } from "../../core/http/outgoing-headers.ts";
import { failureReason, failureStatus, ReplayTimeout } from "./failure.ts";
import type { Target } from "./target.ts";

/** Bytes of an answer kept for a tracked response; the rest is read and marked as cut. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
/** Methods that may be sent again when a kept connection turns out to be closed (RFC 9110 9.2.1). */
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const NO_BYTES: Uint8Array = new Uint8Array(0);

export interface WorkerSettings {
  readonly target: Target;
  readonly originalHost: boolean;
  readonly redirectsMax: number;
  readonly track: boolean;
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
}

export class Worker implements Dispatcher.DispatchHandler {
  /** What is being sent; undefined when idle. */
  message: Message | undefined;
  startedMs = 0;
  status = 0;
  /** When it last became idle. */
  idleSinceMs = 0;
  /** True inside `send`: who settles then must not feed this worker, its feeder goes on. */
  sending = false;
  #client: Client;
  readonly #makeClient: () => Client;
  readonly #settings: WorkerSettings;
  readonly #events: WorkerEvents;
  readonly #options: Dispatcher.DispatchOptions;
  #abort: ((error: Error) => void) | undefined;
  #startedUs = 0;
  #redirectsLeft = 0;
  #mayRetry = false;
  #reason = "";
  #headers: string[] = [];
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #cut = false;
  #location: string | undefined;

  constructor(makeClient: () => Client, settings: WorkerSettings, events: WorkerEvents) {
    this.#makeClient = makeClient;
    this.#client = makeClient();
    this.#settings = settings;
    this.#events = events;
    this.#options = { path: "/", method: "GET", headers: [], body: null, reset: false };
  }

  /** Sends `message`; may settle before it returns, when the message cannot be sent. */
  send(message: Message): void {
    this.sending = true;
    this.#begin(message);
    this.sending = false;
  }

  /** Frees the connection; what is under way is left to whoever keeps the books. */
  async destroy(): Promise<void> {
    await this.#client.destroy();
  }

  #begin(message: Message): void {
    this.message = message;
    this.startedMs = this.#events.nowMs();
    this.#startedUs = this.#settings.track ? this.#events.nowUs() : 0;
    const { head } = message.http;
    if (head === undefined || isResponseHead(head)) {
      this.#settle("failed", "unparsable");
    } else if ((message.context?.bodyState ?? BodyState.complete) !== BodyState.complete) {
      this.#settle("skipped", "incomplete-body");
    } else if (!message.http.bodyComplete) {
      this.#settle("skipped", "incomplete-body");
    } else if (message.context?.framing === "ambiguous" && !this.#settings.ambiguous) {
      this.#settle("skipped", "ambiguous");
    } else if (head.method === "CONNECT") {
      this.#settle("skipped", "connect-method");
    } else {
      this.#redirectsLeft = this.#settings.redirectsMax;
      this.#mayRetry = SAFE_METHODS.has(head.method);
      this.#prepare(message, head);
      this.#dispatch();
    }
  }

  /** Gives up what is under way. */
  timeOut(): void {
    this.#mayRetry = false;
    const error = new ReplayTimeout("the exchange took longer than --output-http-timeout");
    if (this.#abort !== undefined) {
      this.#abort(error);
      return;
    }
    // Not even connected: only destroying the client ends the attempt.
    const client = this.#client;
    this.#client = this.#makeClient();
    void client.destroy(error);
  }

  #prepare(message: Message, head: RequestHead): void {
    const { target, originalHost, marked } = this.#settings;
    const options = this.#options;
    options.method = head.method;
    options.path = target.fixedPath ?? head.target;
    options.headers = outgoingHeaders(head.headers, {
      host: originalHost ? undefined : target.host,
      authorization: target.authorization,
      marked,
    });
    const { body } = message.http;
    options.body = body.length === 0 ? null : (body as Buffer);
  }

  #dispatch(): void {
    this.#abort = undefined;
    this.status = 0;
    this.#location = undefined;
    if (this.#settings.track) {
      this.#headers = [];
      this.#chunks = [];
      this.#bytes = 0;
      this.#cut = false;
    }
    try {
      this.#client.dispatch(this.#options, this);
    } catch (error) {
      this.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
  }

  onHeaders(status: number, rawHeaders: Buffer[], _resume: () => void, reason: string): boolean {
    if (status < 200) return true;
    this.status = status;
    const wantsLocation = this.#redirectsLeft > 0 && status >= 301 && status <= 308;
    if (this.#settings.track || wantsLocation) {
      const headers = rawHeaders.map((field) => field.toString("latin1"));
      if (wantsLocation) this.#location = headerValue(headers, "location");
      this.#headers = headers;
      this.#reason = reason;
    }
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#settings.track && !this.#cut) {
      this.#cut = this.#bytes + chunk.length > RESPONSE_BYTES_MAX;
      if (!this.#cut) {
        this.#chunks.push(chunk);
        this.#bytes += chunk.length;
      }
    }
    return true;
  }

  onComplete(_trailers: string[] | null): void {
    if (this.#location !== undefined && this.#follow(this.#location)) return;
    this.#settle("ok", "");
  }

  onError(error: Error): void {
    // undici may report after we gave up; a settled message must not be settled again.
    if (this.message === undefined) return;
    const reason = failureReason(error);
    if (this.#mayRetry && reason === "reset" && this.status === 0) {
      this.#mayRetry = false;
      this.#dispatch();
      return;
    }
    this.#settle("failed", reason);
  }

  onUpgrade(_status: number, _headers: Buffer[] | string[] | IncomingHttpHeaders | null): void {
    // Never asked for: Upgrade is not forwarded.
  }

  /** Follows a redirect on the target itself; anywhere else the redirect is the answer. */
  #follow(location: string): boolean {
    const { origin } = this.#settings.target;
    const options = this.#options;
    if (!URL.canParse(location, `${origin}${options.path}`)) return false;
    const next = new URL(location, `${origin}${options.path}`);
    if (next.origin !== origin) return false;
    this.#redirectsLeft -= 1;
    options.path = `${next.pathname}${next.search}`;
    // RFC 9110 15.4: 307 and 308 keep method and body, the others become GET, as browsers and gor do.
    if (this.status !== 307 && this.status !== 308 && options.method !== "HEAD") {
      options.method = "GET";
      options.body = null;
      if (Array.isArray(options.headers)) options.headers = withoutContent(options.headers);
    }
    this.#dispatch();
    return true;
  }

  #settle(outcome: Outcome, reason: string): void {
    this.#events.settled(this, outcome, reason);
  }

  /** The replayed response, or the one that stands for a failure; to be asked before the next `send`. */
  replayed(outcome: Outcome, reason: string): Message | undefined {
    const request = this.message;
    if (request === undefined || outcome === "skipped") return undefined;
    const failed = outcome === "failed";
    const head = failed
      ? failureHead(reason)
      : { version: "HTTP/1.1", status: this.status, reason: this.#reason, headers: this.#headers };
    const body = failed ? NO_BYTES : Buffer.concat(this.#chunks);
    return {
      kind: MessageKind.replayed,
      id: request.id,
      startedAt: this.#startedUs,
      latencyNs: Math.round((this.#events.nowMs() - this.startedMs) * 1e6),
      http: HttpMessage.fromParts(head, body),
      context: {
        ...request.context,
        bodyState: this.#cut ? BodyState.truncated : undefined,
        failure: failed ? reason : undefined,
      },
    };
  }
}

function failureHead(reason: string): {
  version: string;
  status: number;
  reason: string;
  headers: string[];
} {
  const headers = ["X-Mirrorball-Error", reason, "Content-Length", "0"];
  return { version: "HTTP/1.1", status: failureStatus(reason), reason: "Replay Failed", headers };
}

/** Fields that describe a body go with it. */
function withoutContent(headers: readonly unknown[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = String(headers[i]);
    if (!name.toLowerCase().startsWith("content-")) kept.push(name, String(headers[i + 1]));
  }
  return kept;
}
