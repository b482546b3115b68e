/**
 * A middleware that is a program: gor's hex lines to its standard input and from its standard output.
 *
 * In: batches. Out: what it returns, matched by kind and id with what it was given, emitted. One write is under way
 * at a time and while outputs are full its output is not read: that is all the back-pressure a pipe needs. The
 * protocol has no word for "dropped"; what does not come back within the grace time was withheld.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, readSync } from "node:fs";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { Message } from "@mirrorball/protocol";
import type { Origin, RelayContext } from "../../component/relay.ts";
import { WAITING_BYTES, scaledBytes } from "../../core/memory/process-memory.ts";
import { HexLineDecoder, LINE_BYTES_MAX, encodeHexLines } from "../../core/middleware/hex-lines.ts";
import type { BadLine } from "../../core/middleware/hex-lines.ts";
import { InFlightMessages } from "../../core/middleware/in-flight-messages.ts";
import { passLines } from "./lines.ts";
import type { InFlight, Peer, PeerEvents } from "./peer.ts";

/** Milliseconds a message may stay with the program before it counts as withheld: gor's memory for ids. */
const GRACE_MS = 60_000;
/** Messages remembered as being with it: about 10 MB of ids. The oldest beyond count as withheld. */
const INSIDE_MAX = 65_536;
/** Bytes of messages kept to be given to the next one when it dies; only with a journal. The oldest beyond are withheld. */
const KEPT_BYTES_MAX: number = scaledBytes(64 * 1024 * 1024);
/** Milliseconds instead of `GRACE_MS` for what was overtaken while the journal runs out of room because of it. */
const NEAR_LIMIT_GRACE_MS = 5000;
/** Milliseconds without a word after which a program that may drop things has said all it will say. */
const SILENCE_MS = 1000;
/** Milliseconds from a polite signal to one that cannot be refused. */
const KILL_MS = 1000;
/** Milliseconds between two log lines about bad lines. */
const BAD_LINE_LOG_MS = 5000;

