/** What `--input-http` is when it runs: an HTTP server that takes copies and says what became of each. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { HEAD_BYTES_MAX, HttpMessage, MessageKind, REPLAY_FIELD } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { ADDRESS_RULE, parseAddress } from "../../component/net/address.ts";
import { WAITING_BYTES, processMemory, scaledBytes } from "../../core/memory/process-memory.ts";
import type { Input, InputContext, InputStats } from "../../component/types.ts";
import { PartialBody } from "../../core/assemble/partial-body.ts";
import { connectionLimit, descriptorLimit, limitWords } from "../../files/descriptors.ts";
import { Intake } from "./intake.ts";
import { bind } from "../listener.ts";
import { MessageIds } from "../message-ids.ts";
import { replayStats } from "../replay-stats.ts";

export function create(
  context: InputContext,
  argument: string,
  { bodyLimitBytes }: { readonly bodyLimitBytes: number },
): Input {
  return new HttpInput(context, argument, bodyLimitBytes);
}

/** Milliseconds a kept connection may be silent: longer than the pools of usual clients keep theirs, so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** Bytes of a head that are taken however little memory there is. Nobody can be made to hold more heads than fit it. */
const HEAD_BYTES_MIN = 64 * 1024;

/** Milliseconds in which a head must be whole: programs send it in one go. */
const HEAD_MS_MAX = 10_000;

/** Bytes of a refused upload that are read all the same, so that its client gets to see the answer. */
const DISCARDED_BYTES_MAX = 256 * 1024 * 1024;

/** Milliseconds that answers under way have when the server stops. */
const GRACE_MS = 1000;

const BAD_REQUEST = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

const MARK = REPLAY_FIELD.toLowerCase();

interface Refused {
  readonly status: number;
  readonly reason: string;
}

const TOO_LARGE: Refused = { status: 413, reason: "body-too-large" };

const BUSY: Refused = { status: 503, reason: "busy" };

class HttpInput implements Input {
  readonly #context: InputContext;
  readonly #address: string;
  readonly #bodyBytesMax: number;
  readonly #ids: MessageIds = new MessageIds();
  readonly #intake: Intake;
  readonly #server: Server;
  #replays = 0;
  /** Requests that were answered with an error instead of being taken. */
  #refusedCopies = 0;
  #stopping = false;
  #stopped: Promise<void> | undefined;

