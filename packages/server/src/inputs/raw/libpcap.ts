/**
 * libpcap in this process, through the package `pcap`, which is built when it is installed and may be missing.
 *
 * The package copies each packet into one buffer and calls one method; this reads both in place, so that a packet costs
 * no object. Its read loop ends only when the kernel has nothing more: under a load that we cannot follow it would
 * never let anything else run, so after a while packets are thrown away, counted, until it ends.
 */
import { createRequire } from "node:module";
import { EngineError, explain } from "./engine.ts";
import type { LiveEvents, LiveOptions, LiveSource, SourceDrops } from "./engine.ts";

/** What is used of the package; its own types bring those of an old Node. */
interface NativeSession {
  read_callback: () => void;
  dispatch(buffer: Buffer, header: Buffer): number;
  stats(): { readonly ps_recv: number; readonly ps_drop: number; readonly ps_ifdrop: number };
  close(): void;
}

interface PackageSession {
  readonly session: NativeSession;
  readonly buf: Buffer;
  readonly header: Buffer;
  readonly link_type: string;
  close(): void;
}

type SessionConstructor = new (
  isLive: boolean,
  device: string,
  filter: string,
  bufferBytes: number,
  snapLengthBytes: number,
  outputFile: undefined,
  isMonitor: boolean,
  bufferTimeoutMs: number,
  isPromiscuous: boolean,
) => PackageSession;

interface PcapPackage {
  readonly PcapSession: SessionConstructor;
  warningHandler: (message: string) => void;
}

/** Numbers of link types by the package's names; others it calls `Unknown linktype N`. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  LINKTYPE_NULL: 0,
  LINKTYPE_ETHERNET: 1,
  LINKTYPE_RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  LINKTYPE_IEEE802_11_RADIO: 127,
};

/** Milliseconds that one read loop may run before packets are thrown away: outputs must get their turn. */
const LOOP_MS_MAX = 200;
/** Packets between two looks at the clock. */
const CLOCK_PACKETS = 1024;
const NS_PER_US = 1000;
const US_PER_SECOND = 1_000_000;
/** Milliseconds beyond the buffer's time-out after which the kernel has handed on all it had. */
const CLOSE_MARGIN_MS = 20;

const MISSING =
  "the libpcap engine needs the package pcap, which is built when mirrorball is installed. Install what it is " +
  "built with (Debian: apt-get install libpcap-dev build-essential) and install again; " +
  "or use --input-raw-engine tcpdump, which needs no build";

export function loadPcap(): PcapPackage {
  try {
    return createRequire(import.meta.url)("pcap") as PcapPackage;
  } catch (error) {
    throw new EngineError(MISSING, { cause: error });
  }
}

export async function openLibpcap(options: LiveOptions, events: LiveEvents): Promise<LiveSource> {
  const { timestampType } = options;
  if (timestampType !== "" && timestampType !== "go" && timestampType !== "PCAP_TSTAMP_HOST") {
    throw new EngineError(
      `--input-raw-timestamp-type: must be PCAP_TSTAMP_HOST or go with the libpcap engine; got ${timestampType}; --input-raw-engine tcpdump knows the others`,
    );
  }
  const pcap = loadPcap();
  // It warns of interfaces without an IPv4 network, which does not matter to any filter of ours.
  pcap.warningHandler = () => {};
  try {
    return new LibpcapSource(pcap, options, events);
  } catch (error) {
    throw explain(error instanceof Error ? error.message : String(error), options);
  }
}

class LibpcapSource implements LiveSource {
  readonly #session: PackageSession;
  readonly #events: LiveEvents;
  readonly #bufferTimeoutMs: number;
  readonly #linkType: number;
  /** `--input-raw-timestamp-type go`: the time at which we read a packet. */
  readonly #usesOurTime: boolean;
  #header: Uint32Array = new Uint32Array(4);
  #drops: SourceDrops = { kernel: 0, interface: 0, overload: 0 };
  #overload = 0;
  #packets = 0;
  #loopStartedMs = 0;
  #overloaded = false;
  #closed = false;

  constructor(pcap: PcapPackage, options: LiveOptions, events: LiveEvents) {
    this.#events = events;
    this.#bufferTimeoutMs = options.bufferTimeoutMs;
    this.#usesOurTime = options.timestampType === "go";
    // The package calls this method of its session for each packet.
    const deliver = (buffer: Buffer): void => this.#read(buffer);
    class Session extends pcap.PcapSession {
      on_packet_ready(): void {
        deliver(this.buf);
      }
    }
    this.#session = new Session(
      true,
      options.interfaceName,
      options.filter,
      options.bufferBytes,
      options.snapLengthBytes,
      undefined,
      options.monitor,
      options.bufferTimeoutMs,
      options.promiscuous,
    );
    const { header, link_type: name, session } = this.#session;
    this.#header = new Uint32Array(header.buffer, header.byteOffset, 4);
    this.#linkType = LINK_TYPES[name] ?? Number(/\d+$/.exec(name)?.[0] ?? -1);
    session.read_callback = () => this.#readAll();
  }

  drops(): SourceDrops {
    if (this.#closed) return this.#drops;
    const { ps_drop: kernel, ps_ifdrop: byInterface } = this.#session.session.stats();
    this.#drops = { kernel, interface: byInterface, overload: this.#overload };
    return this.#drops;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // The kernel shows its last packets when the buffer's time is up.
    await new Promise((resolve) => {
      setTimeout(resolve, this.#bufferTimeoutMs + CLOSE_MARGIN_MS);
    });
    this.#readAll();
    this.#end();
  }

  /** Reads until the kernel has nothing more. */
  #readAll(): void {
    if (this.#closed) return;
    this.#loopStartedMs = performance.now();
    this.#overloaded = false;
    const { session, buf, header } = this.#session;
    const result = session.dispatch(buf, header);
    this.#events.burst();
    if (result !== -1) return;
    this.#end();
    this.#events.gone("the interface went away");
  }

  #end(): void {
    if (this.#closed) return;
    try {
      this.drops();
    } catch {
      // An interface that is gone has no figures.
    }
    this.#closed = true;
    const { session, buf, header } = this.#session;
    this.#session.close();
    // The package frees what it holds in the read after `close`.
    session.dispatch(buf, header);
  }

  #read(buffer: Buffer): void {
    if (this.#isTooSlow()) return;
    const header = this.#header;
    let seconds = header[0] ?? 0;
    let nanoseconds = (header[1] ?? 0) * NS_PER_US;
    if (this.#usesOurTime) {
      const nowUs = Math.floor(this.#events.nowUs());
      seconds = Math.floor(nowUs / US_PER_SECOND);
      nanoseconds = (nowUs - seconds * US_PER_SECOND) * NS_PER_US;
    }
    const captured = header[2] ?? 0;
    const original = header[3] ?? 0;
    this.#events.sink.packet(this.#linkType, buffer, 0, captured, original, seconds, nanoseconds);
  }

  #isTooSlow(): boolean {
    this.#packets += 1;
    if (this.#overloaded) {
      this.#overload += 1;
      return true;
    }
    if (this.#packets % CLOCK_PACKETS === 0) {
      this.#overloaded = performance.now() - this.#loopStartedMs > LOOP_MS_MAX;
    }
    return false;
  }
}
