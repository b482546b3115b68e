import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../content/json.ts";
import { replaceInJson } from "./json-scan.ts";

/** JSON text with blanks of its own between all tokens. */
const spaced = fc
  .tuple(fc.jsonValue(), fc.constantFrom("", "  ", "\t", " \n"))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent));

describe("replaceInJson", () => {
  it("gives the same text when nothing is replaced", () => {
    fc.assert(
      fc.property(spaced, (text) => {
        expect(replaceInJson(text, () => undefined)).toBe(text);
      }),
    );
  });

  it("changes the scalars that it is told to and not one byte more", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean()), { maxLength: 20 }), (parts) => {
        const literal = (text: string): string => JSON.stringify(text);
        const gap = ' ,\n\t"keep":  -1.50e+3 , "x" : ';
        const text = `{ "x" : ${parts.map(([value]) => literal(value)).join(gap)}${parts.length === 0 ? "null" : ""} }`;
        // A number a value, so that the replacement depends on the place alone.
        let at = -1;
        const seen: string[] = [];
        const replaced = replaceInJson(text, (value, name) => {
          if (name !== "x") return undefined;
          at += 1;
          seen.push(value);
          return parts[at]?.[1] ? `${value}!` : undefined;
        });
        expect(seen).toEqual(parts.map(([value]) => value));
        const wanted = parts
          .map(([value, change]) => literal(change ? `${value}!` : value))
          .join(gap);
        expect(replaced).toBe(`{ "x" : ${wanted}${parts.length === 0 ? "null" : ""} }`);
      }),
    );
  });

  it("tells name, path and whether it is text", () => {
    const seen: string[] = [];
    replaceInJson(
      '{"a":[{"b\\n":"1"},2],"c":{"d":-3.5},"e":[true,null]}',
      (value, name, path, isText) => {
        seen.push(`${path} ${JSON.stringify(name)} ${value} ${isText}`);
        return undefined;
      },
    );
    expect(seen).toEqual(['$.a[].b\n "b\\n" 1 true', '$.a[] "a" 2 false', '$.c.d "d" -3.5 false']);
  });

  it("writes a number as a number, and as text when its image is none", () => {
    expect(replaceInJson('{"id": 17 }', () => "23")).toBe('{"id": 23 }');
    expect(replaceInJson('{"id": 17 }', () => "a b")).toBe('{"id": "a b" }');
    expect(replaceInJson('"x"', () => 'say "hi"\n')).toBe('"say \\"hi\\"\\n"');
  });

  it("ends for texts that are no JSON at all", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[],:"\\1a \n'.split("")) }), (text) => {
        expect(replaceInJson(text, () => undefined)).toBe(text);
      }),
    );
  });

  it("keeps its paths short, so that hostile names cost no more than they weigh", () => {
    const name = "n".repeat(400);
    const text = `${`{"${name}":`.repeat(200)}[${"1,".repeat(50_000)}1]${"}".repeat(200)}`;
    expect(parseJson(text)).toBeDefined();
    let longest = 0;
    replaceInJson(text, (_value, _name, path) => {
      longest = Math.max(longest, path.length);
      return undefined;
    });
    expect(longest).toBeLessThan(600);
  });
});
