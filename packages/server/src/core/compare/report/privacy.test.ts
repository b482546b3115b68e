// Whose a value is: callers with several sessions, and what everybody sees.
import { describe, expect, it } from "vitest";
import { Privacy } from "./privacy.ts";
import type { ExchangeRef, Occurrence } from "../differences/place.ts";
import { Values } from "../differences/values.ts";

const uuid = (n: number): string => `8662b622-48f7-4e8a-8a29-${String(n).padStart(12, "0")}`;

/** What each session was shown, in order: its number and the numbers of the values. */
function privacyOf(shown: readonly (readonly [session: number, values: readonly number[]])[]) {
  const values = new Values();
  const stored: Occurrence[] = [];
  for (const [index, [session, numbers]] of shown.entries()) {
    for (const n of numbers) {
      values.answered(session, {
        kind: "json",
        bytes: new Uint8Array(),
        text: "",
        json: { id: uuid(n) },
      });
      const exchange = { index, session } as ExchangeRef;
      stored.push({ exchange, a: uuid(n), b: "", control: undefined });
    }
  }
  return new Privacy(stored, values, (session) => session);
}

describe("a place that shows each caller his own", () => {
  it("is private, and another's value is known", () => {
    const privacy = privacyOf([
      [1, [1, 2]],
      [2, [3, 4]],
      [3, [5]],
    ]);
    expect(privacy.isPrivate).toBe(true);
    expect(privacy.isOfAnother(1, uuid(1), uuid(3))).toBe(true);
    expect(privacy.isOfAnother(1, uuid(1), uuid(2))).toBe(false);
    // Nobody's, and not even the session's own.
    expect(privacy.isOfAnother(1, uuid(1), uuid(99))).toBe(false);
    expect(privacy.isOfAnother(2, uuid(1), uuid(5))).toBe(false);
  });

  it("is private also where a caller has two sessions, which may see each other's", () => {
    const privacy = privacyOf([
      [1, [1, 2]],
      [2, [2]],
      [3, [5]],
      [4, [6]],
    ]);
    expect(privacy.isPrivate).toBe(true);
    expect(privacy.isOfAnother(2, uuid(2), uuid(1))).toBe(false);
    expect(privacy.isOfAnother(2, uuid(2), uuid(5))).toBe(true);
  });
});

describe("a place that shows everybody the same", () => {
  it.each([
    ["one list", Array.from({ length: 12 }, (_, i) => [i, [1, 2, 3]] as const)],
    ["pages that overlap", Array.from({ length: 12 }, (_, i) => [i, [i, i + 1, i + 2]] as const)],
    ["one session", [[1, [1, 2, 3]] as const]],
  ])("is not: %s", (_name, shown) => expect(privacyOf(shown).isPrivate).toBe(false));
});
