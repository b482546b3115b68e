/**
 * `--input-tcp ADDRESS`: takes what SDKs and other mirrorball servers send over the acknowledged protocol, and gor's text stream.
 *
 * In: sockets. Out: batches of messages into the pipeline. A peer that speaks anything else is closed within a
 * second, counted and logged in one line; the others do not notice.
 */
import type { Server, Socket } from "node:net";
import {
  CREDIT_WINDOW_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  errorFrame,
  printable,
} from "@mirrorball/protocol";
import type { Fault, Message } from "@mirrorball/protocol";
import { checkAddress, parseAddress, placeOf } from "../component/net/address.ts";
import { defineInput } from "../component/define.ts";
import { WAITING_BYTES } from "../core/memory/process-memory.ts";
import type { InputDeclaration } from "../component/define.ts";
import { flag, integer, size, text, token } from "../component/kinds.ts";
import type { OptionSpec } from "../component/option.ts";
import type { Input, InputContext, InputStats } from "../component/types.ts";
import { CreditPool } from "../core/credit/credit-pool.ts";
import { ReplayFilter } from "../core/http/replayed/replay-filter.ts";
import { connectionLimit, descriptorLimit, limitWords } from "../files/descriptors.ts";
import { Connection } from "./tcp/connection.ts";
import type { ProofRules } from "./tcp/connection.ts";
import { GorConnection } from "./tcp/gor-connection.ts";
import type { FrameEvents, Peer } from "./tcp/peer.ts";
import { Silent, startsLikeRecord } from "./tcp/silent.ts";
import { listen } from "./listener.ts";
import { Door, isLoopback } from "./tcp/door.ts";
import type { DoorOptions } from "./tcp/door.ts";
import { joinedStats, replayStats, staleLengthStats } from "./replay-stats.ts";
import { Producers } from "./tcp/producers.ts";
import type { Producer } from "./tcp/producers.ts";
import { Refusals } from "./tcp/refusals.ts";

/** Milliseconds between looks at handshakes, heartbeats and absent producers. */
const TICK_MS = 200;
/** Sockets that may be open without a word: a gor opens ten ahead of its traffic, and there may be many gors. */
const SILENT_MAX = 1024;
const SILENT_FAULT: Fault = { code: "silent", message: "too many connections say nothing" };
/** Of a producer's name in hexadecimal, as much as tells two apart. */
const KEY_CHARS_SHOWN = 12;
const CONNECTIONS_DEFAULT = 1024;
/** The largest window, unasked, for 32 connections; more of them share. */
const IN_FLIGHT_BYTES_DEFAULT = 2 * 32 * CREDIT_WINDOW_BYTES;
/** Each half of the budget must hold the largest frame. */
const IN_FLIGHT_BYTES_MIN = 2 * (FRAME_PAYLOAD_BYTES_MAX + FRAME_HEADER_BYTES);

const options: {
  secure: OptionSpec<boolean>;
  certificate: OptionSpec<string>;
  certificateKey: OptionSpec<string>;
  clientCa: OptionSpec<string>;
  token: OptionSpec<string>;
  tokenUnbound: OptionSpec<boolean>;
  connections: OptionSpec<number>;
  connectionsPerAddress: OptionSpec<number>;
  inFlightBytes: OptionSpec<number>;
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
  clientCa: text({
    help: "PEM file with the authorities whose client certificates are accepted; without one nobody comes in. SIGHUP reads all certificates again.",
    example: "/etc/mirrorball/clients.pem",
    placeholder: "FILE",
    default: "",
  }),
  token: token({
    help: "Shared secret of at least 16 characters that producers must prove by HMAC, and then we to them; it is never sent. Use it with TLS, to which the proof is bound. A gor cannot prove it and is refused.",
    example: "correct-horse-battery-staple",
  }),
  tokenUnbound: flag({
    help: "Take proofs of the token that are not bound to the TLS channel: a proxy in front of this ends TLS.",
    default: false,
  }),
  connections: integer({
    help: "Connections that may be open at once; more are refused and counted.",
    example: "100",
    default: CONNECTIONS_DEFAULT,
    min: 1,
    max: 100_000,
  }),
  connectionsPerAddress: integer({
    help: "Connections that one address may have open at once.",
    example: "10",
    default: CONNECTIONS_DEFAULT,
    min: 1,
    max: 100_000,
  }),
  inFlightBytes: size({
    flag: "input-tcp-in-flight",
    help: "Bytes that all producers together may have under way, received and not acknowledged or about to be sent; one alone at most 4 MiB. When it is short, they take turns. Never more than an eighth of what V8's heap may hold, from 16 to 256 MiB.",
    example: "64mb",
    default: IN_FLIGHT_BYTES_DEFAULT,
    min: IN_FLIGHT_BYTES_MIN,
  }),
};

export const inputTcp: InputDeclaration<typeof options> = defineInput({
  name: "input-tcp",
  firstPage: "take what services with the SDK send",
  summary:
    "Receive traffic from SDKs, other mirrorball servers and gors; the first bytes tell who speaks.",
  argument: {
    placeholder: "ADDRESS",
    example: ":28020",
    parse: checkAddress,
  },
  takesFrom: placeOf,
  options,
  create: (context, argument, values) => new TcpInput(context, argument, values),
});

interface TcpInputOptions extends DoorOptions {
  readonly token: string;
  readonly tokenUnbound: boolean;
  readonly inFlightBytes: number;
}

class TcpInput implements Input {
  readonly #context: InputContext;
  readonly #address: string;
  readonly #options: TcpInputOptions;
  readonly #producers: Producers;
  readonly #credit: CreditPool;
  readonly #peers: Set<Peer> = new Set();
  /** Those of them that have said nothing yet, oldest first. */
  readonly #silent: Set<Silent> = new Set();
  /** Shared by gor streams: replays that are left out, and lengths that were not right. */
  readonly #gor = { replays: new ReplayFilter(), stale: { count: 0 } };
  #server: Server | undefined;
  #door: Door | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #refusals: Refusals;

