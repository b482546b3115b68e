/**
 * Live capture of the interfaces that an address means: opens them, takes up new ones and gives up vanished ones every
 * second, keeps the drop counts, and warns once when packets are lost.
 */
import { networkInterfaces } from "node:os";
import type { Clock, Logger } from "../../component/types.ts";
import type { PacketSink } from "../../core/packet/types.ts";
import { EngineError } from "./engine.ts";
import type { LiveOptions, LiveSource, OpenLive, SourceDrops } from "./engine.ts";
import { captureFilter } from "./filter.ts";
import type { FilterWish } from "./filter.ts";
import { capturedInterfaces, isPattern } from "./interfaces.ts";
import type { CapturedInterface, MachineInterfaces } from "./interfaces.ts";

/** Milliseconds between two looks at the machine's interfaces, as in gor. */
const WATCH_MS = 1000;

export interface LiveSettings {
  readonly host: string;
  readonly filter: Omit<FilterWish, "addresses">;
  /** Replaces the automatic filter; "" keeps it. */
  readonly customFilter: string;
  readonly ignoredInterfaces: readonly string[];
  readonly source: Omit<LiveOptions, "interfaceName" | "filter">;
}

export interface LiveHooks {
  readonly sink: PacketSink;
  readonly burst: () => void;
  /** Once a second. */
  readonly tick: () => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** The machine's interfaces; tests give others. */
  readonly machine?: () => MachineInterfaces;
}

interface Open {
  readonly filter: string;
  readonly source: LiveSource;
}

export class LiveCapture {
  readonly #open: OpenLive;
  readonly #settings: LiveSettings;
  readonly #hooks: LiveHooks;
  readonly #sources: Map<string, Open> = new Map();
  /** Interfaces that could not be opened, with the filter: one try and one line each. */
  readonly #refused: Map<string, string> = new Map();
  #closedDrops: SourceDrops = { kernel: 0, interface: 0, overload: 0 };
  #timer: NodeJS.Timeout | undefined;
  #watching: Promise<void> | undefined;
  #warned = false;

  constructor(openLive: OpenLive, settings: LiveSettings, hooks: LiveHooks) {
    this.#open = openLive;
    this.#settings = settings;
    this.#hooks = hooks;
  }

  async start(): Promise<void> {
    const { host } = this.#settings;
    const wanted = this.#wanted();
    if (wanted.length === 0 && !isPattern(host)) {
      const names = Object.keys(this.#machine()).join(", ");
      throw new EngineError(
        `no interface that is up has the name or address ${host}; there are ${names}`,
      );
    }
    const { becomes } = this.#settings.source;
    if (becomes !== undefined && isPattern(host)) {
      if (wanted.length === 0) {
        throw new EngineError(
          `no interface that is up is named ${host}, and as ${becomes} none could be opened later; leave --drop-privileges out`,
        );
      }
      this.#hooks.log.warn(
        `interfaces that appear later are not captured: as ${becomes} this process may not open them`,
      );
    }
    const failures = await this.#openAll(wanted);
    if (failures.length > 0 && this.#sources.size === 0) throw failures[0] ?? new EngineError("");
    for (const failure of failures) this.#hooks.log.warn(failure.message);
    if (wanted.length === 0) this.#hooks.log.warn(`waiting for an interface named ${host}`);
    this.#timer = setInterval(() => this.#tick(), WATCH_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#watching;
    await Promise.all([...this.#sources.keys()].map((name) => this.#close(name)));
  }

  drops(): SourceDrops {
    let { kernel, interface: byInterface, overload } = this.#closedDrops;
    for (const { source } of this.#sources.values()) {
      const drops = source.drops();
      kernel += drops.kernel;
      byInterface += drops.interface;
      overload += drops.overload;
    }
    return { kernel, interface: byInterface, overload };
  }

  #tick(): void {
    this.#hooks.tick();
    this.#watching ??= this.#watch();
    const { kernel, interface: byInterface, overload } = this.drops();
    if (this.#warned || kernel + byInterface + overload === 0) return;
    this.#warned = true;
    this.#hooks.log.warn(
      `packets are being dropped (kernel ${kernel}, interface ${byInterface}, overload ${overload}); a larger --input-raw-buffer-size or a narrower address may help`,
    );
  }

  async #watch(): Promise<void> {
    const wanted = this.#wanted();
    for (const [name, { filter }] of this.#sources) {
      const now = wanted.find((candidate) => candidate.name === name);
      if (now === undefined) await this.#close(name);
      else if (this.#filterOf(now) !== filter) await this.#renew(name, this.#filterOf(now));
    }
    for (const name of this.#refused.keys()) {
      if (!wanted.some((candidate) => candidate.name === name)) this.#refused.delete(name);
    }
    for (const failure of await this.#openAll(wanted)) {
      this.#hooks.log.warn(failure.message + this.#becauseDropped);
    }
    this.#watching = undefined;
  }

  /** Closes what is opened again with another filter, if it can be: old addresses are better than no capture. */
  async #renew(name: string, filter: string): Promise<void> {
    const { becomes } = this.#settings.source;
    if (becomes === undefined) {
      await this.#close(name);
    } else if (this.#refused.get(name) !== filter) {
      this.#refused.set(name, filter);
      this.#hooks.log.warn(
        `${name} has other addresses now; its capture goes on with the old ones, because as ${becomes} this process may not open it again: restart`,
      );
    }
  }