/** More fields than a class should have: a program tells nothing of itself, so that when each thing last happened is all there is to judge it by. */
export class ChildPeer implements Peer {
  ready = false;
  readonly #args: readonly string[];
  readonly #context: RelayContext;
  readonly #events: PeerEvents;
  readonly #inside: InFlightMessages;
  readonly #decoder: HexLineDecoder = new HexLineDecoder(
    (reason) => this.#badLine(reason),
    Math.min(LINE_BYTES_MAX, WAITING_BYTES),
  );
  #child: ChildProcessWithoutNullStreams | undefined;
  #finishing = false;
  /** All it was to be told is in the pipe. */
  #told = false;
  #signalledMs: number | undefined;
  #toldMs = 0;
  #closed = false;
  /** When the write under way began. */
  #sentMs = 0;
  /** When it was first given something after its last answer. */
  #unansweredMs: number | undefined;
  /** Not read from, because the outputs are full. */
  #paused = false;
  #returnedAny = false;
  /** The latest given of all that came back: its place, and when it was given. */
  #lastPlace = -1;
  #overtakenMs = 0;
  #dropsThings = false;
  #badLines = 0;
  #badLineLoggedMs: number = -BAD_LINE_LOG_MS;
  /** Why we ended it, when we did. */
  #fault = "";

  constructor(args: readonly string[], context: RelayContext, events: PeerEvents) {
    this.#args = args;
    this.#context = context;
    this.#inside = new InFlightMessages(
      GRACE_MS,
      INSIDE_MAX,
      context.durable ? KEPT_BYTES_MAX : undefined,
    );
    this.#events = events;
  }

  async start(): Promise<void> {
    const [program = "", ...rest] = this.#args;
    // A group of its own: the Ctrl-C that stops us must not take it away while it still works for us.
    const child = spawn(program, rest, {
      stdio: ["pipe", "pipe", "pipe"],
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.on("error", (error: NodeJS.ErrnoException) => {
        reject(new Error(`cannot start ${JSON.stringify(program)}: ${explain(error, program)}`));
      });
    });
    process.on("exit", this.#onExit);
    this.#listen(child);
    this.ready = true;
  }

  get owesSinceMs(): number | undefined {
    if (this.#paused || this.#finishing) return undefined;
    if (!this.ready) return this.#sentMs;
    // What a program that is known to drop things keeps to itself is no debt.
    return this.#inside.count > 0 && !this.#dropsThings ? this.#unansweredMs : undefined;
  }

  settledAfter(silenceMs: number): boolean {
    return this.ready && (this.#inside.count === 0 || silenceMs >= SILENCE_MS);
  }

  send(batch: Message[]): void {
    const child = this.#child;
    if (child === undefined) return;
    this.ready = false;
    this.#sentMs = this.#context.clock.monotonicMs();
    this.#unansweredMs ??= this.#sentMs;
    this.#inside.add(batch, this.#sentMs);
    this.#withhold("no-answer", this.#inside.evict());
    child.stdin.write(encodeHexLines(batch), (error) => {
      // A failed write is followed by the end of the program, which is dealt with there.
      if (error || this.#finishing || this.#closed) return;
      this.ready = true;
      this.#events.ready();
    });
  }

  tick(nowMs: number): void {
    this.#giveUp(nowMs);
    if (!this.#finishing || this.#closed) return;
    const nothingLeft = this.#told && this.#inside.count === 0;
    if (this.#signalledMs !== undefined) {
      if (nowMs - this.#signalledMs >= KILL_MS) this.#signal("SIGKILL");
    } else if (nowMs - this.#toldMs >= (nothingLeft ? SILENCE_MS / 2 : SILENCE_MS)) {
      // The programs of gor's libraries never end by themselves.
      this.#signalledMs = nowMs;
      this.#signal("SIGTERM");
    }
  }

  /**
   * Without a journal age alone is enough. With one a program that stands still must not cost what was acknowledged, so
   * what was not overtaken stays, unless the program reads on while the journal runs out of room.
   */
  #giveUp(nowMs: number): void {
    const nearLimit = this.#context.journalNearLimit();
    if (this.#context.durable) {
      const graceMs = nearLimit ? NEAR_LIMIT_GRACE_MS : GRACE_MS;
      const late = this.#inside.overtaken(nowMs, graceMs, this.#overtakenMs);
      this.#withhold("no-answer", late);
      if (!nearLimit || !this.ready) return;
    }
    this.#withhold("no-answer", this.#inside.expire(nowMs));
  }

  finish(): void {
    this.#finishing = true;
    this.#toldMs = Number.POSITIVE_INFINITY;
    this.#child?.stdin.end(() => {
      this.#told = true;
      this.#toldMs = this.#context.clock.monotonicMs();
    });
  }

  kill(): void {
    this.#closed = true;
    this.#signal("SIGKILL");
    this.#release();
  }

  abandon(): InFlight[] {
    return this.#inside.clear().map(({ kind, id, context, message, place }) => {
      return { kind, id, context, message, overtaken: place < this.#lastPlace };
    });
  }

  readonly #onExit = (): void => this.#signal("SIGKILL");

  #listen(child: ChildProcessWithoutNullStreams): void {
    child.stdin.on("error", () => this.#abort("closed its input"));
    child.stdout.on("error", () => this.#abort("closed its output"));
    child.stdout.on("data", (chunk: Buffer) => {
      const messages: Message[] = [];
      this.#decoder.push(chunk, messages);
      // While it is being told to end, every word puts the end off.
      if (this.#told) this.#toldMs = this.#context.clock.monotonicMs();
      this.#events.moved();
      if (messages.length > 0) this.#hand(messages);
    });
    child.stdout.on("end", () => {
      if (!this.#finishing) this.#abort("closed its output");
    });
    passLines(child.stderr, this.#context.stderr);
    child.once("close", (code, signal) => this.#ended(code, signal));
  }

  /** Whoever closes a pipe of ours without going away is sent away. */
  #abort(fault: string): void {
    if (this.#closed || this.#finishing || this.#fault !== "") return;
    this.ready = false;
    this.#fault = fault;
    // A program that is ending anyway may do so by itself.
    setTimeout(() => this.#signal("SIGKILL"), KILL_MS).unref();
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    this.#release();
    if (this.#closed) return;
    const byUs = this.#signalledMs !== undefined;
    const clean = this.#finishing && this.#told && (code === 0 || byUs);
    const last: Message[] = [];
    this.#decoder.end(code === 0, last);
    if (last.length > 0) this.#hand(last);
    this.#closed = true;
    this.ready = false;
    const how = signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`;
    this.#events.closed(clean, this.#fault === "" ? how : `${this.#fault} and ${how}`);
  }

  /** Accounts for what came back and passes it on. */
  #hand(messages: Message[]): void {
    const { ledger } = this.#context;
    const origins: Origin[] = [];
    for (let i = 0; i < messages.length; i += 1) {
      const message = messages[i];
      if (message === undefined) continue;
      const origin = this.#inside.take(message.kind, message.id);
      if (origin === undefined) continue;
      origins.push(origin);
      if (origin.place > this.#lastPlace) {
        this.#lastPlace = origin.place;
        this.#overtakenMs = origin.sinceMs;
      }
      if (origin.context !== undefined) messages[i] = withContext(message, origin);
    }
    this.#returnedAny = true;
    this.#answered();
    ledger.returned(origins);
    ledger.added(messages.length - origins.length);
    const wait = this.#context.emit(messages);
    if (wait !== undefined) void this.#pauseFor(wait);
  }

  async #pauseFor(room: Promise<void>): Promise<void> {
    const output = this.#child?.stdout;
    output?.pause();
    this.#paused = true;
    await room;
    this.#paused = false;
    // It is not its fault that it was not heard.
    this.#answered();
    this.#events.moved();
    output?.resume();
  }

  #answered(): void {
    this.#unansweredMs = this.#inside.count === 0 ? undefined : this.#context.clock.monotonicMs();
  }

  #withhold(reason: string, held: readonly Origin[]): void {
    if (held.length === 0) return;
    this.#dropsThings = this.#returnedAny;
    this.#context.ledger.withheld(reason, held);
  }

  #badLine(reason: BadLine): void {
    this.#context.ledger.refused(reason);
    this.#badLines += 1;
    const nowMs = this.#context.clock.monotonicMs();
    if (nowMs - this.#badLineLoggedMs < BAD_LINE_LOG_MS) return;
    this.#badLineLoggedMs = nowMs;
    this.#context.log.warn(
      `printed a line that is no message (${reason}); ${this.#badLines} so far`,
    );
  }

  /** To the whole group: a shell's children are the middleware too. */
  #signal(signal: NodeJS.Signals): void {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      if (process.platform === "win32") child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // It went away in this very moment.
    }
  }

  #release(): void {
    process.off("exit", this.#onExit);
  }
}

/** What only we know of a message, such as its connection, does not travel on the line. */
function withContext(message: Message, { context }: Origin): Message {
  const { kind, id, startedAt, latencyNs, http } = message;
  return { kind, id, startedAt, latencyNs, http, context };
}

function explain(error: NodeJS.ErrnoException, program: string): string {
  if (error.code === "ENOENT") return missingInterpreter(program) ?? "there is no such program";
  if (error.code === "EACCES") return "it is not executable";
  return error.message;
}

/** Bytes of a script's first line that the system looks at. */
const SHEBANG_BYTES = 256;

/** A script that is there, but not what its first line names; undefined for anything else. Only paths are looked at. */
function missingInterpreter(program: string): string | undefined {
  if (!program.includes("/")) return undefined;
  const start = Buffer.alloc(SHEBANG_BYTES);
  try {
    const file = openSync(program, "r");
    try {
      readSync(file, start, 0, SHEBANG_BYTES, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  const [line = ""] = start.toString("latin1").split("\n");
  if (!line.startsWith("#!")) return undefined;
  const interpreter = JSON.stringify(line.slice(2).trim().split(/[ \t]/)[0]);
  return line.endsWith("\r")
    ? `its first line ends in CR LF, so that the system looks for an interpreter whose name ends in CR: write it with LF alone`
    : `its first line names the interpreter ${interpreter}, which there is not`;
}
