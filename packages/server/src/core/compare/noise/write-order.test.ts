import { describe, expect, it } from "vitest";
import type { ExchangeRef } from "../differences/place.ts";
import { WriteOrder } from "./write-order.ts";

type Times = readonly [start: number, end: number];

function exchange(
  index: number,
  recorded: Times,
  replayed: Times,
  ...touched: string[]
): ExchangeRef {
  return {
    index,
    id: String(index),
    endpoint: "",
    session: index,
    isWrite: true,
    hasForeignCredentials: false,
    originalAtMs: recorded[0],
    originalEndMs: recorded[1],
    replayedAtMs: replayed[0],
    replayedEndMs: replayed[1],
    touched,
    given: [],
  };
}

function isOpen(recorded: Times, replayed: Times, thing = "account"): boolean {
  const order = new WriteOrder();
  order.add(exchange(0, [10, 20], [110, 120], "account"));
  return order.isOpen(exchange(1, recorded, replayed, thing));
}

describe("whether a write came before an exchange", () => {
  it("is certain when both sides say so", () => {
    expect(isOpen([20, 30], [120, 130])).toBe(false);
    expect(isOpen([0, 10], [100, 110])).toBe(false);
  });

  it("is open when they were under way together, on either side", () => {
    expect(isOpen([15, 30], [120, 130])).toBe(true);
    expect(isOpen([20, 30], [119, 130])).toBe(true);
  });

  it("is open when the sides disagree", () => {
    expect(isOpen([20, 30], [100, 110])).toBe(true);
  });

  it("is nobody's matter when it was a write to something else, or the same exchange", () => {
    expect(isOpen([15, 30], [115, 130], "another account")).toBe(false);
    const order = new WriteOrder();
    const write = exchange(0, [10, 20], [110, 120], "account");
    order.add(write);
    expect(order.isOpen(write)).toBe(false);
  });

  it("is not asked of what nearly every write touches", () => {
    const order = new WriteOrder();
    for (let i = 0; i < 40; i += 1) order.add(exchange(i, [10, 20], [110, 120], "tenant", `${i}`));
    expect(order.isOpen(exchange(99, [15, 30], [115, 130], "tenant"))).toBe(false);
    expect(order.isOpen(exchange(99, [15, 30], [115, 130], "tenant", "7"))).toBe(true);
  });
});