  constructor(context: InputContext, address: string, values: TcpInputOptions) {
    this.#context = context;
    this.#address = address;
    this.#options = values;
    this.#refusals = new Refusals((line) => context.log.warn(line));
    this.#producers = new Producers(
      (reason, count) => context.dropped(reason, count),
      (producer, count) => this.#unaccounted(producer, count),
    );
    this.#credit = new CreditPool({
      // What was granted may come, and then waits: no more than this process may hold.
      totalBytes: Math.max(IN_FLIGHT_BYTES_MIN, Math.min(values.inFlightBytes, WAITING_BYTES / 2)),
      holderBytesMax: CREDIT_WINDOW_BYTES,
    });
  }

  async start(): Promise<void> {
    const address = parseAddress(this.#address);
    if (address === undefined) throw new Error(`${this.#address} is not an address`);
    const rules = {
      token: this.#options.token === "" ? undefined : this.#options.token,
      unbound: this.#options.tokenUnbound,
    };
    const door = new Door(
      { ...this.#options, connections: this.#connectionsMax() },
      {
        admitted: (socket) => this.#admit(socket, rules),
        refused: (fault, peer) => this.#refused("closed", fault, peer),
        lastWords: errorFrame,
      },
    );
    this.#door = door;
    this.#server = await listen(
      address,
      undefined,
      (socket) => door.accept(socket),
      () => {},
      (place) =>
        this.#context.log.warn(`listening on ${place}${this.#options.secure ? ", TLS" : ""}`),
    );
    if (address.path === undefined && !isLoopback(address.host) && this.#open) {
      this.#context.log.warn(
        "other machines can reach this and nobody has to prove anything; see --input-tcp-token and --input-tcp-client-ca",
      );
    }
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #connectionsMax(): number {
    const { connections } = this.#options;
    const descriptors = descriptorLimit();
    const most = connectionLimit(connections, descriptors);
    if (most < connections) {
      this.#context.log.warn(
        `${most} connections at most instead of ${connections}: ${limitWords(descriptors)}`,
      );
    }
    return most;
  }

  /** Undefined without certificates: there is nothing to read again. */
  get reload(): (() => void) | undefined {
    const door = this.#door;
    if (door === undefined || !this.#options.secure) return undefined;
    return () => {
      try {
        door.reload();
        this.#context.log.warn("certificates were read again; new connections use them");
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#context.log.warn(`certificates stay as they were: ${reason}`);
      }
    };
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) {
      // There was time enough, and what still waits for the disk is sent again to whoever comes after us.
      for (const peer of this.#peers) peer.giveUp?.();
      return;
    }
    this.#server = undefined;
    this.#door?.close();
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await Promise.all([...this.#peers].map((peer) => peer.finish()));
    this.#door?.end();
    await closed;
    clearInterval(this.#timer);
    const messages: Message[] = [];
    this.#producers.endAll(messages);
    if (messages.length > 0) await this.#context.emit(messages);
  }

  stats(): InputStats {
    const { replays, stale } = this.#gor;
    return joinedStats(replayStats(replays.leftOut), staleLengthStats(stale.count));
  }

  /** Neither a token nor a certificate is asked for. */
  get #open(): boolean {
    return this.#options.token === "" && this.#options.clientCa === "";
  }

  #admit(socket: Socket, rules: ProofRules): void {
    const { token } = rules;
    const events: FrameEvents = {
      closed: (peer, fault, speech) => this.#closed(peer, fault, speech),
      refused: (peer, fault) => this.#refused("refused of", fault, peer.peer),
    };
    const silent = new Silent(socket, this.#context.clock.monotonicMs(), token === undefined, {
      ...events,
      spoke: (quiet, chunk) => {
        this.#peers.delete(quiet);
        this.#silent.delete(silent);
        const speaker =
          token === undefined && startsLikeRecord(chunk)
            ? new GorConnection(socket, this.#context, this.#gor, events)
            : new Connection(socket, this.#context, this.#producers, rules, events, this.#credit);
        this.#peers.add(speaker);
        speaker.receive(chunk);
      },
    });
    this.#peers.add(silent);
    this.#silent.add(silent);
    const [oldest] = this.#silent;
    if (this.#silent.size > SILENT_MAX) oldest?.close(SILENT_FAULT);
  }

  #tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const peer of this.#peers) peer.tick(nowMs);
    const messages: Message[] = [];
    this.#producers.sweep(nowMs, messages);
    if (messages.length > 0) void this.#context.emit(messages);
  }

  #closed(peer: Peer, fault: Fault | undefined, speech: string): void {
    this.#peers.delete(peer);
    if (peer instanceof Silent) this.#silent.delete(peer);
    if (fault === undefined) return;
    const looks = speech === "" ? "" : `; what it sent looks like ${speech}`;
    this.#refused("closed", fault, peer.peer, looks);
  }

  #refused(what: string, fault: Fault, peer: string, detail = ""): void {
    this.#context.refused(fault.code);
    this.#refusals.note(what, peer, fault, detail, this.#context.clock.monotonicMs());
  }

  #unaccounted({ service, key }: Producer, count: number): void {
    this.#context.dropped("unaccounted", count);
    const name = `${printable(service)} (${key.slice(0, KEY_CHARS_SHOWN)})`;
    const exchanges = count === 1 ? "1 exchange" : `${count} exchanges`;
    this.#context.log.warn(
      `${exchanges} of producer ${name} unaccounted for: it ended without a goodbye`,
    );
  }
}
