// Entries whose messages go through a middleware: settled exactly when everything that came of them is, never before, in
// whatever order messages come back, are given up and are delivered.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SettlementTracker } from "./settlement-tracker.ts";
import { InFlightEntries } from "./in-flight-entries.ts";

const http = HttpMessage.fromRaw(Buffer.from("x"));

function message(id: string): Message {
  return { kind: MessageKind.request, id, startedAt: 0, latencyNs: 0, http };
}

/** A journal's reader, a middleware and two outputs, moved by hand; knows by itself what is open of which entry. */
class World {
  readonly inFlight: InFlightEntries = new InFlightEntries();
  readonly trackers: readonly SettlementTracker[] = [1, 2].map(
    () =>
      new SettlementTracker(
        { cursor: 1, lastEntry: 0, done: new Map(), intended: new Map(), uncertain: 0 },
        () => false,
        this.inFlight,
      ),
  );
  read = 0;
  /** Inside the middleware. */
  readonly inside: { readonly id: string; readonly entry: number }[] = [];
  /** Queued for each output and not settled. */
  readonly queues: { readonly id: string; readonly entry: number }[][] = [[], []];
  #made = 0;

  enter(count: number): void {
    this.read += 1;
    const ids = Array.from({ length: count }, (_, i) => `${this.read}.${i}`);
    if (count > 0) this.inFlight.entered(ids.map(message), this.read);
    this.inFlight.read(this.read);
    for (const output of this.trackers) output.read(this.read);
    this.inside.push(...ids.map((id) => ({ id, entry: this.read })));
  }

  /** From another input. */
  enterFromNowhere(): void {
    this.#made += 1;
    const id = `other${this.#made}`;
    this.inFlight.entered([message(id)], 0);
    this.inside.push({ id, entry: 0 });
  }

  /** `extra`: copies of it, and messages of its own, that come out beside it. */
  return(at: number, copies: number, made: number): void {
    const [came] = this.inside.splice(at % Math.max(1, this.inside.length), 1);
    if (came === undefined) return;
    const out = [came, ...Array.from({ length: copies }, () => came)];
    for (let i = 0; i < made; i += 1) {
      this.#made += 1;
      out.splice(i, 0, { id: `made${this.#made}`, entry: came.entry });
    }
    this.inFlight.returned([message(came.id)]);
    for (const [output, tracker] of this.trackers.entries()) {
      for (const each of out) {
        expect(tracker.admission(message(each.id), 0)).toBe("new");
        tracker.queued(message(each.id), 0);
        this.queues[output]?.push(each);
      }
    }
    this.inFlight.passed();
  }

  giveUp(at: number): void {
    const [gone] = this.inside.splice(at % Math.max(1, this.inside.length), 1);
    if (gone !== undefined) this.inFlight.gone([message(gone.id)]);
  }

  settle(output: number, at: number): void {
    const queue = this.queues[output] ?? [];
    const [settled] = queue.splice(at % Math.max(1, queue.length), 1);
    if (settled !== undefined) this.trackers[output]?.settled([message(settled.id)]);
  }

  cursor(output: number): number {
    return Math.min(this.trackers[output]?.cursor ?? 0, this.inFlight.oldest ?? Infinity);
  }

  /** The first entry of which something is inside or queued for this output. */
  open(output: number): number {
    const open = [...this.inside, ...(this.queues[output] ?? [])].map(({ entry }) => entry);
    return Math.min(this.read + 1, ...open.filter((entry) => entry > 0));
  }
}

const at = fc.nat({ max: 50 });
const few = fc.nat({ max: 2 });
const step = fc.oneof(
  fc.record({ do: fc.constant("enter" as const), count: fc.nat({ max: 4 }) }),
  fc.record({ do: fc.constant("other" as const) }),
  fc.record({ do: fc.constant("return" as const), at, copies: few, made: few }),
  fc.record({ do: fc.constant("give up" as const), at }),
  fc.record({ do: fc.constant("settle" as const), output: fc.nat({ max: 1 }), at }),
);

function move(world: World, what: typeof step extends fc.Arbitrary<infer T> ? T : never): void {
  if (what.do === "enter") world.enter(what.count);
  else if (what.do === "other") world.enterFromNowhere();
  else if (what.do === "return") world.return(what.at, what.copies, what.made);
  else if (what.do === "give up") world.giveUp(what.at);
  else world.settle(what.output, what.at);
}

