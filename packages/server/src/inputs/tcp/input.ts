/** What `--input-tcp` is when it runs: who connects, what they may have under way, and whom it refuses. */
import type { Server, Socket } from "node:net";
import { CREDIT_WINDOW_BYTES, errorFrame, printable } from "@mirrorball/protocol";
import type { Fault } from "@mirrorball/protocol";
import { isLoopback, parseAddress } from "../../component/net/address.ts";
import { WAITING_BYTES } from "../../core/memory/process-memory.ts";
import type { FrameIntake, IntakeEvents, ProducerName } from "../../component/intake.ts";
import type { Input, InputContext, InputStats } from "../../component/types.ts";
import { CreditPool } from "../../core/credit/credit-pool.ts";
import { ReplayFilter } from "../../core/http/replayed/replay-filter.ts";
import { connectionLimit, descriptorLimit, limitWords } from "../../files/descriptors.ts";
import { Connection } from "./connection.ts";
import type { ConnectionShared, ProofRules } from "./connection.ts";
import { DirectIntake } from "./direct-intake.ts";
import { GorConnection } from "./gor-connection.ts";
import type { FrameEvents, Peer } from "./peer.ts";
import { UnidentifiedPeer, startsLikeRecord } from "./unidentified-peer.ts";
import { listen } from "../listener.ts";
import { AdmissionControl } from "./admission-control.ts";
import type { AdmissionOptions } from "./admission-control.ts";
import { joinedStats, replayStats, staleLengthStats } from "../replay-stats.ts";
import { Refusals } from "./refusals.ts";
import { IN_FLIGHT_BYTES_MIN } from "../tcp.ts";

export function create(context: InputContext, argument: string, values: TcpInputOptions): Input {
  return new TcpInput(context, argument, values);
}

/** Milliseconds between looks at handshakes, heartbeats and absent producers. */
const TICK_MS = 200;

/** Sockets that may be open without a word: a gor opens ten ahead of its traffic, and there may be many gors. */
const SILENT_MAX = 1024;

const SILENT_FAULT: Fault = { code: "silent", message: "too many connections say nothing" };

/** Of a producer's name in hexadecimal, as much as tells two apart. */
const KEY_CHARS_SHOWN = 12;

interface TcpInputOptions extends AdmissionOptions {
  readonly token: string;
  readonly tokenUnbound: boolean;
  readonly inFlightBytes: number;
}

class TcpInput implements Input {
  readonly #context: InputContext;
  readonly #address: string;
  readonly #options: TcpInputOptions;
  readonly #intake: FrameIntake;
  readonly #credit: CreditPool;
  readonly #peers: Set<Peer> = new Set();
  /** Those of them that have said nothing yet, oldest first. */
  readonly #silent: Set<UnidentifiedPeer> = new Set();
  /** Shared by gor streams: replays that are left out, and lengths that were not right. */
  readonly #gor = { replays: new ReplayFilter(), stale: { count: 0 } };
  #server: Server | undefined;
  #admission: AdmissionControl | undefined;
  #stopped: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #refusals: Refusals;

  constructor(context: InputContext, address: string, values: TcpInputOptions) {
    this.#context = context;
    this.#address = address;
    this.#options = values;
    this.#refusals = new Refusals((line) => context.log.warn(line));
    const events: IntakeEvents = {
      unaccounted: (producer, count) => this.#unaccounted(producer, count),
    };
    this.#intake = context.journal?.intake(events) ?? new DirectIntake(context, events);
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
    const admission = new AdmissionControl(
      { ...this.#options, connections: this.#connectionsMax() },
      {
        admitted: (socket) => this.#admit(socket, rules),
        refused: (fault, peer) => this.#refused("closed", fault, peer),
        rejectionFrame: errorFrame,
      },
    );
    this.#admission = admission;
    this.#server = await listen(
      address,
      undefined,
      (socket) => admission.accept(socket),
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
    const admission = this.#admission;
    if (admission === undefined || !this.#options.secure) return undefined;
    return () => {
      try {
        admission.reload();
        this.#context.log.warn("certificates were read again; new connections use them");
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#context.log.warn(`certificates stay as they were: ${reason}`);
      }
    };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** What still waits for the disk is sent again to whoever comes after us. */
  abort(): void {
    for (const peer of this.#peers) peer.abort?.();
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#admission?.close();
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await Promise.all([...this.#peers].map((peer) => peer.finish()));
    this.#admission?.end();
    await closed;
    clearInterval(this.#timer);
    await this.#intake.end();
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
    const shared: ConnectionShared = {
      context: this.#context,
      intake: this.#intake,
      rules,
      events,
      credit: this.#credit,
    };
    const silent = new UnidentifiedPeer(
      socket,
      this.#context.clock.monotonicMs(),
      token === undefined,
      {
        ...events,
        spoke: (quiet, chunk) => {
          this.#peers.delete(quiet);
          this.#silent.delete(silent);
          const speaker =
            token === undefined && startsLikeRecord(chunk)
              ? new GorConnection(socket, this.#context, this.#gor, events)
              : new Connection(socket, shared);
          this.#peers.add(speaker);
          speaker.receive(chunk);
        },
      },
    );
    this.#peers.add(silent);
    this.#silent.add(silent);
    const [oldest] = this.#silent;
    if (this.#silent.size > SILENT_MAX) oldest?.close(SILENT_FAULT);
  }

  #tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    for (const peer of this.#peers) peer.tick(nowMs);
    this.#intake.tick(nowMs);
  }

  #closed(peer: Peer, fault: Fault | undefined, speech: string): void {
    this.#peers.delete(peer);
    if (peer instanceof UnidentifiedPeer) this.#silent.delete(peer);
    if (fault === undefined) return;
    const looks = speech === "" ? "" : `; what it sent looks like ${speech}`;
    this.#refused("closed", fault, peer.peer, looks);
  }

  #refused(what: string, fault: Fault, peer: string, detail = ""): void {
    this.#context.refused(fault.code);
    this.#refusals.note(what, peer, fault, detail, this.#context.clock.monotonicMs());
  }

  #unaccounted({ service, key }: ProducerName, count: number): void {
    this.#context.dropped("unaccounted", count);
    const name = `${printable(service)} (${key.slice(0, KEY_CHARS_SHOWN)})`;
    const exchanges = count === 1 ? "1 exchange" : `${count} exchanges`;
    this.#context.log.warn(
      `${exchanges} of producer ${name} unaccounted for: it ended without a goodbye`,
    );
  }
}
