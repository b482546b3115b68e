// Edits of heads: what is named changes, nothing else does, and a body is never reached.
import { HttpMessage, formatHead, isResponseHead } from "@mirrorball/protocol";
import type { Message, RequestHead } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { request } from "../../../../test/kit.ts";
import { editHeader, paramValue, removeHeader, setHeader, setParam, withHead, withHeaders, withTarget } from "./edit.ts"; // prettier-ignore

const field = (name: string, value: string) => ({ name, lowerName: name.toLowerCase(), value });
const fields = ["Host", "a", "X-One", "1", "x-two", "2", "X-ONE", "3"];

describe("header fields", () => {
  it.each([
    ["X-Two", "v", false, ["Host", "a", "X-One", "1", "x-two", "v", "X-ONE", "3"]],
    ["x-one", "v", false, ["Host", "a", "X-One", "v", "x-two", "2"]],
    ["x-one", "v", true, ["Host", "a", "X-One", "v", "x-two", "2", "X-ONE", "3"]],
    ["New", "v", false, ["New", "v", ...fields]],
  ])("set %s (firstOnly %3$s)", (name, value, firstOnly, expected) =>
    expect(setHeader(fields, field(name, value), firstOnly)).toEqual(expected)); // prettier-ignore

  it("are removed by name, all of them", () => {
    expect(removeHeader(fields, "x-one")).toEqual(["Host", "a", "x-two", "2"]);
    expect(removeHeader(fields, "none")).toBe(fields);
  });

  it("are edited where they have a value, all of them or the first", () => {
    const bang = (value: string): string => `${value}!`;
    expect(editHeader(fields, "x-one", bang)).toEqual(["Host", "a", "X-One", "1!", "x-two", "2", "X-ONE", "3!"]); // prettier-ignore
    expect(editHeader(fields, "x-one", bang, true)).toEqual(["Host", "a", "X-One", "1!", "x-two", "2", "X-ONE", "3"]); // prettier-ignore
    expect(editHeader(fields, "x-one", (value) => value)).toBe(fields);
    expect(editHeader(["A", ""], "a", bang)).toEqual(["A", ""]);
  });
});

describe("query parameters", () => {
  it.each([
    ["/a?k=1&l=2", "k", "1"], ["/a?k=1&l=2", "l", "2"], ["/a?xk=1", "k", undefined], ["/a?k", "k", undefined], ["/a?k=", "k", ""],
    ["/a", "k", undefined], ["/a&k=1", "k", undefined], ["/a?k=1&k=2", "k", "2"], ["/a?k=a%20b", "k", "a%20b"], ["/a?k=1?l=2", "l", undefined],
  ])("of %s, %s is %s", (target, name, expected) => expect(paramValue(target, name)).toBe(expected)); // prettier-ignore

  it.each([
    ["/a", false, "/a?k=v"], ["/a?l=2", false, "/a?l=2&k=v"], ["/a?k=1", false, "/a?k=v"], ["/a?l=2&k=1&m=3", false, "/a?l=2&k=v&m=3"],
    ["/a?k=1&k=2", false, "/a?k=v&k=v"], ["/a?k=1&k=2", true, "/a?k=1&k=v"], ["/a?xk=1", false, "/a?xk=1&k=v"], ["/a?k=", false, "/a?k=v"],
    ["/a&k=1", false, "/a&k=1?k=v"],
  ])("set in %s (firstOnly %s): %s", (target, firstOnly, expected) =>
    expect(setParam(target, "k", "v", firstOnly)).toBe(expected)); // prettier-ignore

  it("end, also when the value names the parameter again", () => {
    expect(setParam("/a?k=1&k=2", "k", "x&k=y")).toBe("/a?k=x&k=y&k=x&k=y");
  });
});

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,8}$/).filter((name) => !/^(content-length|transfer-encoding)$/i.test(name)); // prettier-ignore
const value = fc.stringMatching(/^[!-~]{1,12}$/);

