/**
 * libpcap in this process, through the package `pcap`, which is built when it is installed and may be missing.
 *
 * Uses the package's native half only: its other half makes objects of every packet, and its poll handle cannot be
 * closed before one more packet comes, which would keep a process alive that has nothing more to do. A timer reads
 * instead, many packets at a time, each in place in one buffer.
 *
 * The native read loop ends only when the kernel has nothing more: under a load that we cannot follow it would never
 * let anything else run, so after a while packets are only set aside until it ends, and worked on in the next turns. What finds
 * no room there is thrown away, counted.
 */
import { createRequire } from "node:module";
import { EngineError, explain } from "../engine.ts";
import type { LiveEvents, LiveOptions, LiveSource, SourceDrops } from "../engine.ts";
import { PacketShelf } from "./packet-shelf.ts";

/** What is used of the package's native half. */
interface NativeSession {
  /** Returns the name of the link type; throws what libpcap says. */
  open_live(
    device: string,
    filter: string,
    bufferBytes: number,
    snapLengthBytes: number,
    outputFile: string,
    onPacket: () => void,
    isMonitor: boolean,
    bufferTimeoutMs: number,
    onWarning: (message: string) => void,
    isPromiscuous: boolean,
  ): string;
  /** Calls `onPacket` for each packet there is. 0: there are no more; -1: an error; -2: closed. */
  dispatch(packet: Buffer, header: Buffer): number;
  stats(): { readonly ps_recv: number; readonly ps_drop: number; readonly ps_ifdrop: number };
  close(): void;
}

interface NativeHalf {
  readonly PcapSession: new () => NativeSession;
}

/** Numbers of link types by the package's names; others it calls `Unknown linktype N`. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  LINKTYPE_NULL: 0,
  LINKTYPE_ETHERNET: 1,
  LINKTYPE_RAW: 101,
  LINKTYPE_LINUX_SLL: 113,
  LINKTYPE_IEEE802_11_RADIO: 127,
};

/** Milliseconds of work in one turn: outputs must get theirs. */
const TURN_MS_MAX = 50;
/** Packets between two looks at the clock: of the longest, a few milliseconds. */
const CLOCK_PACKETS = 64;
const NS_PER_US = 1000;
const US_PER_SECOND = 1_000_000;
/** Milliseconds between two reads. */
const READ_MS = 10;
/** Milliseconds beyond the buffer's time-out after which the kernel has handed on all it had. */
const CLOSE_MARGIN_MS = 20;
/** Milliseconds between attempts to free what libpcap lets go of with the next packet only. */
const FREE_MS = 1000;
/** libpcap's words for a packet header: four numbers of 32 bits. */
const HEADER_BYTES = 16;
const CLOSED = -2;

const MISSING =
  "the libpcap engine needs the package pcap, which is built when mirrorball is installed. Install what it is " +
  "built with (Debian: apt-get install libpcap-dev build-essential) and install again; " +
  "or use --input-raw-engine tcpdump, which needs no build";

function loadPcap(): NativeHalf {
  try {
    return createRequire(import.meta.url)("pcap/build/Release/pcap_binding.node") as NativeHalf;
  } catch (error) {
    // Built, and not to be loaded: for another version of Node, or without libpcap itself.
    const isAbsent = error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND";
    const reason = isAbsent || !(error instanceof Error) ? "" : ` (${error.message})`;
    throw new EngineError(MISSING + reason, { cause: error });
  }
}

export async function openLibpcap(options: LiveOptions, events: LiveEvents): Promise<LiveSource> {
  const { timestampType } = options;
  if (timestampType !== "" && timestampType !== "go" && timestampType !== "PCAP_TSTAMP_HOST") {
    throw new EngineError(
      `--input-raw-timestamp-type: must be PCAP_TSTAMP_HOST or go with the libpcap engine; got ${timestampType}; --input-raw-engine tcpdump knows the others`,
    );
  }
  const session = new (loadPcap().PcapSession)();
  try {
    return new LibpcapSource(session, options, events);
  } catch (error) {
    throw explain(error instanceof Error ? error.message : String(error), options);
  }
}

/** More fields than a class should have: its buffers are made once, so that a packet costs no object. */
class LibpcapSource implements LiveSource {
  readonly #session: NativeSession;
  readonly #events: LiveEvents;
  readonly #bufferTimeoutMs: number;
  readonly #linkType: number;
  /** `--input-raw-timestamp-type go`: the time at which we read a packet. */
  readonly #usesOurTime: boolean;
  readonly #packet: Buffer;
  readonly #headerBytes: Buffer = Buffer.alloc(HEADER_BYTES);
  readonly #header: Uint32Array;
  readonly #shelf: PacketShelf;
  #timer: NodeJS.Timeout | undefined;
  #drops: SourceDrops = { kernel: 0, interface: 0, overload: 0 };
  #overload = 0;
  #packets = 0;
  #turnStartedMs = 0;
  /** Packets are to be set aside. */
  #shelving = false;
  #nextTurn: NodeJS.Immediate | undefined;
  #closing = false;
  #closed = false;