describe("with a middleware", () => {
  it("no entry is settled early, and every one is in the end", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const world = new World();
        const reached = [1, 1];
        for (const what of steps) {
          move(world, what);
          for (const output of [0, 1]) {
            const cursor = world.cursor(output);
            expect(cursor).toBeLessThanOrEqual(world.open(output));
            // What was settled once is never unsettled.
            expect(cursor).toBeGreaterThanOrEqual(reached[output] ?? 0);
            reached[output] = cursor;
          }
          const inside = world.inside.filter(({ entry }) => entry > 0);
          expect(world.inFlight.count).toBe(inside.length);
        }
        while (world.inside.length > 0) world.giveUp(0);
        for (const output of [0, 1]) {
          while ((world.queues[output]?.length ?? 0) > 0) world.settle(output, 0);
          expect(world.cursor(output)).toBe(world.read + 1);
        }
        expect(world.inFlight.oldest).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it("an entry is settled as soon as it can be when nothing is made anew", () => {
    const plain = step.filter((what) => what.do !== "return" || what.made === 0);
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 120 }), (steps) => {
        const world = new World();
        for (const what of steps) {
          move(world, what);
          for (const output of [0, 1]) expect(world.cursor(output)).toBe(world.open(output));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("what was made anew and settled is known to be when what it was made of is read again", () => {
    const world = new World();
    for (let i = 0; i < 3; i += 1) world.enter(1);
    // Of the last of the three; the first is still inside.
    world.return(2, 0, 1);
    world.settle(0, 0);
    world.giveUp(0);
    const [tracker] = world.trackers;
    expect(world.cursor(0)).toBe(2);
    expect(tracker?.takeDone(2)).toEqual(["1made1"]);
  });

  it("what comes out after everything had left is kept with the next entry", () => {
    const world = new World();
    world.enter(1);
    world.giveUp(0);
    const [tracker] = world.trackers;
    expect(tracker?.admission(message("late"), 0)).toBe("new");
    tracker?.queued(message("late"), 0);
    world.enter(0);
    expect(tracker?.cursor).toBe(2);
    tracker?.settled([message("late")]);
    expect(tracker?.cursor).toBe(3);
  });
});

describe("after a crash, with an output that had come to entry 5 of 6,", () => {
  const recovered = (
    atMostOnce: boolean,
    intended: [string, number][] = [],
  ): {
    inFlight: InFlightEntries;
    tracker: SettlementTracker;
    read: (entry: number, ...ids: string[]) => void;
  } => {
    const inFlight = new InFlightEntries();
    inFlight.recoverTo = 6;
    const recovery = {
      cursor: 5,
      lastEntry: 6,
      done: new Map(),
      intended: new Map(intended),
      uncertain: 0,
    };
    const tracker = new SettlementTracker(recovery, () => atMostOnce, inFlight);
    const read = (entry: number, ...ids: string[]): void => {
      inFlight.entered(ids.map(message), entry);
      inFlight.read(entry);
      tracker.read(entry);
    };
    return { inFlight, tracker, read };
  };

  it("what was made anew of nobody knows which entry is uncertain only when it must not be sent twice", () => {
    for (const atMostOnce of [true, false]) {
      const { inFlight, tracker, read } = recovered(atMostOnce);
      read(3, "a");
      expect(tracker.admission(message("made"), 0)).toBe("done");
      read(5, "b");
      expect(tracker.admission(message("made"), 0)).toBe(atMostOnce ? "uncertain" : "new");
      inFlight.gone([message("a")]);
      expect(tracker.admission(message("made"), 0)).toBe("new");
    }
  });

  it("what was given up and comes out after all is known by its entry", () => {
    const { inFlight, tracker, read } = recovered(true);
    read(3, "a");
    inFlight.gone([message("a")]);
    read(5, "b");
    expect(tracker.admission(message("a"), 0)).toBe("done");
    inFlight.returned([message("b")]);
    expect(tracker.admission(message("b"), 0)).toBe("new");
  });

  it("what may have been sent is remembered for as long as it may come out", () => {
    const { inFlight, tracker, read } = recovered(true, [["1a", 1]]);
    read(5, "a");
    read(6);
    inFlight.gone([message("a")]);
    read(7, "b");
    expect(tracker.admission(message("a"), 0)).toBe("uncertain");
    expect(tracker.uncertain).toBe(1);
  });

  it("messages of other inputs are none of its business", () => {
    const { inFlight, tracker, read } = recovered(true);
    read(3, "a");
    read(5, "b");
    inFlight.entered([message("other")], 0);
    inFlight.returned([message("other")]);
    expect(tracker.admission(message("other"), 0)).toBe("new");
    tracker.queued(message("other"), 0);
    inFlight.passed();
    expect(tracker.needsIntent(message("other"))).toBe(false);
    expect(inFlight.count).toBe(2);
  });
});
