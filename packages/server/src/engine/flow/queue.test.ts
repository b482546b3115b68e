// The queue in front of an output: order, both bounds, both policies, and that who waits is let go.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { get, request } from "../../../test/kit.ts";
import { OutputAccount } from "../accounting/ledger.ts";
import { BoundedQueue } from "./queue.ts";

const LARGE_BYTES = 33 * 1024 * 1024;

const queueOf = (lengthMax: number, policy: "wait" | "drop" = "wait"): BoundedQueue =>
  new BoundedQueue(new OutputAccount(), lengthMax, policy);

describe("a bounded queue", () => {
  it("gives what was put in, in order, whatever is taken between", () => {
    const step = fc.oneof(
      fc.record({ put: fc.integer({ min: 0, max: 3000 }) }),
      fc.record({ take: fc.integer({ min: 1, max: 3000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const account = new OutputAccount();
        const queue = new BoundedQueue(account, 100, "wait");
        const one = get("/");
        let next = 0;
        let expected = 0;
        for (const what of steps) {
          if ("put" in what) {
            const batch = Array.from({ length: what.put }, () => ({ ...one, id: String(next++) }));
            queue.put(batch);
          } else {
            for (const { id } of queue.takeBatch(what.take)) {
              expect(id).toBe(String(expected));
              expected += 1;
            }
          }
          expect(queue.length).toBe(next - expected);
          expect(queue.bytes).toBe(queue.length * one.http.byteLength);
          expect(account.queued).toBe(queue.length);
          expect(account.outstanding).toBe(expected);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("says when it is not empty any more, once", () => {
    const queue = queueOf(10);
    let said = 0;
    queue.onReadable = () => (said += 1);
    queue.put([]);
    expect(said).toBe(0);
    queue.put([get("/"), get("/")]);
    queue.put([get("/")]);
    expect(said).toBe(1);
    queue.takeBatch(3);
    queue.put([get("/")]);
    expect(said).toBe(2);
  });

  it("makes room at the half", async () => {
    const queue = queueOf(4);
    queue.put([get("/"), get("/"), get("/"), get("/")]);
    const { room } = queue;
    if (room === undefined) throw new Error("it has room");
    let open = false;
    const opened = room.then(() => (open = true));
    queue.take();
    expect(queue.room).toBeUndefined();
    await Promise.resolve();
    expect(open).toBe(false);
    queue.take();
    await opened;
  });

  it("is full of bytes, too", () => {
    const queue = queueOf(1000, "drop");
    const body = "x".repeat(LARGE_BYTES);
    const large = request(`POST / HTTP/1.1\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n${body}`);
    queue.put([large]);
    expect(queue.refusal).toBeUndefined();
    queue.put([large]);
    expect(queue.refusal).toBe("queue-full");
    queue.takeBatch(2);
    expect(queue.refusal).toBeUndefined();
  });

  it("refuses nothing while it makes inputs wait, and everything once it is closed", async () => {
    const queue = queueOf(1);
    queue.put([get("/")]);
    expect(queue.refusal).toBeUndefined();
    const { room } = queue;
    queue.close();
    await room;
    expect(queue.refusal).toBe("shutdown");
    expect(queue.room).toBeUndefined();
    expect(queue.take()).toBeUndefined();
  });
});
