/**
 * Live capture of the interfaces that an address means: opens them, takes up new ones and gives up vanished ones every
 * second, keeps the drop counts, and warns once when packets are lost.
 */
import { networkInterfaces } from "node:os";
import type { Clock, Logger } from "../../../component/types.ts";
import type { PacketSink } from "../../../core/packet/types.ts";
import { EngineError } from "../engine.ts";
import type { LiveOptions, LiveSource, OpenLive, SourceDrops } from "../engine.ts";
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
  /** It has ended by itself. */
  isGone: boolean;
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
  /** Why the last look at the machine's interfaces failed, or "". */
  #trouble = "";

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
    if (this.#sources.size > 0) {
      this.#hooks.log.warn(`capturing on ${[...this.#sources.keys()].join(", ")}`);
    }
    if (wanted.length === 0) this.#hooks.log.warn(`waiting for an interface named ${host}`);
    this.#timer = setInterval(() => this.#tick(), WATCH_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#watching;
    await Promise.all([...this.#sources].map(([name, open]) => this.#close(name, open)));
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
    this.#watching ??= this.#watch().finally(() => (this.#watching = undefined));
    const { kernel, interface: byInterface, overload } = this.drops();
    if (this.#warned || kernel + byInterface + overload === 0) return;
    this.#warned = true;
    this.#hooks.log.warn(
      `packets are being dropped (kernel ${kernel}, interface ${byInterface}, overload ${overload}); a larger --input-raw-buffer-size or a narrower address may help`,
    );
  }

  async #watch(): Promise<void> {
    try {
      await this.#follow();
      this.#trouble = "";
    } catch (error) {
      const words = wordsOf(error);
      if (words === this.#trouble) return;
      this.#trouble = words;
      this.#hooks.log.warn(`interfaces that come or go are not seen for now: ${words}`);
    }
  }

  async #follow(): Promise<void> {
    const wanted = this.#wanted();
    for (const [name, open] of this.#sources) {
      const now = wanted.find((candidate) => candidate.name === name);
      if (now === undefined || open.isGone) await this.#close(name, open);
      else if (this.#filterOf(now) !== open.filter)
        await this.#renew(name, open, this.#filterOf(now));
    }
    for (const name of this.#refused.keys()) {
      if (!wanted.some((candidate) => candidate.name === name)) this.#refused.delete(name);
    }
    for (const failure of await this.#openAll(wanted)) {
      this.#hooks.log.warn(failure.message + this.#becauseDropped);
    }
  }

  /**
   * Replaces a capture by one with another filter. The new one is open before the old one is closed and begins behind
   * it: no packet is missed, and those that both have are repetitions to TCP. When it cannot be opened the old one stays:
   * old addresses are better than none.
   */
  async #renew(name: string, old: Open, filter: string): Promise<void> {
    if (this.#refused.get(name) === filter) return;
    try {
      const renewed = await this.#openOne(name, filter);
      await this.#close(name, old);
      if (!renewed.isGone) this.#begin(name, renewed);
    } catch (error) {
      this.#refused.set(name, filter);
      this.#hooks.log.warn(
        `${name} has other addresses now, and its capture goes on with the old ones: ${wordsOf(error)}${this.#becauseDropped}`,
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
        this.#begin(name, await this.#openOne(name, filter));
      } catch (error) {
        this.#refused.set(name, filter);
        failures.push(error instanceof Error ? error : new EngineError(String(error)));
      }
    }
    return failures;
  }

  async #openOne(name: string, filter: string): Promise<Open> {
    const { sink, burst, clock, log } = this.#hooks;
    let gone: () => void = () => {};
    const source = await this.#open(
      { ...this.#settings.source, interfaceName: name, filter },
      {
        sink,
        burst,
        nowUs: () => clock.nowUs(),
        gone: (reason) => {
          log.warn(`${name}: ${reason}`);
          gone();
        },
      },
    );
    const open: Open = { filter, source, isGone: false };
    gone = () => {
      open.isGone = true;
      void this.#close(name, open);
    };
    return open;
  }

  #begin(name: string, open: Open): void {
    this.#sources.set(name, open);
    open.source.begin();
    this.#hooks.log.debug(1, `capturing on ${name}: ${open.filter}`);
  }

  async #close(name: string, open: Open): Promise<void> {
    try {
      await open.source.close();
    } catch (error) {
      this.#hooks.log.warn(`${name}: ${wordsOf(error)}`);
    }
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

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
