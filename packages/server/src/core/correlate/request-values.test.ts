import { gzipSync } from "node:zlib";
import { HttpMessage, MessageKind, headerValue, isResponseHead } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slotsOf, substitute } from "./request-values.ts";
import type { Slot } from "./request-values.ts";

function request(
  start: string,
  fields: readonly string[] = [],
  body: string | Uint8Array = "",
): Message {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const head = [
    `${start} HTTP/1.1`,
    "Host: x.test",
    ...fields,
    `Content-Length: ${bytes.length}`,
    "",
    "",
  ];
  const http = HttpMessage.fromRaw(
    Buffer.concat([Buffer.from(head.join("\r\n"), "latin1"), bytes]),
  );
  return { kind: MessageKind.request, id: "1", startedAt: 0, latencyNs: 0, http };
}

const OLD = "q7Zt9KpL2mXw4Rb8Aa11";
const NEW = "Zq8Lm2Xw4Rb8Kp9Tt7";
const swap = ({ value }: Slot): string | undefined => (value === OLD ? NEW : undefined);

function target({ http: { head } }: Message): string {
  return head === undefined || isResponseHead(head) ? "" : head.target;
}

function field(message: Message, name: string): string | undefined {
  return headerValue(message.http.head?.headers ?? [], name);
}

const text = (message: Message): string => Buffer.from(message.http.body).toString();
const JSON_TYPE = "Content-Type: application/json";

describe("a token is replaced", () => {
  it.each([
    [`GET /a/${OLD}/b`, `/a/${NEW}/b`],
    [`GET http://h.test/${OLD}?x=1`, `http://h.test/${NEW}?x=1`],
    [`GET /a?t=${OLD}&u=2`, `/a?t=${NEW}&u=2`],
    [`GET /a?list=1,${OLD},3`, `/a?list=1,${NEW},3`],
    [`GET /a?t=1%2C${OLD}`, `/a?t=1%2C${NEW}`],
    [`GET /urn:x:${OLD}`, `/urn:x:${NEW}`],
    [`GET /a?q=a+b,${OLD}`, `/a?q=a+b,${NEW}`],
  ])("in the target %s", (start, expected) => {
    expect(target(substitute(request(start), swap))).toBe(expected);
  });

  it.each([
    ["Authorization", `Bearer ${OLD}`, `Bearer ${NEW}`],
    ["Cookie", `a=1; sid=${OLD}; b="2"`, `a=1; sid=${NEW}; b="2"`],
    ["X-CSRF-Token", OLD, NEW],
    ["If-Match", `W/"${OLD}"`, `W/"${NEW}"`],
    ["Referer", `http://x.test/a/${OLD}?b=1`, `http://x.test/a/${NEW}?b=1`],
  ])("in the field %s", (name, value, expected) => {
    expect(field(substitute(request("GET /", [`${name}: ${value}`]), swap), name)).toBe(expected);
  });

  it.each([
    ["application/x-www-form-urlencoded", `a=1&t=${OLD}`, `a=1&t=${NEW}`],
    ["application/json", `{ "a" : [ "${OLD}" ] , "n":1.0 }`, `{ "a" : [ "${NEW}" ] , "n":1.0 }`],
    ["application/x-ndjson", `{"a":"${OLD}"}\n\n{"b":1}\n`, `{"a":"${NEW}"}\n\n{"b":1}\n`],
    [
      "application/json",
      `{"query":"query Q($id: ID!) { x }","variables":{"id":"${OLD}"}}`,
      `{"query":"query Q($id: ID!) { x }","variables":{"id":"${NEW}"}}`,
    ],
  ])("in a body of %s, and the length is put right", (type, body, expected) => {
    const changed = substitute(request("POST /", [`Content-Type: ${type}`], body), swap);
    expect(text(changed)).toBe(expected);
    expect(field(changed, "content-length")).toBe(String(Buffer.byteLength(expected)));
  });

  it("in the fields of a multipart body, files keep their bytes", () => {
    const body = [
      "--b",
      'Content-Disposition: form-data; name="t"',
      "",
      OLD,
      "--b",
      'Content-Disposition: form-data; name="f"; filename="x"',
      "",
      OLD,
      "--b--",
      "",
    ].join("\r\n");
    const changed = substitute(
      request("POST /", ["Content-Type: multipart/form-data; boundary=b"], body),
      swap,
    );
    expect(text(changed)).toBe(body.replace(OLD, NEW));
  });

  it.each(["base64", "base64url"] as const)(
    "inside JSON in %s, with the padding it had",
    (encoding) => {
      for (const extra of ["", "x", "xx"]) {
        const state = (token: string): string => {
          const plain = JSON.stringify({ after: token, extra });
          return Buffer.from(plain).toString(encoding);
        };
        const start = `GET /a?cursor=${encodeURIComponent(state(OLD))}`;
        const found = new URLSearchParams(target(substitute(request(start), swap)).slice(3)).get(
          "cursor",
        );
        expect(Buffer.from(found ?? "", encoding).toString()).toBe(
          JSON.stringify({ after: NEW, extra }),
        );
        // Without padding in the original nothing tells whether there would be any.
        if (state(OLD).endsWith("=")) expect(found?.endsWith("=")).toBe(state(NEW).endsWith("="));
      }
    },
  );
});

