// A journal, a middleware and two outputs, killed again and again at any moment: what the middleware passes on arrives at each
// output, and what has side effects does not arrive more often than the middleware says.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { InFlightEntries } from "../core/journal/in-flight-entries.ts";
import { OutputCursor, freshCursor, readCursors } from "./outputs/output-cursor.ts";

const http = HttpMessage.fromRaw(Buffer.from("x"));

/** What the middleware does with a message, the same each time it is given it. */
interface Traits {
  readonly fate: "pass" | "drop";
  readonly copies: number;
  /** Messages made anew beside it: with it, or when something else comes out. */
  readonly made: "none" | "with it" | "later";
  readonly unsafe: boolean;
}

const OUTPUTS = [
  { name: "once", atMostOnce: true },
  { name: "again", atMostOnce: false },
] as const;

/** What survives a kill: the journal, and what arrived. */
interface Disk {
  /** All that there will be; written are the first so many. */
  readonly entries: readonly (readonly Traits[])[];
  written: number;
  values: Map<string, string>;
  readonly arrived: readonly Map<string, number>[];
  /** Counted as withheld: may be missing, for all the journal knows. */
  readonly givenUp: Set<string>;
}

const idOf = (entry: number, at: number): string => `${entry}.${at}`;

interface Queued {
  readonly message: Message;
  state: "waits" | "intending" | "ready" | "sent";
}

/** One life of the server. */
class Life {
  readonly #disk: Disk;
  readonly #inFlight: InFlightEntries = new InFlightEntries();
  readonly #cursors: readonly OutputCursor[];
  readonly #queues: Queued[][] = OUTPUTS.map(() => []);
  readonly inside: { readonly entry: number; readonly at: number }[] = [];
  readonly #late: string[] = [];
  readonly #unsafe: (id: string) => boolean;
  next: number;

