// Comma-separated text as rows of named cells.
import { describe, expect, it } from "vitest";
import { tableOf } from "./table.ts";

describe("a table of text", () => {
  it.each([
    ["commas", "id,text\n1,tea\n2,gift\n"],
    ["semicolons", "id;text\n1;tea\n2;gift"],
    ["tabs and carriage returns", "id\ttext\r\n1\ttea\r\n2\tgift\r\n"],
    ["quotes", '"id","text"\n"1","tea"\n2,"gift"\n'],
  ])("names its cells by the head line: %s", (_name, text) => {
    expect(tableOf(text)).toEqual([
      { id: "1", text: "tea" },
      { id: "2", text: "gift" },
    ]);
  });

  it("keeps what quotes hold: separators, line ends and quotes", () => {
    expect(tableOf('id,text\n1,"a,b\n""c"""\n')).toEqual([{ id: "1", text: 'a,b\n"c"' }]);
  });

  it("gives cells beyond the head line the number of their column", () => {
    expect(tableOf("id,text\n1,tea,more\n2\n")).toEqual([
      { id: "1", text: "tea", "column 3": "more" },
      { id: "2" },
    ]);
  });

  it.each([
    ["one column", "id\n1\n"],
    ["no text", ""],
    ["numbers for a head", "1,2\n3,4\n"],
    ["a name twice", "id,id\n1,2\n"],
    ["an empty name", "id,\n1,2\n"],
    ["a name that is no plain member", "id,__proto__\n1,2\n"],
    ["a quote that is never closed", 'id,text\n1,"tea\n'],
  ])("leaves to plain text what is no table: %s", (_name, text) => {
    expect(tableOf(text)).toBeUndefined();
  });

  it("ends on any text", () => {
    for (const text of [",", "a,b", "a,b\r", 'a,b\n"', 'a,b\n"x"y,z', "a,b\n\n\n", ",,\n"]) {
      expect(() => tableOf(text)).not.toThrow();
    }
  });
});