  constructor(session: NativeSession, options: LiveOptions, events: LiveEvents) {
    this.#session = session;
    this.#events = events;
    this.#bufferTimeoutMs = options.bufferTimeoutMs;
    this.#usesOurTime = options.timestampType === "go";
    this.#packet = Buffer.alloc(options.snapLengthBytes);
    this.#shelf = new PacketShelf(options.bufferBytes);
    // The same memory, read as numbers.
    const { buffer, byteOffset } = this.#headerBytes;
    this.#header = new Uint32Array(buffer, byteOffset, HEADER_BYTES / 4);
    const name = session.open_live(
      options.interfaceName,
      options.filter,
      options.bufferBytes,
      options.snapLengthBytes,
      "",
      () => this.#read(),
      options.monitor,
      Math.ceil(options.bufferTimeoutMs),
      // It warns of interfaces without an IPv4 network, which does not matter to any filter of ours.
      () => {},
      options.promiscuous,
    );
    this.#linkType = LINK_TYPES[name] ?? Number(/(?<!\d)\d+$/.exec(name)?.[0] ?? -1);
  }

  begin(): void {
    this.#timer = setInterval(() => this.#readAll(), READ_MS);
  }

  drops(): SourceDrops {
    if (this.#closed) return this.#drops;
    let { kernel, interface: byInterface } = this.#drops;
    try {
      ({ ps_drop: kernel, ps_ifdrop: byInterface } = this.#session.stats());
    } catch {
      // An interface that is gone has no figures.
    }
    this.#drops = { kernel, interface: byInterface, overload: this.#overload };
    return this.#drops;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#timer === undefined) {
      this.#end();
      return;
    }
    // The kernel shows its last packets when the buffer's time is up.
    await new Promise((resolve) => {
      setTimeout(resolve, this.#bufferTimeoutMs + CLOSE_MARGIN_MS);
    });
    this.#readAll();
    this.#end();
  }

  /** Works on what was set aside, then reads until the kernel has nothing more. */
  #readAll(): void {
    if (this.#closed) return;
    this.#turnStartedMs = performance.now();
    const packetsBefore = this.#packets;
    this.#shelving = this.#clearShelf();
    const result = this.#session.dispatch(this.#packet, this.#headerBytes);
    if (this.#packets !== packetsBefore) this.#events.burst();
    if (!this.#shelf.isEmpty) this.#nextTurn ??= setImmediate(() => this.#turn());
    if (result !== -1) return;
    this.#end();
    this.#events.gone("the interface went away");
  }

  #turn(): void {
    this.#nextTurn = undefined;
    this.#readAll();
  }

  /** Returns whether the turn was over before all was done: what comes now must wait behind the rest. */
  #clearShelf(): boolean {
    while (!this.#shelf.isEmpty) {
      this.#shelf.takeOne(this.#linkType, this.#events.sink);
      if (this.#isTurnOver()) return !this.#shelf.isEmpty;
    }
    return false;
  }

  #end(): void {
    if (this.#closed) return;
    while (!this.#shelf.isEmpty) this.#shelf.takeOne(this.#linkType, this.#events.sink);
    this.#events.burst();
    this.drops();
    clearInterval(this.#timer);
    clearImmediate(this.#nextTurn);
    this.#closed = true;
    this.#session.close();
    // Freed with the next packet that comes in; nobody waits for it.
    const timer = setInterval(() => {
      if (this.#session.dispatch(this.#packet, this.#headerBytes) === CLOSED) clearInterval(timer);
    }, FREE_MS);
    timer.unref();
  }

  #read(): void {
    if (this.#closed) return;
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
    if (this.#shelving) {
      const fits = this.#shelf.put(this.#packet, captured, original, seconds, nanoseconds);
      if (!fits) this.#overload += 1;
      return;
    }
    this.#events.sink.packet(
      this.#linkType,
      this.#packet,
      0,
      captured,
      original,
      seconds,
      nanoseconds,
    );
    this.#shelving = this.#isTurnOver();
  }

  #isTurnOver(): boolean {
    this.#packets += 1;
    if (this.#packets % CLOCK_PACKETS !== 0) return false;
    return performance.now() - this.#turnStartedMs > TURN_MS_MAX;
  }
}