describe("what is not a whole token stays", () => {
  it.each([`GET /a/x${OLD}`, `GET /a?t=${OLD}y`])("%s", (start) => {
    const message = request(start);
    expect(substitute(message, swap)).toBe(message);
  });

  it("as do bodies in another charset or coding, whose bytes could not be given back", () => {
    const latin1 = request(
      "POST /",
      ["Content-Type: application/json; charset=iso-8859-1"],
      Buffer.from(`{"é":"${OLD}"}`, "latin1"),
    );
    expect(substitute(latin1, swap)).toBe(latin1);
    const packed = request("POST /", [JSON_TYPE, "Content-Encoding: gzip"], gzipSync(`"${OLD}"`));
    expect(substitute(packed, swap)).toBe(packed);
  });

  it("and a byte order mark does, when what is behind it changes", () => {
    const changed = substitute(request("POST /", [JSON_TYPE], `\ufeff{"a":"${OLD}"}`), swap);
    expect(text(changed)).toBe(`\ufeff{"a":"${NEW}"}`);
  });
});

describe("what a target gives cannot break out of its place", () => {
  it.each(["x\r\nEvil: 1", "x\ud800y", "日本", "a\u0000b"])("%j", (image) => {
    const evil = ({ value }: Slot): string | undefined => (value === OLD ? image : undefined);
    const message = request(`GET /${OLD}?a=${OLD}`, [
      `X-Token: ${OLD}`,
      `Cookie: a=${OLD}`,
      `Authorization: Bearer ${OLD}`,
    ]);
    const changed = substitute(message, evil);
    const { head } = changed.http;
    for (const each of head?.headers ?? []) expect(each).toMatch(/^[\x20-\x7e\x80-\xff]*$/);
    expect(target(changed)).toMatch(/^[\x21-\x7e]*$/);
    expect(HttpMessage.fromRaw(changed.http.raw).head?.headers).toEqual(head?.headers);
  });
});

describe("properties", () => {
  const word = fc.string({
    unit: fc.constantFrom(...'abcXYZ019-_.~%+=&;:/"{}[], é'.split("")),
    maxLength: 30,
  });

  it("nothing replaced is the same message", () => {
    fc.assert(
      fc.property(
        word,
        word,
        word,
        fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain"),
        (path, value, body, type) => {
          const message = request(
            `GET /${encodeURI(path)}`,
            [`Cookie: a=${value.replaceAll("é", "")}`, `Content-Type: ${type}`],
            body,
          );
          expect(substitute(message, () => undefined)).toBe(message);
          expect(substitute(message, ({ value: same }) => same)).toBe(message);
        },
      ),
    );
  });

  it("what is replaced is read back as the image, from any place", () => {
    const image = fc.string({
      unit: fc.constantFrom(..."abcXYZ019-_.~!$'()* @?#&+=/".split("")),
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(image, (to) => {
        const see = ({ value }: Slot): string | undefined => (value === OLD ? to : undefined);
        const changed = substitute(
          request(`GET /a/${OLD}?t=${OLD}`, [JSON_TYPE], `{"t":"${OLD}"}`),
          see,
        );
        const url = new URL(target(changed), "http://x.test");
        expect(url.searchParams.get("t")).toBe(to);
        if (to !== "." && to !== "..") expect(decodeURIComponent(url.pathname.slice(3))).toBe(to);
        expect(JSON.parse(text(changed))).toEqual({ t: to });
      }),
    );
  });

  it("places and names of values are told", () => {
    const slots = slotsOf(
      request("POST /accounts/17?after=9", ["X-Order-Id: 5", JSON_TYPE], '{"customer":{"id":3}}'),
    );
    const places = slots.map(
      ({ place, namespace, value }) => `${place} ${namespace ?? "-"} ${value}`,
    );
    expect(places).toContain("path:accounts account 17");
    expect(places).toContain("query:after after 9");
    expect(places).toContain("header:x-order-id order 5");
    expect(places.some((each) => each.startsWith("json:$.customer.id"))).toBe(true);
  });
});
