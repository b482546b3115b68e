/**
 * `--input-tcp ADDRESS`: takes what SDKs and other mirrorball servers send over the acknowledged protocol.
 *
 * In: sockets. Out: batches of messages into the pipeline. A peer that speaks anything else is closed within a
 * second, counted and logged in one line; the others do not notice.
 */
import { readFileSync } from "node:fs";
import type { Server } from "node:net";
import type { Fault, Message } from "@mirrorball/protocol";
import { ADDRESS_RULE, parseAddress } from "../component/address.ts";
import { defineInput } from "../component/define.ts";
import type { InputDeclaration } from "../component/define.ts";
import { flag, text } from "../component/kinds.ts";
import { Refusal } from "../component/option.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Input, InputContext } from "../component/types.ts";
import { Connection } from "./tcp/connection.ts";
import { listen } from "./listener.ts";
import type { TlsFiles } from "./listener.ts";
import { Producers } from "./tcp/producers.ts";

/** Milliseconds between looks at handshakes, heartbeats and absent producers. */
const TICK_MS = 200;
/** Milliseconds between two log lines about refused peers: a port scan must not flood the log. */
const REFUSAL_LOG_MS = 1000;

const options: {
  secure: OptionSpec<boolean>;
  certificate: OptionSpec<string>;
  certificateKey: OptionSpec<string>;
  token: OptionSpec<string>;
} = {
  secure: flag({
    help: "Accept TLS connections only; needs a certificate and its key.",
    default: false,
  }),
  certificate: text({
    help: "PEM file with the certificate to present.",
    example: "/etc/mirrorball/cert.pem",
    placeholder: "FILE",
    default: "",
  }),
  certificateKey: text({
    help: "PEM file with the certificate's private key.",
    example: "/etc/mirrorball/key.pem",
    placeholder: "FILE",
    default: "",
  }),
  token: text({
    help: "Shared secret that producers must prove by HMAC; it is never sent.",
    example: "s3cret",
    placeholder: "SECRET",
    default: "",
  }),
};

export const inputTcp: InputDeclaration<typeof options> = defineInput({
  name: "input-tcp",
  summary: "Receive traffic from SDKs and other mirrorball servers.",
  argument: {
    placeholder: "ADDRESS",
    example: ":28020",
    parse: (raw) => (parseAddress(raw) === undefined ? new Refusal(ADDRESS_RULE) : raw),
  },
  options,
  create: (context, argument, values) => new TcpInput(context, argument, values),
});

interface TcpInputOptions {
  readonly secure: boolean;
  readonly certificate: string;
  readonly certificateKey: string;
  readonly token: string;
}

class TcpInput implements Input {
  readonly #context: InputContext;
  readonly #address: string;
  readonly #options: TcpInputOptions;
  readonly #producers: Producers;
  readonly #connections: Set<Connection> = new Set();
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refusalLoggedAtMs = -REFUSAL_LOG_MS;
  #refusalsUnlogged = 0;

  constructor(context: InputContext, address: string, values: TcpInputOptions) {
    this.#context = context;
    this.#address = address;
    this.#options = values;
    this.#producers = new Producers((reason, count) => context.dropped(reason, count));
  }

  async start(): Promise<void> {
    const address = parseAddress(this.#address);
    if (address === undefined) throw new Error(`${this.#address} is not an address`);
    const token = this.#options.token === "" ? undefined : this.#options.token;
    this.#server = await listen(
      address,
      readTls(this.#options),
      (socket) => {
        const connection = new Connection(socket, this.#context, this.#producers, token, {
          closed: (closed, fault, firstBytes) => this.#closed(closed, fault, firstBytes),
        });
        this.#connections.add(connection);
      },
      (error) => this.#refused({ code: "tls", message: error.message }, "a client", ""),
    );
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    const bound = this.#server.address();
    if (bound !== null && typeof bound === "object") {
      this.#context.log.debug(1, `listening on ${bound.address}:${bound.port}`);
    }
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    clearInterval(this.#timer);
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await Promise.all([...this.#connections].map((connection) => connection.finish()));
    await closed;
    const messages: Message[] = [];
    this.#producers.endAll(messages);
    if (messages.length > 0) await this.#context.emit(messages);
  }

  #tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const connection of this.#connections) connection.tick(nowMs);
    const messages: Message[] = [];
    this.#producers.sweep(nowMs, messages);
    if (messages.length > 0) void this.#context.emit(messages);
  }

  #closed(connection: Connection, fault: Fault | undefined, firstBytes: string): void {
    this.#connections.delete(connection);
    if (fault !== undefined) this.#refused(fault, connection.peer, firstBytes);
  }

  #refused(fault: Fault, peer: string, firstBytes: string): void {
    this.#context.refused(fault.code);
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#refusalLoggedAtMs < REFUSAL_LOG_MS) {
      this.#refusalsUnlogged += 1;
      return;
    }
    const more = this.#refusalsUnlogged === 0 ? "" : ` (and ${this.#refusalsUnlogged} more before)`;
    this.#refusalLoggedAtMs = nowMs;
    this.#refusalsUnlogged = 0;
    const began = firstBytes === "" ? "" : `; it began with ${JSON.stringify(firstBytes)}`;
    this.#context.log.warn(`closed ${peer}: ${fault.message}${began}${more}`);
  }
}

function readTls(values: TcpInputOptions): TlsFiles | undefined {
  if (!values.secure) return undefined;
  return {
    cert: readPem("--input-tcp-certificate", values.certificate),
    key: readPem("--input-tcp-certificate-key", values.certificateKey),
  };
}

function readPem(flagName: string, path: string): Buffer {
  if (path === "") throw new Error(`--input-tcp-secure needs ${flagName} FILE`);
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${flagName}: cannot read ${path}: ${reason}`, { cause: error });
  }
}
