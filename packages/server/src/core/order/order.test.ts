// Recorded order within sequences, and what makes a sequence.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message, MessageContext } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderKeeper } from "./order-keeper.ts";
import { parseOrderKey } from "./order-key.ts";

function message(raw: string, id = "0".repeat(24), context?: MessageContext): Message {
  const http = HttpMessage.fromRaw(Buffer.from(`${raw}\r\n\r\n`, "latin1"));
  return { kind: MessageKind.request, id, startedAt: 0, latencyNs: 0, http, context };
}

describe("parseOrderKey", () => {
  const keyOf = (form: string, of: Message): string | undefined => parseOrderKey(form)?.(of);
  const get = message("GET /a?sid=x%20y&b=2 HTTP/1.1\r\nX-User: 7\r\ncookie: a=1; sid=abc=; b=2");

  it("reads header, cookie and parameter", () => {
    expect(keyOf("header:x-user", get)).toBe("7");
    expect(keyOf("cookie:sid", get)).toBe("abc=");
    expect(keyOf("param:sid", get)).toBe("x%20y");
    for (const form of ["header:none", "cookie:id", "param:a"])
      expect(keyOf(form, get)).toBeUndefined();
    expect(keyOf("param:sid", message("not http"))).toBeUndefined();
  });

  it("knows connections from the SDK, and from the ids of a raw capture", () => {
    const sdk = message("GET / HTTP/1.1", "aaaaaaaaaaaa000000000001", { connection: 4 });
    expect(keyOf("connection", sdk)).toBe("aaaaaaaaaaaa/4");
    expect(keyOf("connection", message("", "83601ff57f0000011faa42a6"))).toBe("83601ff57f000001");
    expect(keyOf("connection", message("", "aaaaaaaaaaaa000000000001"))).toBeUndefined();
    expect(keyOf("connection", message("", "another-kind-of-id"))).toBeUndefined();
  });

  it.each(["", "header", "header:", "connection:x", "session:a", "cookie:a b"])("refuses %j", (form) =>
    expect(parseOrderKey(form)).toBeUndefined(),
  ); // prettier-ignore
});

describe("OrderKeeper", () => {
  /** Messages whose sequence is the first character of their id. */
  const keyOf = ({ id }: Message): string | undefined => (id.startsWith("-") ? undefined : id[0]);
  const source = (ids: readonly string[]) => {
    const left = ids.map((id) => message("GET / HTTP/1.1", id));
    return {
      get length() {
        return left.length;
      },
      take: () => left.shift(),
    };
  };

  it("keeps order within sequences, gives everything out once, and stops for nothing else", () => {
    const ids = fc.array(
      fc.constantFrom("a", "b", "c", "-").map((key) => key),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(ids, fc.infiniteStream(fc.nat(100)), (keys, random) => {
        const all = keys.map((key, i) => `${key}${i}`);
        const from = source(all);
        const keeper = new OrderKeeper(keyOf);
        const under: Message[] = [];
        const given: string[] = [];
        while (given.length < all.length || under.length > 0) {
          const next = keeper.next(from);
          if (next !== undefined) {
            expect(next.id.startsWith("-") || !under.some(({ id }) => id[0] === next.id[0])).toBe(true);
            under.push(next);
            given.push(next.id);
          } else {
            expect(under.length).toBeGreaterThan(0);
          }
          if (next === undefined || Number(random.next().value) > 50) {
            const [settled] = under.splice(Number(random.next().value) % under.length, 1);
            if (settled !== undefined) keeper.settled(settled);
          }
        }
        expect(given.toSorted()).toEqual(all.toSorted());
        for (const key of ["a", "b", "c"]) {
          const ours = (id: string): boolean => id.startsWith(key);
          expect(given.filter(ours)).toEqual(all.filter(ours));
        }
      }),
    );
  }); // prettier-ignore

  it("takes nothing more while too many wait", () => {
    const keeper = new OrderKeeper(keyOf, 2);
    const from = source(["a1", "a2", "a3", "b1"]);
    const first = keeper.next(from);
    expect(first?.id).toBe("a1");
    expect(keeper.next(from)).toBeUndefined();
    expect([from.length, keeper.hasNext(from)]).toEqual([1, false]);
    if (first !== undefined) keeper.settled(first);
    expect(keeper.hasNext(from)).toBe(true);
    expect([keeper.next(from)?.id, keeper.next(from)?.id]).toEqual(["a2", "b1"]);
  });
});