  get #becauseDropped(): string {
    const { becomes } = this.#settings.source;
    return becomes === undefined
      ? ""
      : ` (this process became ${becomes} with --drop-privileges: restart to take it up)`;
  }

  #machine(): MachineInterfaces {
    return (this.#hooks.machine ?? networkInterfaces)();
  }

  #wanted(): CapturedInterface[] {
    const { host, ignoredInterfaces } = this.#settings;
    return capturedInterfaces(host, this.#machine(), ignoredInterfaces);
  }

  #filterOf({ addresses }: CapturedInterface): string {
    const { customFilter, filter, source } = this.#settings;
    if (customFilter !== "") return customFilter;
    // A promiscuous capture looks at the traffic of others.
    return captureFilter({ ...filter, addresses: source.promiscuous ? [] : addresses });
  }

  async #openAll(wanted: readonly CapturedInterface[]): Promise<Error[]> {
    const failures: Error[] = [];
    for (const candidate of wanted) {
      const { name } = candidate;
      const filter = this.#filterOf(candidate);
      if (this.#sources.has(name) || this.#refused.get(name) === filter) continue;
      try {
        const source = await this.#openOne(name, filter);
        this.#sources.set(name, { filter, source });
        this.#hooks.log.debug(1, `capturing on ${name}: ${filter}`);
      } catch (error) {
        this.#refused.set(name, filter);
        failures.push(error instanceof Error ? error : new EngineError(String(error)));
      }
    }
    return failures;
  }

  #openOne(name: string, filter: string): Promise<LiveSource> {
    const { sink, burst, clock, log } = this.#hooks;
    return this.#open(
      { ...this.#settings.source, interfaceName: name, filter },
      {
        sink,
        burst,
        nowUs: () => clock.nowUs(),
        gone: (reason) => {
          log.warn(`${name}: ${reason}`);
          void this.#close(name);
        },
      },
    );
  }

  async #close(name: string): Promise<void> {
    const open = this.#sources.get(name);
    if (open === undefined) return;
    await open.source.close();
    // It may have been closed for two reasons at once.
    if (this.#sources.get(name) !== open) return;
    this.#sources.delete(name);
    this.#hooks.log.debug(1, `no longer capturing on ${name}`);
    const { kernel, interface: byInterface, overload } = open.source.drops();
    const before = this.#closedDrops;
    this.#closedDrops = {
      kernel: before.kernel + kernel,
      interface: before.interface + byInterface,
      overload: before.overload + overload,
    };
  }
}
