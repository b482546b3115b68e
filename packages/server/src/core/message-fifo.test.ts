// The queue against a plain array, for any order of putting in, putting in front, taking and looking.
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Message } from "@mirrorball/protocol";
import { get } from "../../test/kit.ts";
import { MessageFifo } from "./message-fifo.ts";

const step = fc.oneof(
  fc.record({ do: fc.constant("push" as const), count: fc.nat({ max: 1500 }) }),
  fc.record({ do: fc.constant("front" as const), count: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant("take" as const), count: fc.nat({ max: 1500 }) }),
  fc.record({ do: fc.constant("clear" as const), count: fc.constant(0) }),
);

it("behaves as an array would", () => {
  const paths = [get("/"), get("/longer"), get("/longer/still")];
  fc.assert(
    fc.property(fc.array(step, { maxLength: 10 }), (steps) => {
      const fifo = new MessageFifo();
      const model: Message[] = [];
      let next = 0;
      const make = (count: number): Message[] =>
        Array.from({ length: count }, () => {
          next += 1;
          return { ...(paths[next % 3] ?? get("/")), id: String(next) };
        });
      for (const { do: what, count } of steps) {
        if (what === "push") {
          const messages = make(count);
          for (const message of messages) fifo.push(message);
          model.push(...messages);
        } else if (what === "front") {
          const messages = make(count);
          fifo.pushFront(messages);
          model.unshift(...messages);
        } else if (what === "take") {
          for (let i = 0; i <= count; i += 1) expect(fifo.take()).toBe(model.shift());
        } else {
          expect(fifo.clear()).toEqual(model.splice(0));
        }
        expect(fifo.length).toBe(model.length);
        expect(fifo.bytes).toBe(model.reduce((sum, { http }) => sum + http.byteLength, 0));
        for (const ahead of [0, 1, model.length - 1, model.length])
          expect(fifo.peek(ahead)).toBe(model[ahead]);
      }
    }),
    { numRuns: 40 },
  );
});
