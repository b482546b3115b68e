/**
 * Mirrored traffic that comes as VXLAN over UDP (traffic mirroring of clouds and switches): a socket in place of an interface, hence
 * no privilege. In: datagrams. Out: packets, of the networks that are wanted, under the time of their arrival. What comes from
 * whom is not asked: who can send to the port can make up traffic.
 */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { Clock, Logger } from "../../../component/types.ts";
import { LINK_TYPE_VXLAN } from "../../../core/packet/link-layer.ts";
import type { PacketSink } from "../../../core/packet/types.ts";
import { EngineError } from "../engine.ts";
import type { SourceDrops } from "../engine.ts";
import { readSocketDrops } from "./socket-drops.ts";
import { isWantedVni, vniOf } from "./vni.ts";

/** Milliseconds between two looks at what the kernel dropped. */
const WATCH_MS = 1000;
/** Datagrams between two times at which complete messages are handed on, when they come without a pause. */
const BURST_PACKETS = 256;
const US_PER_SECOND = 1_000_000;
const NS_PER_US = 1000;

export interface VxlanSettings {
  /** An address of this machine to listen on; "" for all. */
  readonly host: string;
  readonly port: number;
  /** As gor has them: networks to take, and with a minus such to leave out; empty for all. */
  readonly vnis: readonly number[];
  readonly bufferBytes: number;
}

export interface VxlanHooks {
  readonly sink: PacketSink;
  readonly burst: () => void;
  /** Once a second. */
  readonly tick: () => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class VxlanCapture {
  readonly #settings: VxlanSettings;
  readonly #hooks: VxlanHooks;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #watching: Promise<void> | undefined;
  /** By the kernel, for want of room in the socket's buffer. */
  #kernelDrops = 0;
  #hasWarned = false;
  #sinceBurst = 0;
  #burstDue = false;
  /** Datagrams that are no VXLAN. */
  notVxlan = 0;
  /** Datagrams of networks that are not wanted. */
  otherNetworks = 0;

  constructor(settings: VxlanSettings, hooks: VxlanHooks) {
    this.#settings = settings;
    this.#hooks = hooks;
  }

  async start(): Promise<void> {
    const { host, port } = this.#settings;
    const socket = await bound(host, port);
    this.#socket = socket;
    this.#growBuffer(socket);
    socket.on("message", (datagram) => this.#take(datagram));
    socket.on("error", (error) => this.#hooks.log.warn(`VXLAN socket: ${error.message}`));
    this.#timer = setInterval(() => this.#tick(), WATCH_MS);
    const { address, port: taken } = socket.address();
    this.#hooks.log.warn(`listening for VXLAN on ${address}, UDP port ${taken}`);
  }

  /** What had come is taken before the socket closes. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#socket = undefined;
    clearInterval(this.#timer);
    await this.#watching;
    await emptied(socket);
    await this.#watch(socket);
    const closed = once(socket, "close");
    socket.close();
    await closed;
    this.#hooks.burst();
  }

  drops(): SourceDrops {
    return { kernel: this.#kernelDrops, interface: 0, overload: 0 };
  }

  /** The kernel gives what it is allowed to (net.core.rmem_max), without a word. */
  #growBuffer(socket: Socket): void {
    try {
      socket.setRecvBufferSize(this.#settings.bufferBytes);
    } catch {
      // It stays what it is: then drops are counted and told.
    }
  }

  #take(datagram: Uint8Array): void {
    const vni = vniOf(datagram);
    if (vni === undefined) this.notVxlan += 1;
    else if (!isWantedVni(vni, this.#settings.vnis)) this.otherNetworks += 1;
    else {
      const nowUs = this.#hooks.clock.nowUs();
      const seconds = Math.floor(nowUs / US_PER_SECOND);
      const nanoseconds = Math.floor(nowUs - seconds * US_PER_SECOND) * NS_PER_US;
      const { length } = datagram;
      this.#hooks.sink.packet(LINK_TYPE_VXLAN, datagram, 0, length, length, seconds, nanoseconds);
      this.#told();
    }
  }

  /** A burst is over when the event loop has nothing more of it, or has had much. */
  #told(): void {
    this.#sinceBurst += 1;
    if (this.#sinceBurst >= BURST_PACKETS) this.#burst();
    else if (!this.#burstDue) {
      this.#burstDue = true;
      setImmediate(() => this.#burst());
    }
  }

  #burst(): void {
    this.#burstDue = false;
    this.#sinceBurst = 0;
    this.#hooks.burst();
  }

  #tick(): void {
    this.#hooks.tick();
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#watching ??= this.#watch(socket).finally(() => (this.#watching = undefined));
  }

  async #watch(socket: Socket): Promise<void> {
    this.#kernelDrops = (await readSocketDrops(socket.address().port)) ?? this.#kernelDrops;
    if (this.#kernelDrops === 0 || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#hooks.log.warn(
      `packets are being dropped (kernel ${this.#kernelDrops}): the socket's buffer is full, of ${socket.getRecvBufferSize()} bytes; a larger --input-raw-buffer-size may help, within the system's net.core.rmem_max`,
    );
  }
}

/** Both families where there are both. */
async function bound(host: string, port: number): Promise<Socket> {
  const families = host === "" ? (["udp6", "udp4"] as const) : [isIPv6(host) ? "udp6" : "udp4"] as const; // prettier-ignore
  let failure: unknown;
  for (const type of families) {
    const socket = createSocket({ type });
    try {
      const listening = once(socket, "listening");
      socket.bind(port, host === "" ? undefined : host);
      await listening;
      return socket;
    } catch (error) {
      failure = error;
      socket.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") break;
    }
  }
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new EngineError(`cannot listen for VXLAN on UDP port ${port}: ${reason}`);
}

/** Resolves when the event loop has come by the socket twice without a datagram. */
async function emptied(socket: Socket): Promise<void> {
  let came = true;
  const notice = (): void => {
    came = true;
  };
  socket.on("message", notice);
  for (let quiet = 0; quiet < 2;) {
    came = false;
    await new Promise((resolve) => setImmediate(resolve));
    quiet = came ? 0 : quiet + 1;
  }
  socket.off("message", notice);
}
