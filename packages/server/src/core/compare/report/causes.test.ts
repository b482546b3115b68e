// What follows from what: values that were lost, numbers that are seen again in a page.
import { describe, expect, it } from "vitest";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import { CauseFinder } from "./causes.ts";
import type { Suspect } from "./causes.ts";
import type { ExchangeRef } from "../differences/place.ts";
import { Values } from "../differences/values.ts";

const ID = "8662b622-48f7-4e8a-8a29-9f3c27a39c04";

function exchange(index: number, more: Partial<ExchangeRef> = {}): ExchangeRef {
  return {
    index,
    id: String(index),
    endpoint: "GET /",
    session: 1,
    isWrite: false,
    hasForeignCredentials: false,
    originalAtMs: index,
    originalEndMs: index,
    replayedAtMs: index,
    replayedEndMs: index,
    touched: [],
    given: [],
    ...more,
  };
}

function suspect(
  at: ExchangeRef,
  what: Pick<Suspect, "part" | "path" | "kind">,
  a: string,
  b: string,
): Suspect {
  return { endpoint: "", ...what, occurrences: [{ exchange: at, a, b, control: undefined }] };
}

/** The request at `index` carries the id. */
function used(index: number): Values {
  const values = new Values();
  const http = HttpMessage.fromRaw(Buffer.from(`GET /accounts/${ID} HTTP/1.1\r\n\r\n`));
  const request = {
    kind: MessageKind.request,
    id: "1",
    startedAt: 1n,
    latencyNs: 1,
    http,
  } as const;
  values.asked(request, 1, index);
  return values;
}

const found = (suspects: readonly Suspect[], values: Values): ReadonlyMap<Suspect, Suspect> =>
  new CauseFinder(suspects, [], values, (session) => session).find().causeOf;

describe("a list that lost an element", () => {
  const list = suspect(
    exchange(1, { given: [ID] }),
    { part: "body", path: "$.a", kind: "length" },
    "3",
    "2",
  );
  const status = { part: "status", path: "", kind: "status" } as const;

  it("explains that what it did not give is not found", () => {
    const later = suspect(exchange(2), status, "200", "404");
    expect(found([list, later], used(2)).get(later)).toBe(list);
  });

  it("explains nothing of other requests, other sessions and other parts", () => {
    const other = suspect(exchange(3), status, "200", "404");
    const strange = suspect(exchange(2, { session: 2 }), status, "200", "404");
    const body = suspect(exchange(2), { part: "body", path: "$.b", kind: "value" }, "1", "2");
    expect(found([list, other], used(2)).size).toBe(0);
    expect(found([list, strange], used(2)).size).toBe(0);
    expect(found([list, body], used(2)).size).toBe(0);
  });
});

describe("a number that was stored wrongly", () => {
  const write = exchange(1, { isWrite: true });
  const stored = suspect(write, { part: "body", path: "$.amount", kind: "value" }, "1.10", "1.00");

  it("explains a sum in a page", () => {
    const page = suspect(
      exchange(2),
      { part: "body", path: "", kind: "text" },
      "4530.82",
      "4530.92",
    );
    expect(found([stored, page], new Values()).get(page)).toBe(stored);
  });

  it("explains no words", () => {
    const page = suspect(exchange(2), { part: "body", path: "", kind: "text" }, "red", "blue");
    expect(found([stored, page], new Values()).size).toBe(0);
  });
});

describe("a link that leads elsewhere", () => {
  it("explains that what it named is not found", () => {
    const what = { part: "header", path: "location", kind: "value" } as const;
    const link = suspect(exchange(1), what, `/home/${ID}`, "/welcome");
    const status = { part: "status", path: "", kind: "status" } as const;
    const later = suspect(exchange(2), status, "200", "404");
    expect(found([link, later], used(2)).get(later)).toBe(link);
    const other = suspect(exchange(3), status, "200", "404");
    expect(found([link, other], used(2)).size).toBe(0);
  });
});

describe("a page that did not come", () => {
  it("explains that what it would have given is not found", () => {
    const status = { part: "status", path: "", kind: "status" } as const;
    const page = suspect(exchange(1, { given: [ID] }), status, "200", "404");
    const later = suspect(exchange(2), status, "200", "403");
    expect(found([page, later], used(2)).get(later)).toBe(page);
  });
});

describe("a list of other things", () => {
  const given = exchange(1, { given: [ID] });
  const status = { part: "status", path: "", kind: "status" } as const;

  it.each([
    ["$.accounts[].id", "value"],
    ["$.accounts[].uuid", "leak"],
  ] as const)("(%s, %s) explains that what the original gave is not found", (path, kind) => {
    const list = suspect(given, { part: "body", path, kind }, "10014", "56014");
    const later = suspect(exchange(2), status, "200", "404");
    expect(found([list, later], used(2)).get(later)).toBe(list);
  });

  it("is none when only a price is another", () => {
    const what = { part: "body", path: "$.accounts[].price", kind: "value" } as const;
    const list = suspect(given, what, "10014", "56014");
    const later = suspect(exchange(2), status, "200", "404");
    expect(found([list, later], used(2)).size).toBe(0);
  });
});
