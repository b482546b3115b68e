// What a plugin may do to a message, byte by byte: what it does not touch stays, what would break the message is refused.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EditableMessage } from "./plugin-message.ts";

const facts = { id: "a", startedAtMs: 1, latencyMs: undefined, context: {} };

function message(text: string, response = false): EditableMessage {
  return new EditableMessage(facts, Buffer.from(text, "latin1"), response);
}

function bytes(edited: EditableMessage): string | undefined {
  const changed = edited.changed();
  return changed === undefined ? undefined : Buffer.from(changed).toString("latin1");
}

const POST =
  "POST /a?token=t%201&x=1&token=2 HTTP/1.1\r\nHost: h\r\nx-dup: 1\r\nX-Dup: 2\r\nContent-Length: 3\r\n\r\nabc";

describe("reading", () => {
  it("gives every part", () => {
    const post = message(POST);
    expect(post.method).toBe("POST");
    expect(post.target).toBe("/a?token=t%201&x=1&token=2");
    expect(post.header("X-DUP")).toBe("1");
    expect(post.header("absent")).toBeUndefined();
    expect(post.headers()).toContainEqual(["X-Dup", "2"]);
    expect(post.param("token")).toBe("t 1");
    expect(post.param("oken")).toBeUndefined();
    expect(post.text).toBe("abc");
    expect(bytes(post)).toBeUndefined();
  });

  it("never takes a body for a header", () => {
    const post = message("POST / HTTP/1.1\r\nHost: h\r\n\r\nX-Body: 1\r\n\r\n");
    expect(post.header("x-body")).toBeUndefined();
  });

  it("gives the content of a chunked body", () => {
    const chunked = message(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    );
    expect(chunked.text).toBe("abc");
  });
});

describe("editing", () => {
  it.each<[string, (m: EditableMessage) => unknown, string]>([
    ["the target", (m) => (m.target = "/b"), POST.replace(/\/a\S+/, "/b")],
    ["the method", (m) => (m.method = "PUT"), POST.replace("POST", "PUT")],
    ["the first of two fields", (m) => m.setHeader("X-DUP", "9"), POST.replace("x-dup: 1", "x-dup: 9")],
    ["a field that is not there", (m) => m.setHeader("N", "v"), POST.replace("\r\n\r\n", "\r\nN: v\r\n\r\n")],
    ["one field more", (m) => m.addHeader("Host", "i"), POST.replace("\r\n\r\n", "\r\nHost: i\r\n\r\n")],
    ["all fields of a name", (m) => m.deleteHeader("x-dup"), POST.replace(/x-dup: .\r\n/gi, "")],
    ["the first parameter", (m) => m.setParam("token", "a b&"), POST.replace("t%201", "a%20b%26")],
    ["a parameter that is not there", (m) => m.setParam("n", "1"), POST.replace("=2 H", "=2&n=1 H")],
    ["the body", (m) => m.setBody("äb"), POST.replace("abc", "\u00c3\u00a4b")],
    ["the length with the body", (m) => m.setBody(""), POST.replace("3\r\n\r\nabc", "0\r\n\r\n")],
  ])("changes %s and nothing else", (_name, edit, after) => {
    const post = message(POST);
    edit(post);
    expect(bytes(post)).toBe(after);
  }); // prettier-ignore

  it("leaves the framing of a body alone while only the head changes", () => {
    const text =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: v\r\n\r\n";
    const chunked = message(text);
    chunked.target = "/b";
    expect(bytes(chunked)).toBe(text.replace("POST /", "POST /b"));
    chunked.setBody("new");
    expect(bytes(chunked)).toBe(
      "POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nnew\r\n0\r\n\r\n",
    );
  });

  it("takes a string for plain text and bytes for what they are", () => {
    const gzipped = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz";
    const plain = message(gzipped, true);
    plain.setBody("four");
    expect(bytes(plain)).toBe("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    const coded = message(gzipped, true);
    coded.setBody(Buffer.from("abc"));
    expect(bytes(coded)).toBe(gzipped.replace("2\r\n\r\nzz", "3\r\n\r\nabc"));
  });

  it("changes the status of a response and not the method of one", () => {
    const response = message("HTTP/1.1 200 OK\r\n\r\n", true);
    response.status = 503;
    response.method = "GET";
    expect(bytes(response)).toBe("HTTP/1.1 503 OK\r\n\r\n");
  });

  it.each<[string, (m: EditableMessage) => unknown]>([
    ["a line end in a value", (m) => m.setHeader("a", "b\r\nc: d")],
    ["a character beyond latin1", (m) => m.addHeader("a", "€")],
    ["a name with a colon", (m) => m.setHeader("a:", "b")],
    ["a blank in a target", (m) => (m.target = "/a b")],
    ["an empty target", (m) => (m.target = "")],
    ["a method with a line end", (m) => (m.method = "GET\n")],
  ])("refuses %s", (_name, edit) => {
    const post = message(POST);
    expect(() => edit(post)).toThrow(TypeError);
    expect(bytes(post)).toBeUndefined();
  });

  it("refuses to touch what is no HTTP, and says that it is none", () => {
    for (const broken of [message("\u0016\u0003\u0001"), message("HTTP/1.1 200 OK\r\n\r\n")]) {
      expect(broken.malformed).toBe(true);
      expect(broken.target).toBe("");
      expect(broken.headers()).toEqual([]);
      expect(() => broken.setHeader("a", "b")).toThrow("malformed");
      expect(bytes(broken)).toBeUndefined();
    }
  });

  it("makes of any values one message with the same fields and body", () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/);
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
    fc.assert(
      fc.property(name, value, fc.uint8Array(), (field, text, body) => {
        const edited = message("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        fc.pre(!/^(?:content-length|transfer-encoding|host)$/i.test(field));
        edited.setHeader(field, text);
        edited.setBody(body);
        const again = message(bytes(edited) ?? "");
        expect(again.header(field)).toBe(text);
        expect(Buffer.from(again.body).equals(body)).toBe(true);
      }),
    );
  });
});