describe("the body", () => {
  const edits = fc.array(
    fc.oneof(
      fc.tuple(fc.constant("set"), token, value),
      fc.tuple(fc.constant("edit"), token, value),
      fc.tuple(fc.constant("remove"), token, value),
      fc.tuple(fc.constant("param"), token, value),
      fc.tuple(fc.constant("target"), token, value),
    ),
    { minLength: 1, maxLength: 6 },
  );

  function apply(message: Message, [kind, name, text]: readonly [string, string, string]): Message {
    const head = message.http.head as RequestHead;
    const { headers } = head;
    const lower = name.toLowerCase();
    if (kind === "set") return withHead(message, withHeaders(head, setHeader(headers, field(name, text)))); // prettier-ignore
    if (kind === "edit") return withHead(message, withHeaders(head, editHeader(headers, lower, () => text))); // prettier-ignore
    if (kind === "remove")
      return withHead(message, withHeaders(head, removeHeader(headers, lower)));
    if (kind === "param") return withHead(message, withTarget(head, setParam(head.target, name, text))); // prettier-ignore
    return withHead(message, withTarget(head, `/${name}`));
  }

  const framings = ["length", "chunked", "none"] as const;
  const headAndBody = fc
    .tuple(
      fc.array(fc.tuple(token, value), { maxLength: 5 }),
      // Bodies that look like heads: what a search for a field would find.
      fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.tuple(token, value).map(([name, text]) => Buffer.from(`\r\n${name}: ${text}\r\n\r\n${name}: ${text}\n`)), // prettier-ignore
      ),
      fc.constantFrom(...framings),
      fc.constantFrom("\r\n", "\n"),
    )
    .map(([list, body, framing, eol]) => {
      const lines = list.map(([name, text]) => `${name}: ${text}`);
      if (framing === "length") lines.push(`Content-Length: ${body.length}`);
      if (framing === "chunked") lines.push("Transfer-Encoding: chunked");
      const head = Buffer.from(["POST /p?a=1 HTTP/1.1", ...lines, "", ""].join(eol), "latin1");
      const chunked = Buffer.concat([Buffer.from(`${body.length.toString(16)};x=1\r\n`), body, Buffer.from("\r\n0\r\nX-T: 1\r\n\r\n")]); // prettier-ignore
      const framed = framing === "chunked" && body.length > 0 ? chunked : framing === "chunked" ? Buffer.from("0\r\n\r\n") : Buffer.from(body); // prettier-ignore
      return { raw: Buffer.concat([head, framed]), framed, body: Buffer.from(body) };
    });

  it("keeps its bytes and its framing under every edit, parsed before or not", () => {
    fc.assert(
      fc.property(headAndBody, edits, fc.boolean(), ({ raw, framed, body }, list, parsedBefore) => {
        let message = request(raw.toString("latin1"));
        if (parsedBefore) void message.http.body;
        for (const edit of list) message = apply(message, edit);
        const { head } = message.http;
        if (head === undefined || isResponseHead(head)) throw new Error("lost its head");
        expect(Buffer.from(message.http.body).equals(body)).toBe(true);
        expect(message.http.bodyComplete).toBe(true);
        const out = Buffer.from(message.http.raw);
        expect(out.equals(Buffer.concat([Buffer.from(formatHead(head), "latin1"), framed]))).toBe(true); // prettier-ignore
        const again = HttpMessage.fromRaw(out);
        expect(again.head).toEqual(head);
        expect(Buffer.from(again.body).equals(body)).toBe(true);
      }),
    );
  });

  it("of a message in parts is kept too, with its trailers", () => {
    const head: RequestHead = { method: "PUT", target: "/", version: "HTTP/1.1", headers: ["Transfer-Encoding", "chunked"] }; // prettier-ignore
    const http = HttpMessage.fromParts(head, Buffer.from("abc"), ["X-Sum", "3"]);
    const edited = http.withHead(withHeaders(head, setHeader(head.headers, field("A", "b"))));
    expect(Buffer.from(edited.raw).toString("latin1")).toBe("PUT / HTTP/1.1\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n"); // prettier-ignore
  });

  it("that is not whole stays marked so", () => {
    const { http } = request("PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc");
    const { head } = http;
    if (head === undefined) throw new Error("no head");
    expect(http.withHead(head).bodyComplete).toBe(false);
  });
});
