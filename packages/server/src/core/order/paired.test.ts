import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PairedRelease } from "./paired.ts";
import type { Side } from "./paired.ts";

const http = HttpMessage.fromRaw(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
const message = (id: string): Message => ({
  kind: MessageKind.request,
  id,
  startedAt: 0,
  latencyNs: 0,
  http,
});

/** Both sides with room as given, and what was sent: `0:id`. */
function paired(room: [number, number] = [100, 100], random: () => number = () => 0) {
  const sent: string[] = [];
  const later: (() => void)[] = [];
  const release = new PairedRelease(random, (run) => later.push(run));
  for (const side of [0, 1] as const) {
    release.join(side, {
      get room() {
        return room[side];
      },
      release: ({ id }) => {
        sent.push(`${side}:${id}`);
        room[side] -= 1;
      },
    });
  }
  const pump = (): void => {
    release.pumpSoon();
    for (const run of later.splice(0)) run();
  };
  return { release, sent, pump, room };
}

describe("a pair", () => {
  it("goes when both sides may send it, at the same moment", () => {
    const { release, sent, pump } = paired();
    release.ready(0, message("a"));
    pump();
    expect(sent).toEqual([]);
    release.ready(1, message("a"));
    pump();
    expect(sent).toEqual(["0:a", "1:a"]);
    expect(release.alone).toBe(0);
  });

  it("waits for room on both sides", () => {
    const { release, sent, pump, room } = paired([1, 0]);
    for (const side of [0, 1] as const) release.ready(side, message("a"));
    pump();
    expect(sent).toEqual([]);
    room[1] = 1;
    pump();
    expect(sent).toEqual(["0:a", "1:a"]);
  });

  it("has an order that chance decides", () => {
    const choices = [0.2, 0.7, 0.9, 0.4];
    const { release, sent, pump } = paired(undefined, () => choices.shift() ?? 0);
    for (const id of ["a", "b", "c", "d"])
      for (const side of [0, 1] as const) release.ready(side, message(id));
    pump();
    expect(sent).toEqual(["0:a", "1:a", "1:b", "0:b", "1:c", "0:c", "0:d", "1:d"]);
  });

  it("of which one side will never have its half goes alone, whoever says so first", () => {
    const { release, sent, pump } = paired();
    release.gone("a");
    release.ready(0, message("a"));
    release.ready(1, message("b"));
    release.gone("b");
    pump();
    expect(sent).toEqual(["0:a", "1:b"]);
    expect(release.alone).toBe(2);
  });
});

it("nothing is lost or sent twice, and nobody waits for ever", () => {
  const step = fc.tuple(fc.nat({ max: 9 }), fc.constantFrom<Side>(0, 1), fc.boolean());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const { release, sent, pump } = paired();
      const told = [new Set<string>(), new Set<string>()] as const;
      const ready: string[] = [];
      for (const [n, side, isGone] of steps) {
        const id = String(n);
        if (told[side].has(id)) continue;
        told[side].add(id);
        if (isGone) release.gone(id);
        else {
          ready.push(`${side}:${id}`);
          release.ready(side, message(id));
        }
      }
      for (const side of [0, 1] as const) {
        for (let n = 0; n < 10; n += 1) if (!told[side].has(String(n))) release.gone(String(n));
      }
      pump();
      expect(sent.toSorted()).toEqual(ready.toSorted());
    }),
  );
});

it("halves that wait are bounded: the oldest goes alone, and so does the other one later", () => {
  const { release, sent, pump } = paired([1e6, 1e6]);
  for (let i = 0; i < 4097; i += 1) release.ready(0, message(String(i)));
  pump();
  expect(sent).toEqual(["0:0"]);
  release.ready(1, message("0"));
  pump();
  expect(sent).toEqual(["0:0", "1:0"]);
});
