/**
 * tcpdump as a child process that writes what it captures to a pipe: no native code here, and no privilege either. Started
 * by root it becomes its own user as soon as the interface is open.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import { CaptureReader } from "../../../core/packet/capture-reader.ts";
import { EngineError, explain } from "../engine.ts";
import type { LiveEvents, LiveOptions, LiveSource, SourceDrops } from "../engine.ts";
import { TcpdumpFigures } from "./tcpdump-figures.ts";

/** What asks for its figures: where there is SIGINFO (macOS, BSD), SIGUSR1 would end it. */
const FIGURES_SIGNAL: NodeJS.Signals = "SIGINFO" in constants.signals ? "SIGINFO" : "SIGUSR1";
/** Milliseconds between two requests for its figures: a quiet time is seen from two of them. */
const FIGURES_MS = 2000;
/** The kernel shows tcpdump its packets every second; after this it has nothing left. */
const DRAIN_MS = 1100;
/** Milliseconds between two such requests at the end. */
const DRAIN_STEP_MS = 20;
/** Of the first report at the end nobody knows whether it was asked for before. */
const FRESH_REPORTS = 2;
/** Milliseconds that it may take to end. */
const END_MS_MAX = 3000;
/** Bytes of its messages that are kept. */
const STDERR_BYTES_MAX = 8192;
const BYTES_PER_KIB = 1024;

export async function openTcpdump(options: LiveOptions, events: LiveEvents): Promise<LiveSource> {
  const source = new TcpdumpSource(options, events);
  await source.opened;
  return source;
}

export function tcpdumpWords(options: LiveOptions): string[] {
  const { timestampType: type } = options;
  const bufferKib = String(Math.max(1, Math.ceil(options.bufferBytes / BYTES_PER_KIB)));
  const snapLength = String(options.snapLengthBytes);
  const always = ["-i", options.interfaceName, "-s", snapLength, "-B", bufferKib, "-U", "-w", "-"];
  return [
    ...always,
    // It must be the user that we become: nobody else may be told by us to stop.
    ...(options.becomes === undefined ? [] : ["-Z", options.becomes]),
    ...(options.promiscuous ? [] : ["-p"]),
    ...(options.monitor ? ["-I"] : []),
    ...(options.bufferTimeoutMs === 0 ? ["--immediate-mode"] : []),
    ...(type.startsWith("PCAP_TSTAMP_")
      ? ["-j", type.slice("PCAP_TSTAMP_".length).toLowerCase()]
      : []),
    // Whatever it begins with, it is no option: `-F FILE` would show the file's words in an error.
    ...(options.filter === "" ? [] : ["--", options.filter]),
  ];
}

class TcpdumpSource implements LiveSource {
  /** Settles when the interface is open, or cannot be. */
  readonly opened: Promise<void>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #reader: CaptureReader;
  readonly #events: LiveEvents;
  #begun = false;
  readonly #timer: NodeJS.Timeout;
  readonly #figures: TcpdumpFigures;
  #stderr = "";
  #closing = false;

  constructor(options: LiveOptions, events: LiveEvents) {
    if (options.timestampType === "go") {
      throw new EngineError(
        "--input-raw-timestamp-type: must be a PCAP_TSTAMP_ type with the tcpdump engine; got go",
      );
    }
    this.#reader = new CaptureReader(events.sink);
    this.#figures = new TcpdumpFigures(options.interfaceName);
    this.#child = spawn("tcpdump", tcpdumpWords(options), { stdio: ["ignore", "pipe", "pipe"] });
    this.#events = events;
    let isOpen = false;
    const { promise, resolve, reject } = deferred();
    this.opened = promise;
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("latin1")).slice(-STDERR_BYTES_MAX);
      if (!isOpen && /listening on/.test(this.#stderr)) {
        isOpen = true;
        // The first figures, so that a quiet time is known after the second ones.
        this.#child.kill(FIGURES_SIGNAL);
        resolve();
      }
      this.#stderr = this.#figures.read(this.#stderr, performance.now());
    });
    this.#ended = new Promise((done) => {
      const finish = (error: Error): void => {
        done();
        clearInterval(this.#timer);
        if (!isOpen) reject(error);
        else if (!this.#closing) events.gone(`tcpdump ended: ${this.#lastWords()}`);
      };
      this.#child.on("error", (error) => finish(startError(error)));
      this.#child.once("close", () => finish(explain(this.#lastWords(), options)));
    });
    this.#timer = setInterval(() => this.#child.kill(FIGURES_SIGNAL), FIGURES_MS);
    this.#timer.unref();
  }

  /** Until then its pipe is full at some point, and the kernel keeps the rest. */
  begin(): void {
    this.#begun = true;
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk);
      this.#events.burst();
    });
  }

  drops(): SourceDrops {
    return this.#figures.drops;
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    clearInterval(this.#timer);
    if (this.#begun) await this.#drained();
    else this.#child.stdout?.resume();
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), END_MS_MAX);
    await this.#ended;
    clearTimeout(late);
  }

  /** Resolves when all that the kernel has taken so far was shown, or must have been. */
  async #drained(): Promise<void> {
    const startedMs = performance.now();
    const figures = this.#figures;
    const fresh = figures.reports + FRESH_REPORTS;
    let mark: number | undefined;
    while (performance.now() - startedMs < DRAIN_MS) {
      if (!this.#child.kill(FIGURES_SIGNAL)) return;
      await elapsed(DRAIN_STEP_MS);
      if (figures.reports < fresh) continue;
      mark ??= figures.mark();
      if (figures.hasShown(mark)) return;
    }
  }

  #lastWords(): string {
    return this.#stderr.replace(/^tcpdump: (?:verbose output|listening on).*\n/gm, "").trim();
  }
}

function startError(error: Error): EngineError {
  const isMissing = "code" in error && error.code === "ENOENT";
  return new EngineError(
    isMissing
      ? "the tcpdump engine needs the command tcpdump, which is not there (Debian: apt-get install tcpdump)"
      : `cannot start tcpdump: ${error.message}`,
    { cause: error },
  );
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (e: Error) => void } {
  let resolve: () => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
