/** What `--input-raw` is when it runs: live packets of an engine, or a capture file, into one `Capture`. */
import { isIP } from "node:net";
import { Refusal } from "../../component/option.ts";
import type { Input, InputContext, InputStats } from "../../component/types.ts";
import { VXLAN_RULE, parseRawAddress } from "./address.ts";
import type { RawAddress } from "./address.ts";
import { CaptureFile } from "./file/capture-file.ts";
import { Capture } from "./capture.ts";
import { openLibpcap } from "./live/libpcap.ts";
import { LiveCapture } from "./live/live.ts";
import { VXLAN_PORT_DEFAULT } from "./options.ts";
import type { RawOptions } from "./options.ts";
import { openTcpdump } from "./live/tcpdump.ts";
import { VxlanCapture } from "./live/vxlan.ts";
import type { VxlanHooks } from "./live/vxlan.ts";

export function create(context: InputContext, argument: string, values: RawOptions): Input {
  const address = parseRawAddress(argument, values.engine === "pcap_file");
  if (address instanceof Refusal) throw new Error(`${context.name}: ${address.rule}`);
  const isMirrored = values.engine === "vxlan";
  if (isMirrored && (address.file !== undefined || isInterface(address.host))) {
    throw new Error(`${context.name}: ${VXLAN_RULE.rule}`);
  }
  return address.file === undefined
    ? new LiveInput(context, address, values)
    : new FileInput(context, address, address.file, values);
}

/** Bytes of a packet that are captured: what offloading puts together is never longer. */
const SNAP_BYTES = 262_144;

/** gor's, when it is asked to override its own. */
const SNAP_BYTES_OVERRIDE = 65_736;

/** Milliseconds between two lines of `--input-raw-stats`. */
const STATS_MS = 5000;

/** Seconds that packets may be on their way from the kernel to us. */
const DELAY_SECONDS = 2;

const US_PER_SECOND = 1_000_000;

const NO_DROPS = { kernel: 0, interface: 0, overload: 0 } as const;

function captureOf(
  context: InputContext,
  { ports, file }: RawAddress,
  values: RawOptions,
): Capture {
  return new Capture(context, {
    ports,
    trackResponses: values.trackResponse,
    allowIncomplete: values.allowIncomplete,
    realIpHeader: values.realipHeader,
    idleSeconds: Math.ceil(values.expireMs / 1000),
    canWait: file !== undefined,
  });
}

function printStats(context: InputContext, input: { stats(): InputStats }): NodeJS.Timeout {
  return setInterval(() => context.log.warn(input.stats().lines.join("; ")), STATS_MS);
}

function liveOf(
  context: InputContext,
  address: RawAddress,
  values: RawOptions,
  hooks: VxlanHooks,
): LiveCapture {
  return new LiveCapture(
    values.engine === "tcpdump" ? openTcpdump : openLibpcap,
    {
      host: address.host,
      filter: {
        ports: address.ports,
        trackResponses: values.trackResponse,
        vlan: values.vlan,
        vlanIds: values.vlanVid,
      },
      customFilter: values.bpfFilter,
      ignoredInterfaces: values.ignoreInterface,
      source: {
        snapLengthBytes: values.overrideSnaplen ? SNAP_BYTES_OVERRIDE : SNAP_BYTES,
        bufferBytes: values.bufferSizeBytes,
        bufferTimeoutMs: values.bufferTimeoutMs,
        promiscuous: values.promisc,
        monitor: values.monitor,
        timestampType: values.timestampType,
        becomes: context.becomes,
      },
    },
    hooks,
  );
}

function mirroredOf(address: RawAddress, values: RawOptions, hooks: VxlanHooks): VxlanCapture {
  const { vxlanPort, vxlanVni: vnis, bufferSizeBytes: bufferBytes } = values;
  const port = vxlanPort === 0 ? VXLAN_PORT_DEFAULT : vxlanPort;
  return new VxlanCapture({ host: address.host, port, vnis, bufferBytes }, hooks);
}