  constructor(context: InputContext, address: string, bodyBytesMax: number) {
    this.#context = context;
    this.#address = address;
    this.#bodyBytesMax = bodyBytesMax;
    this.#intake = new Intake(context);
    const take = (req: IncomingMessage, res: ServerResponse): void => this.#read(req, res);
    this.#server = createServer(
      // Copies are judged by who replays them, not here.
      {
        requireHostHeader: false,
        maxHeaderSize: Math.max(
          HEAD_BYTES_MIN,
          Math.min(HEAD_BYTES_MAX, scaledBytes(HEAD_BYTES_MAX)),
        ),
        keepAliveTimeout: KEEP_ALIVE_MS,
        headersTimeout: HEAD_MS_MAX,
      },
      take,
    );
    this.#server.on("checkExpectation", take);
    // A tunnel is no copy of a request, and Node would close it without a word.
    this.#server.on("connect", (_req, socket) => {
      this.#context.refused("connect-method");
      socket.end(BAD_REQUEST);
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      this.#malformed(error, socket);
    });
  }

  async start(): Promise<void> {
    const address = parseAddress(this.#address);
    if (address === undefined) throw new Error(`${this.#address} ${ADDRESS_RULE}`);
    this.#boundConnections();
    await bind(this.#server, address, (place) => this.#context.log.warn(`listening on ${place}`));
    this.#intake.start();
  }

  #boundConnections(): void {
    const descriptors = descriptorLimit();
    const most = connectionLimit(Math.floor(WAITING_BYTES / HEAD_BYTES_MIN), descriptors);
    if (most === Number.POSITIVE_INFINITY) return;
    this.#server.maxConnections = most;
    let isTold = false;
    this.#server.on("drop", () => {
      this.#context.refused("connections");
      if (isTold) return;
      isTold = true;
      this.#context.log.warn(
        `${most} connections are open already, more are refused: ${limitWords(descriptors)}`,
      );
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  stats(): InputStats {
    const refused = { "copies refused": this.#refusedCopies };
    return { ...replayStats(this.#replays), missing: refused };
  }

  async #stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#stopping = true;
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    await this.#intake.finish();
    this.#server.closeIdleConnections();
    // Answers under way get out; what is still being uploaded was not taken, and its client sees that.
    const cut = setTimeout(() => this.#server.closeAllConnections(), GRACE_MS);
    await closed;
    clearTimeout(cut);
  }

  #read(req: IncomingMessage, res: ServerResponse): void {
    const startedAt = this.#context.clock.nowUs();
    const body = new PartialBody(processMemory.account(), this.#bodyBytesMax);
    let discardedBytes = 0;
    let refusal: Refused | undefined;
    req.on("data", (chunk: Buffer) => {
      if (refusal === undefined) {
        const tooLarge = body.exceededBy(chunk.length);
        body.push(chunk);
        if (!body.cut) return;
        body.release();
        refusal = tooLarge ? TOO_LARGE : BUSY;
      }
      // An answer in the middle of an upload would reach few clients: the rest is read, not kept.
      discardedBytes += chunk.length;
      if (discardedBytes > DISCARDED_BYTES_MAX) req.destroy();
    });
    req.on("end", () => {
      if (refusal === undefined) this.#offer(req, res, startedAt, body.take());
      else this.#refuse(res, refusal);
    });
    req.on("close", () => {
      if (req.complete) return;
      body.release();
      this.#context.refused(refusal?.reason ?? "aborted-upload");
    });
    // Told by "close" as well.
    req.on("error", () => {});
  }

  #offer(req: IncomingMessage, res: ServerResponse, startedAt: number, body: Uint8Array): void {
    if (this.#context.loopGuard && req.headers[MARK] !== undefined) {
      this.#replays += 1;
      this.#answer(res, "OK\n");
      return;
    }
    this.#intake.offer({
      message: this.#message(req, startedAt, body),
      answer: (fate) => {
        if (fate === "busy") this.#refuse(res, BUSY);
        else this.#answer(res, "OK\n");
      },
    });
  }

  #message(req: IncomingMessage, startedAt: number, body: Uint8Array): Message {
    const head = {
      method: req.method ?? "GET",
      target: req.url ?? "/",
      version: `HTTP/${req.httpVersion}`,
      headers: req.rawHeaders,
    };
    return {
      kind: MessageKind.request,
      id: this.#ids.next(),
      startedAt,
      // gor's "not measured".
      latencyNs: -1,
      http: HttpMessage.fromParts(head, body, req.rawTrailers),
    };
  }

  /** The copy was not taken, its client is told. */
  #refuse(res: ServerResponse, { status, reason }: Refused): void {
    this.#context.refused(reason);
    this.#refusedCopies += 1;
    res.statusCode = status;
    if (status === BUSY.status) res.setHeader("Retry-After", "1");
    this.#answer(res, `${reason}\n`);
  }

  #answer(res: ServerResponse, text: string): void {
    if (this.#stopping) res.setHeader("Connection", "close");
    res.end(text);
  }

  #malformed(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === "HPE_INVALID_EOF_STATE" || error.code === "ECONNRESET" || !socket.writable) {
      // It went away in the middle of a request; one whose head was here is counted where its body is read.
      socket.destroy();
      return;
    }
    this.#context.refused("malformed");
    this.#context.log.debug(1, `refused what is not HTTP: ${error.message}`);
    socket.end(BAD_REQUEST);
  }
}
