// Bodies by what they are: tables by column, text token by token.
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { bodyDifferences } from "./bodies.ts";
import type { Difference } from "./difference.ts";
import { View } from "./view.ts";

type Seen = Pick<Difference, "kind" | "where" | "a" | "b">[];

const seen = (type: string, a: string, b: string): Seen => between(type, a, type, b);

function between(typeA: string, a: string, typeB: string, b: string): Seen {
  const view = (type: string, body: string): View => {
    const length = Buffer.byteLength(body);
    const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;
    const http = HttpMessage.fromRaw(Buffer.from(`${head}${body}`));
    return new View({ kind: MessageKind.response, id: "1", startedAt: 1n, latencyNs: 1, http });
  };
  const knowledge = { image: () => undefined, isKnown: () => false };
  return bodyDifferences(view(typeA, a), view(typeB, b), knowledge).map(
    ({ kind, where, a: x, b: y }) => ({
      kind,
      where,
      a: x,
      b: y,
    }),
  );
}

describe("a body that is announced as something else", () => {
  it("is compared as what the original was, when it can be", () => {
    expect(between("text/csv", "id,text\n1,tea\n", "text/plain", "id,text\n1,gift\n")).toEqual([
      { kind: "value", where: "$[].text", a: "tea", b: "gift" },
    ]);
    expect(between("application/json", '{"a":1}', "text/html", '{"a":1} ')).toEqual([]);
  });

  it("is another kind, when it cannot", () => {
    const [first] = between("application/json", '{"a":1}', "text/html", "<p>no</p>");
    expect(first).toMatchObject({ kind: "type" });
  });
});

describe("tables", () => {
  const a = "id,text,amount\n1,tea,2.50\n2,gift,9.00\n";

  it("are compared by column", () => {
    expect(seen("text/csv", a, "id,text,amount\n1,tea,2.5\n2,gift,9.0\n")).toEqual([
      { kind: "value", where: "$[].amount", a: "2.50", b: "2.5" },
      { kind: "value", where: "$[].amount", a: "9.00", b: "9.0" },
    ]);
  });

  it("know a row that is lost", () => {
    const [first] = seen("text/csv", a, "id,text,amount\n2,gift,9.00\n");
    expect(first).toMatchObject({ kind: "length", a: "2", b: "1" });
  });

  it("know a column with another name", () => {
    const kinds = seen("text/csv", a, a.replace("text", "note")).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["missing", "added"]));
  });

  it("are text when they are no tables", () => {
    expect(seen("text/csv", "a line\n", "a word\n")).toEqual([
      { kind: "text", where: "a *", a: "line", b: "word" },
    ]);
  });
});

describe("text", () => {
  it("has a place for each token that differs", () => {
    expect(seen("text/html", '<p id="a1">x</p> b2\n', '<p id="c3">x</p> d4\n')).toEqual([
      { kind: "text", where: '<p id="*">x</p> …', a: "a1", b: "c3" },
      { kind: "text", where: '<p id="…">x</p> *', a: "b2", b: "d4" },
    ]);
  });
});