  constructor(disk: Disk) {
    this.#disk = disk;
    this.#unsafe = (id) => {
      const [entry = 1, at = 0] = id.replace("made", "").split(".").map(Number);
      return disk.entries[entry - 1]?.[at]?.unsafe ?? false;
    };
    const stored = readCursors(disk.values);
    const last = disk.written;
    this.#inFlight.recoverTo = last;
    this.#cursors = OUTPUTS.map(({ name, atMostOnce }) => {
      const known = stored.get(name) ?? freshCursor(1);
      const asks = ({ id }: Message): boolean => atMostOnce && this.#unsafe(id);
      return new OutputCursor(name, known, last, asks, () => {}, this.#inFlight);
    });
    this.next = Math.min(...this.#cursors.map(({ tracker }) => tracker.cursor));
  }

  get uncertain(): number {
    return this.#cursors.reduce((sum, { tracker }) => sum + tracker.uncertain, 0);
  }

  get quiet(): boolean {
    const queued = this.#queues.some((queue) => queue.length > 0);
    return this.next > this.#disk.entries.length && this.inside.length === 0 && !queued;
  }

  read(): void {
    const traits = this.#disk.entries[this.next - 1];
    if (traits === undefined) return;
    const entry = this.next;
    this.next += 1;
    this.#disk.written = Math.max(this.#disk.written, entry);
    this.#inFlight.entered(
      traits.map((_, at) => messageOf(idOf(entry, at))),
      entry,
    );
    this.#inFlight.read(entry);
    for (const { tracker } of this.#cursors) tracker.read(entry);
    this.inside.push(...traits.map((_, at) => ({ entry, at })));
  }

  /** The middleware answers for one of what is inside. */
  answer(pick: number): void {
    const [given] = this.inside.splice(pick % Math.max(1, this.inside.length), 1);
    if (given === undefined) return;
    const id = idOf(given.entry, given.at);
    const traits = this.#disk.entries[given.entry - 1]?.[given.at];
    if (traits === undefined || traits.fate === "drop") {
      this.#inFlight.gone([messageOf(id)]);
      return;
    }
    this.#inFlight.returned([messageOf(id)]);
    const out = [...this.#late.splice(0), ...Array.from({ length: 1 + traits.copies }, () => id)];
    if (traits.made === "with it") out.push(`made${id}`);
    if (traits.made === "later") this.#late.push(`made${id}`);
    this.#forward(out);
  }

  /** One of what is inside is given up and comes out after all. */
  answerLate(pick: number): void {
    const given = this.inside[pick % Math.max(1, this.inside.length)];
    const traits = given && this.#disk.entries[given.entry - 1]?.[given.at];
    // What the middleware answers in several messages is only kept together when it is answered in time.
    if (given === undefined || traits?.fate !== "pass" || traits.copies > 0) return;
    if (traits.made !== "none") return;
    this.inside.splice(this.inside.indexOf(given), 1);
    const id = idOf(given.entry, given.at);
    this.#inFlight.gone([messageOf(id)]);
    this.#disk.givenUp.add(id);
    this.#late.push(id);
  }

  flushLate(): void {
    this.#forward(this.#late.splice(0));
  }

  #forward(ids: readonly string[]): void {
    for (const [i, { tracker }] of this.#cursors.entries()) {
      for (const id of ids) {
        const message = messageOf(id);
        if (tracker.admission(message, 0) !== "new") continue;
        tracker.queued(message, 0);
        this.#queues[i]?.push({ message, state: "waits" });
      }
    }
    this.#inFlight.passed();
  }

  /** One queued message goes one step further: intent, sent, settled. */
  advance(cursor: number, pick: number): void {
    const queue = this.#queues[cursor] ?? [];
    const at = pick % Math.max(1, queue.length);
    const queued = queue[at];
    const journal = this.#cursors[cursor];
    if (queued === undefined || journal === undefined) return;
    const { message } = queued;
    if (queued.state === "waits" && journal.needsIntent(message)) {
      void journal.intend([message]);
      queued.state = "intending";
    } else if (queued.state === "waits" || queued.state === "ready") {
      const arrived = this.#disk.arrived[cursor];
      arrived?.set(message.id, (arrived.get(message.id) ?? 0) + 1);
      queued.state = "sent";
    } else if (queued.state === "sent") {
      journal.settled([message]);
      queue.splice(at, 1);
    }
  }

  write(): void {
    const values = new Map<string, string | undefined>(this.#disk.values);
    const pin = this.#inFlight.oldest ?? Number.MAX_SAFE_INTEGER;
    for (const cursor of this.#cursors) cursor.collect(values, pin);
    this.#disk.values = new Map();
    for (const [name, value] of values) {
      if (value !== undefined) this.#disk.values.set(name, value);
    }
    for (const queued of this.#queues.flat()) {
      if (queued.state === "intending") queued.state = "ready";
    }
  }

  finish(): void {
    while (!this.quiet) {
      this.read();
      this.answer(0);
      this.flushLate();
      for (const cursor of [0, 1]) this.advance(cursor, 0);
      this.write();
    }
    this.flushLate();
    while (this.#queues.some((queue) => queue.length > 0)) {
      for (const cursor of [0, 1]) this.advance(cursor, 0);
      this.write();
    }
    this.write();
    for (const { tracker } of this.#cursors)
      expect(tracker.cursor).toBeGreaterThanOrEqual(this.next);
  }
}

function messageOf(id: string): Message {
  return { kind: MessageKind.request, id, startedAt: 0, latencyNs: 0, http };
}

const traits = fc.record({
  fate: fc.constantFrom("pass", "pass", "drop"),
  copies: fc.constantFrom(0, 0, 1),
  made: fc.constantFrom("none", "none", "with it", "later"),
  unsafe: fc.boolean(),
});
const step = fc.record({
  do: fc.constantFrom("read", "answer", "answer", "late", "flush", "advance", "write"),
  pick: fc.nat({ max: 30 }),
  cursor: fc.nat({ max: 1 }),
});
const lives = fc.array(
  fc.record({
    /** This output gets nothing done. */
    stuck: fc.constantFrom(-1, 0, 1, 1),
    steps: fc.array(step, { maxLength: 150, size: "max" }),
  }),
  { minLength: 1, maxLength: 4 },
);

function act(life: Life, what: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
  if (what.do === "read") life.read();
  else if (what.do === "answer") life.answer(what.pick);
  else if (what.do === "late") life.answerLate(what.pick);
  else if (what.do === "flush") life.flushLate();
  else if (what.do === "advance")
    for (let i = 0; i < 4; i += 1) life.advance(what.cursor, what.pick);
  else life.write();
}

it("any kills: nothing that is passed on is missing, nothing with side effects comes too often", () => {
  const entries = fc.array(fc.array(traits, { maxLength: 3 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(entries, lives, fc.boolean(), (given, killed, all) => {
      const disk: Disk = {
        entries: given,
        written: all ? given.length : 0,
        values: new Map(),
        arrived: [new Map(), new Map()],
        givenUp: new Set(),
      };
      for (const { stuck, steps } of killed) {
        const life = new Life(disk);
        for (const what of steps)
          if (what.do !== "advance" || what.cursor !== stuck) act(life, what);
      }
      const last = new Life(disk);
      last.finish();
      let missing = 0;
      for (const [i, entry] of given.entries()) {
        for (const [at, { fate, copies, made, unsafe }] of entry.entries()) {
          const id = idOf(i + 1, at);
          const times = disk.arrived.map((arrived) => arrived.get(id) ?? 0);
          const madeTimes = disk.arrived.map((arrived) => arrived.get(`made${id}`) ?? 0);
          if (fate === "drop") {
            expect([...times, ...madeTimes]).toEqual([0, 0, 0, 0]);
            continue;
          }
          if (disk.givenUp.has(id)) {
            if (unsafe) expect(times[0]).toBeLessThanOrEqual(1);
            continue;
          }
          expect(times[1]).toBeGreaterThanOrEqual(1 + copies);
          if (made === "with it") expect(madeTimes[1]).toBeGreaterThanOrEqual(1);
          if (!unsafe) {
            expect(times[0]).toBeGreaterThanOrEqual(1 + copies);
            if (made === "with it") expect(madeTimes[0]).toBeGreaterThanOrEqual(1);
            continue;
          }
          expect(times[0]).toBeLessThanOrEqual(1 + copies);
          missing += 1 + copies - (times[0] ?? 0);
          if (made !== "with it") continue;
          expect(madeTimes[0]).toBeLessThanOrEqual(1);
          missing += 1 - (madeTimes[0] ?? 0);
        }
      }
      expect(missing).toBeLessThanOrEqual(last.uncertain);
    }),
    { numRuns: 4000 },
  );
});
