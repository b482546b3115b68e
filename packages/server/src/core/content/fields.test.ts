import { describe, expect, it } from "vitest";
import { bearerOf, cookiesOf, keyFieldsOf, setCookiesOf } from "./fields.ts";
import { htmlValues } from "./html.ts";

describe("cookies of a request", () => {
  it("come from all Cookie fields, values as they stand", () => {
    expect(cookiesOf(["Cookie", 'a=1; b="x=y"', "cookie", "c=; =d; e"])).toEqual([
      { name: "a", value: "1" },
      { name: "b", value: '"x=y"' },
      { name: "c", value: "" },
    ]);
  });

  it("are two hundred at most", () => {
    expect(cookiesOf(["Cookie", "a=1;".repeat(10_000)])).toHaveLength(200);
  });
});

it("a Set-Cookie field is cut into name, value and attributes", () => {
  expect(
    setCookiesOf(["Set-Cookie", "sid=a=b; Path=/; HttpOnly ;Max-Age=5", "Set-Cookie", "x"]),
  ).toEqual([
    {
      name: "sid",
      value: "a=b",
      attributes: [
        { name: "path", value: "/" },
        { name: "httponly", value: "" },
        { name: "max-age", value: "5" },
      ],
    },
  ]);
});

it.each([
  ["Bearer abc", "abc"],
  ["abc", "abc"],
  ["Bearer ", undefined],
  ["Basic dTpw", "dTpw"],
])("the credential of %j is %s", (value, token) => {
  expect(bearerOf(["Authorization", value])).toBe(token);
});

it("fields by which services know a caller are found in any case, and others are not", () => {
  const fields = [
    "X-Api-Key",
    "1",
    "x-acme-auth-token",
    "2",
    "X-Session-Id",
    "3",
    "X-Request-Id",
    "4",
  ];
  expect(keyFieldsOf(fields)).toEqual(["1", "2", "3"]);
});

describe("values that a page gives its reader to send back", () => {
  it.each([
    ['<input type="hidden" name="csrf" value="a&amp;b">', "csrf", "a&b"],
    ["<INPUT\nname='t' value='it''s'>", "t", "it"],
    ["<input name=plain value=x/>", "plain", "x"],
    ['<meta name="csrf-token" content="tok">', "csrf-token", "tok"],
    ['<input name="a" value="1" value="2">', "a", "1"],
  ])("of %j", (html, name, value) => expect(htmlValues(html)).toEqual([{ name, value }]));

  it.each([
    '<meta name="viewport" content="width=device-width">',
    "<inputs name=a value=b>",
    "<input name=a",
    "<input value=a>",
  ])("of %j are none", (html) => expect(htmlValues(html)).toEqual([]));

  it("are none in a tag that is longer than any", () => {
    expect(htmlValues(`<input name=a value="${"x".repeat(5000)}">`)).toEqual([]);
  });

  it("stand behind ten thousand other tags, too", () => {
    const html = `${"<td>".repeat(10_000)}<input name=a value=b>`;
    expect(htmlValues(html)).toEqual([{ name: "a", value: "b" }]);
  });
});