/** Datagrams that never became packets, as the others are counted. */
function withVxlan(stats: InputStats, { notVxlan, otherNetworks }: VxlanCapture): InputStats {
  const figures = {
    ...stats.figures,
    datagramsNotVxlan: notVxlan,
    datagramsOfOtherNetworks: otherNetworks,
  };
  if (notVxlan + otherNetworks === 0) return { ...stats, figures };
  const line = `datagrams left out: of other networks ${otherNetworks}, not VXLAN ${notVxlan}`;
  return { ...stats, figures, lines: [...stats.lines, line] };
}

function isInterface(host: string): boolean {
  return host !== "" && isIP(host) === 0;
}

class LiveInput implements Input {
  readonly #context: InputContext;
  readonly #capture: Capture;
  readonly #live: LiveCapture | VxlanCapture;
  readonly #printStats: boolean;
  #timer: NodeJS.Timeout | undefined;
  #opened: Promise<void> | undefined;
  #hasTold = false;
  #stopped: Promise<void> | undefined;

  constructor(context: InputContext, address: RawAddress, values: RawOptions) {
    this.#context = context;
    this.#printStats = values.stats;
    const capture = captureOf(context, address, values);
    capture.hold();
    this.#capture = capture;
    const hooks: VxlanHooks = {
      sink: capture.sink,
      burst: () => void capture.flush(),
      tick: () => {
        capture.tick(Math.floor(context.clock.nowUs() / US_PER_SECOND) - DELAY_SECONDS);
        void capture.flush();
        this.#tellUnread(false);
      },
      clock: context.clock,
      log: context.log,
    };
    this.#live =
      values.engine === "vxlan"
        ? mirroredOf(address, values, hooks)
        : liveOf(context, address, values, hooks);
  }

  async open(): Promise<void> {
    this.#opened ??= this.#live.start();
    await this.#opened;
  }

  async start(): Promise<void> {
    await this.open();
    this.#capture.begin();
    if (this.#printStats) this.#timer = printStats(this.#context, this);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  stats(): InputStats {
    const stats = this.#capture.stats(this.#live.drops());
    return this.#live instanceof VxlanCapture ? withVxlan(stats, this.#live) : stats;
  }

  /** Once. */
  #tellUnread(isOver: boolean): void {
    const unread = this.#capture.unread(isOver);
    if (unread === undefined || this.#hasTold) return;
    this.#hasTold = true;
    this.#context.log.warn(unread);
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#live.stop();
    this.#tellUnread(true);
    await this.#capture.end();
  }
}

class FileInput implements Input {
  readonly ended: Promise<void>;
  readonly #context: InputContext;
  readonly #capture: Capture;
  readonly #file: CaptureFile;
  readonly #printStats: boolean;
  #end: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #started = false;
  /** To its end, or to where it is damaged. */
  #isRead = false;

  constructor(context: InputContext, address: RawAddress, path: string, values: RawOptions) {
    this.#context = context;
    this.#printStats = values.stats;
    const capture = captureOf(context, address, values);
    this.#capture = capture;
    this.#file = new CaptureFile(path, { sink: capture.sink, burst: () => capture.flush() });
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async start(): Promise<void> {
    await this.#file.open();
    this.#started = true;
    if (this.#printStats) this.#timer = printStats(this.#context, this);
    void this.#read();
  }

  async stop(): Promise<void> {
    this.#file.stop();
    if (this.#started) await this.ended;
  }

  stats(): InputStats {
    const stats = this.#capture.stats(NO_DROPS);
    const missing = {
      ...stats.missing,
      "captures without a packet": this.#isRead && this.#capture.packets === 0 ? 1 : 0,
      "captures not read to their end": this.#file.isStopped && !this.#isRead ? 1 : 0,
      "damaged blocks": this.#file.counters().malformedBlocks,
    };
    return { ...stats, missing };
  }

  async #read(): Promise<void> {
    const problem = await this.#file.readAll().catch((error: unknown) => String(error));
    this.#isRead = !this.#file.isStopped;
    if (problem !== undefined) {
      this.#context.log.warn(problem);
      this.#context.dropped("damaged-capture", 1);
    } else if (this.#isRead && this.#capture.packets === 0) {
      this.#context.log.warn("the capture holds no packets");
    }
    const unread = this.#capture.unread(true);
    if (unread !== undefined) this.#context.log.warn(unread);
    await this.#capture.end();
    clearInterval(this.#timer);
    this.#end();
  }
}
