import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settingsFrom } from "../options.ts";
import type { MirrorOptions } from "../options.ts";
import { redactJson } from "./json.ts";
import { Names } from "./names.ts";
import { Patterns, isFast } from "./patterns.ts";
import { CannotLook, Replacer } from "./replacer.ts";
import { Redactor } from "./redactor.ts";

const KEY = "sixteen characters";
function redactor(redact: MirrorOptions["redact"], env: Record<string, string> = {}): Redactor {
  const rules = settingsFrom(redact === undefined ? {} : { redact }, env).redact;
  if (rules === undefined) throw new Error("there are no rules");
  return new Redactor(rules);
}

function faultsOf(redact: unknown): string {
  try {
    settingsFrom({ redact } as MirrorOptions, {});
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

/** The body without secrets, `undefined` when it must not leave, `null` when nobody looks into it. */
function body(
  redact: Redactor,
  bytes: string | Buffer,
  ...fields: string[]
): string | undefined | null {
  const redactorOfBody = redact.redactorFor(fields);
  if (redactorOfBody === undefined) return null;
  const safe = redactorOfBody.redact(Buffer.from(bytes));
  return safe === undefined ? undefined : Buffer.from(safe).toString("latin1");
}

/** What the reader of JSON makes of a text without names; undefined when it is none. */
function strictly(text: string): string | undefined {
  const replacer = new Replacer("REDACTED", undefined);
  const patterns = new Patterns([], replacer);
  const none = new Names([]);
  const rules = { names: none, codes: none, replacer, patterns, value: (value: string) => value };
  try {
    return redactJson(text, rules, 0);
  } catch (error) {
    if (error instanceof CannotLook) return undefined;
    throw error;
  }
}

describe("names", () => {
  const all = redactor({
    headers: ["Authorization", "x-*-key"],
    query: ["Token"],
    cookies: ["sid"],
    json: ["password"],
    form: ["password", "*secret*"],
  });

  it("of header fields ignore case and take every duplicate", () => {
    const fields = ["AUTHORIZATION", "a", "X-App-Key", "b", "x-key", "c", "authorization", "d"];
    expect(all.fields(fields)).toEqual([
      "AUTHORIZATION", "REDACTED", "X-App-Key", "REDACTED", "x-key", "c", "authorization", "REDACTED",
    ]); // prettier-ignore
    const plain = ["Host", "a"];
    expect(all.fields(plain)).toBe(plain);
  });

  it("never touch the framing", () => {
    const fields = ["Content-Length", "1", "Host", "a", "Content-Type", "b", "X", "c"];
    expect(redactor({ headers: ["*"] }).fields(fields)).toEqual([
      ...fields.slice(0, 7),
      "REDACTED",
    ]);
  });

  it.each([
    ["/a?token=1&b=2", "/a?token=REDACTED&b=2"],
    ["/a?%74oke%6E=1", "/a?%74oke%6E=REDACTED"],
    ["/a?x=1;token=%41", "/a?x=1;token=REDACTED"],
    ["/a?user[token]=1&user.token=2&tokens=3", "/a?user[token]=REDACTED&user.token=REDACTED&tokens=3"],
    ["/a?token", "/a?token"],
    ["/a?%zz%74oken=1&%E0%A4%A=2", "/a?%zz%74oken=1&%E0%A4%A=2"],
    ["http://me:word@host/a?token=1", "http://REDACTED@host/a?token=REDACTED"],
    ["*", "*"],
  ])("of query parameters: %s", (target, expected) => {
    expect(all.target(target)).toBe(expected);
  }); // prettier-ignore

  it("of query parameters, in fields that hold URLs", () => {
    expect(all.fields(["Referer", "https://a/?token=1", "Location", "/b?token=2#c"])).toEqual([
      "Referer", "https://a/?token=REDACTED", "Location", "/b?token=REDACTED#c",
    ]); // prettier-ignore
  });

  it("of cookies, in both directions", () => {
    expect(all.fields(["Cookie", 'a=1; SID="x"; sid=2', "Set-Cookie", "sid=3; Path=/"])).toEqual([
      "Cookie", "a=1; SID=REDACTED; sid=REDACTED", "Set-Cookie", "sid=REDACTED; Path=/",
    ]); // prettier-ignore
    expect(all.headText("HTTP/1.1 200 OK\r\nSet-Cookie: sid=1\r\nX: 1\r\n\r\n")).toBe(
      "HTTP/1.1 200 OK\r\nSet-Cookie: sid=REDACTED\r\nX: 1\r\n\r\n",
    );
    expect(redactor({ cookies: ["*"] }).fields(["Cookie", "bare; a=b"])).toEqual([
      "Cookie", "REDACTED; a=REDACTED",
    ]); // prettier-ignore
  });

  it.each([
    ['{"password":"x","n":1.0e5}', '{"password":"REDACTED","n":1.0e5}'],
    ['[ {"a" : [{"PASSWORD":{"b":[1]} }]} ]', '[ {"a" : [{"PASSWORD":"REDACTED" }]} ]'],
    ['{"pass\\u0077ord":1}', '{"pass\\u0077ord":"REDACTED"}'],
    // Parsers take the last of two: nothing hides behind it.
    ['{"u":{"password":"x"},"u":1}', '{"u":{"password":"REDACTED"},"u":1}'],
    ['{"__proto__":{"password":null}}', '{"__proto__":{"password":"REDACTED"}}'],
    ['{"id":12345678901234567890}', '{"id":12345678901234567890}'],
  ])("of JSON fields: %s", (text, expected) => {
    expect(body(all, text, "Content-Type", "application/vnd.api+json; charset=utf-8")).toBe(expected);
  }); // prettier-ignore

  it.each([
    '{"password":"x"', "{'a':1}", '{"a":1}x', '{"a":"\n"}', "[1,]", '{"a":01}', "", " ", "nul", '{"a":"\\x"}',
    "[".repeat(10_000),
  ])("what is not JSON does not leave: %s", (text) => {
    const every = redactor({ json: ["*"] });
    const safe = body(every, text, "Content-Type", "application/json");
    expect(safe).toBe(text === "" ? "" : undefined);
  }); // prettier-ignore

  it("JSON of any shape is read as JSON.parse reads it", () => {
    const none = redactor({ json: ["\u0000"] });
    const shout = redactor({ json: ["k"] });
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.boolean(), (text, spaced) => {
        const spelled = spaced ? JSON.stringify(JSON.parse(text), null, 2) : text;
        const bytes = Buffer.from(spelled).toString("latin1");
        expect(body(none, Buffer.from(spelled), "content-type", "text/json")).toBe(bytes);
        const wrapped = `{"k":${spelled},"j":[{"k":${spelled}}]}`;
        expect(body(shout, Buffer.from(wrapped), "content-type", "text/json")).toBe(
          '{"k":"REDACTED","j":[{"k":"REDACTED"}]}',
        );
      }),
    );
  });

  it("and what JSON.parse refuses is refused", () => {
    const soup = fc.array(fc.constantFrom(..."{ } [ ] : , \" \\ 1 - . e E t f n \n \u0001".split(" "), " ", "true", "null", '"a"')); // prettier-ignore
    fc.assert(
      fc.property(soup, (pieces) => {
        const text = pieces.join("");
        fc.pre(text !== "");
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(strictly(text)).toBe(valid ? text : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it("of JSON lines and event streams", () => {
    expect(body(all, '{"password":1}\n{"a":2}\n', "content-type", "application/x-ndjson")).toBe('{"password":"REDACTED"}\n{"a":2}\n'); // prettier-ignore
    const events = 'event: x\ndata: {"password":1}\n\ndata: [DONE]\n\n';
    expect(body(all, events, "content-type", "text/event-stream")).toBe(events.replace(":1}", ':"REDACTED"}')); // prettier-ignore
    expect(body(all, 'data: {"password":\ndata: 1}\n\n', "content-type", "text/event-stream")).toBe(
      'data: {"password":\ndata: "REDACTED"}\n\n',
    );
  });

  it("of forms", () => {
    const type = ["content-type", "application/x-www-form-urlencoded"];
    expect(body(all, "a=1&pass%77ord=x+y&user[password]=z&my_secret_1=q", ...type)).toBe(
      "a=1&pass%77ord=REDACTED&user[password]=REDACTED&my_secret_1=REDACTED",
    );
  });

  const part = (head: string, content: string): string => `--b\r\n${head}\r\n\r\n${content}\r\n`;
  const form = (name: string): string => `Content-Disposition: form-data; name="${name}"`;
  const multipart = ["Content-Type", "multipart/form-data; boundary=b"];

  it("of multipart forms, files and JSON parts with them; binary parts stay as they are", () => {
    const binary = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString("latin1");
    const rest =
      part(`${form("file")}; filename="a.png"\r\nContent-Type: image/png`, binary) + "--b--\r\n";
    const json = `${form("data")}\r\nContent-Type: application/json`;
    const sent = part(form("password"), "s\r\n\r\nt") + part(json, '{"password":1}') + rest;
    expect(body(all, Buffer.from(sent, "latin1"), ...multipart)).toBe(
      part(form("password"), "REDACTED") + part(json, '{"password":"REDACTED"}') + rest,
    );
  });

  it.each([
    ["no end", part(form("a"), "1")],
    ["line feeds only", '--b\nContent-Disposition: form-data; name="password"\n\nx\n--b--\n'],
    ["a preamble", `x${part(form("a"), "1")}--b--`],
    ["no name", `${part("Content-Disposition: form-data", "1")}--b--`],
    ["two names", `${part('Content-Disposition: form-data; name="a"; name="password"', "1")}--b--`],
    ["an extended name", `${part("Content-Disposition: form-data; name=\"a\"; name*=utf-8''password", "1")}--b--`],
    ["a folded field", `${part('Content-Disposition: form-data;\r\n name="password"', "1")}--b--`],
    ["base64", `${part(`${form("a")}\r\nContent-Transfer-Encoding: base64`, "eA==")}--b--`],
    ["parts within", `${part(`${form("a")}\r\nContent-Type: multipart/mixed; boundary=c`, "x")}--b--`],
    ["something behind", `${part(form("a"), "1")}--b--\r\npassword=x`],
  ])("a multipart body with %s does not leave", (_name, text) => {
    expect(body(all, text, ...multipart)).toBeUndefined();
  }); // prettier-ignore

  it("bodies without a type, or of a text, are taken for what they look like", () => {
    expect(body(all, '{"password":1}')).toBe('{"password":"REDACTED"}');
    expect(body(all, "password=1&b=2", "Content-Type", "text/plain")).toBe("password=REDACTED&b=2");
    expect(body(all, '{"password":1')).toBeUndefined();
    expect(body(all, "<p>password=1", "Content-Type", "text/html")).toBe("<p>password=1");
    expect(body(all, "x", "Content-Type", "application/json", "content-type", "text/html")).toBeUndefined(); // prettier-ignore
    for (const charset of ["utf-16", "shift_jis", "utf-7"])
      expect(body(all, '{"password":1}', "Content-Type", `application/json; charset=${charset}`)).toBeUndefined(); // prettier-ignore
  });
});

describe("encoded bodies", () => {
  const all = redactor({ json: ["password"] });
  const text = '{"password":"x"}';
  const type = ["Content-Type", "application/json", "Content-Encoding"];

  it("are looked into, and encoded again", () => {
    const safe = all.redactorFor([...type, "gzip"])?.redact(gzipSync(text));
    expect(gunzipSync(safe ?? "").toString()).toBe('{"password":"REDACTED"}');
    const twice = all.redactorFor([...type, "GZIP, x-gzip"])?.redact(gzipSync(gzipSync(text)));
    expect(gunzipSync(gunzipSync(twice ?? "")).toString()).toBe('{"password":"REDACTED"}');
    const plain = gzipSync("{}");
    expect(all.redactorFor([...type, "gzip"])?.redact(plain)).toBe(plain);
    for (const [name, bytes] of [["br", brotliCompressSync(text)], ["deflate", deflateSync(text)]] as const) {
      expect(all.redactorFor([...type, name])?.redact(bytes)?.length).toBeGreaterThan(0);
    } // prettier-ignore
  });

  it.each<[string, string, Buffer]>([
    ["a bomb", "gzip", gzipSync(Buffer.alloc(20_000_000, 0x20))],
    ["cut off", "gzip", gzipSync(text).subarray(0, 20)],
    ["followed by more", "gzip", Buffer.concat([gzipSync(text), Buffer.from('{"password":"x"}')])],
    ["followed by more", "br", Buffer.concat([brotliCompressSync(text), Buffer.from("secret")])],
    ["not what they say", "gzip", Buffer.from(text)],
    ["in an unknown coding", "compress", Buffer.from(text)],
    ["encoded three times", "gzip,gzip,gzip", gzipSync(gzipSync(gzipSync(text)))],
  ])("that are %s (%s) do not leave", (_name, coding, bytes) => {
    expect(all.redactorFor([...type, coding])?.redact(bytes)).toBeUndefined();
  });
});

describe("patterns", () => {
  const card = /\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b/;
  const all = redactor({ patterns: [/eyJ[\w-]+\.[\w-]+\.[\w-]+/, card] });
  const jwt = "eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl";

  it("are looked for in every value, decoded", () => {
    expect(all.target(`/${jwt}/x?a=${jwt}&b=4111%201111+1111-1111&${jwt}`)).toBe(
      "/REDACTED/x?a=REDACTED&b=REDACTED&REDACTED",
    );
    expect(all.fields(["X", `t ${jwt}, ${jwt}`, "Cookie", `a=1; b=${jwt}`])).toEqual([
      "X", "t REDACTED, REDACTED", "Cookie", "a=1; b=REDACTED",
    ]); // prettier-ignore
    const type = ["content-type", "application/json"];
    expect(body(all, `{"${jwt}":["x ${jwt}",4111111111111111,"4111\\u00201111 1111 1111"]}`, ...type)).toBe(
      '{"REDACTED":["x REDACTED","REDACTED","REDACTED"]}',
    ); // prettier-ignore
    expect(body(all, `<p>${jwt}</p>`, "content-type", "text/html")).toBe("<p>REDACTED</p>");
    expect(body(all, jwt, "content-type", "image/png")).toBe(jwt);
  });

  it("are found wherever they stand in a long text, and do not change what is not theirs", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 9000 }), { maxLength: 6 }), (gaps) => {
        const filler = gaps.map((gap) => "é ".repeat(gap / 2));
        const text = filler.join(jwt);
        expect(all.text(text)).toBe(filler.join("REDACTED"));
      }),
      { numRuns: 50 },
    );
    const bytes = Buffer.from([0xff, 0x41, 0xfe]);
    expect(all.redactorFor(["content-type", "text/plain"])?.redact(bytes)).toBe(bytes);
  });

  it("that match more than can be seen hide the whole", () => {
    expect(redactor({ patterns: [/x+/] }).text(`a ${"x".repeat(20_000)}`)).toBe("REDACTED");
  });

  it("whose time explodes are refused", () => {
    for (const evil of [/(a+)+$/, /(\w+\s?)+$/, /(x+x+)+y/, /([a-z]+)*!/, /(.*)*=/, /(a|a)*$/])
      expect([evil.source, isFast(evil)]).toEqual([evil.source, false]);
    for (const good of [card, /Bearer [\w.~+/-]+=*/i, /[\w.+-]+@[\w-]+\.[\w.]+/, /(?:\d[ -]?){13,16}/])
      expect([good.source, isFast(good)]).toEqual([good.source, true]);
    expect(faultsOf({ patterns: [/(a+)+$/] })).toMatch(
      /redact\.patterns\[0\]: must be an expression whose time .*got "\/\(a\+\)\+\$\/"/,
    );
  }); // prettier-ignore
});

describe("pseudonyms", () => {
  const all = redactor({
    pseudonymKey: KEY,
    headers: ["authorization", { name: "x-secret", as: "mark" }],
    query: ["user"],
    cookies: ["sid"],
    json: ["user", "ids"],
    form: ["user"],
  });

  it("are the same for a value wherever it stands, others for others and other keys", () => {
    const [, header = ""] = all.fields(["Authorization", "Bearer abc def"]);
    expect(header).toMatch(/^Bearer [0-9a-f]{24}$/);
    const pseudonym = header.slice("Bearer ".length);
    expect(all.target("/?user=abc%20def")).toBe(`/?user=${pseudonym}`);
    expect(all.fields(["Cookie", 'sid="abc def"'])).toEqual(["Cookie", `sid=${pseudonym}`]);
    expect(body(all, '{"user":"abc def"}', "content-type", "text/json")).toBe(`{"user":"${pseudonym}"}`); // prettier-ignore
    expect(body(all, "user=abc+def", "content-type", "application/x-www-form-urlencoded")).toBe(`user=${pseudonym}`); // prettier-ignore
    expect(all.target("/?user=abc%20deg")).not.toContain(pseudonym);
    expect(redactor({ pseudonymKey: `${KEY}!`, query: ["user"] }).target("/?user=abc%20def")).not.toContain(pseudonym); // prettier-ignore
    expect(all.fields(["X-Secret", "a"])).toEqual(["X-Secret", "REDACTED"]);
  });

  it("of numbers are numbers, of lists are lists", () => {
    const [, digits = ""] = /user=(\d{15})$/.exec(all.target("/?user=42")) ?? [];
    expect(digits).not.toBe("");
    const safe = body(all, '{"ids":[42,"42",null,true,{"a":42}]}', "content-type", "text/json");
    expect(safe).toBe(`{"ids":[${digits},"${digits}",null,"REDACTED",{"a":${digits}}]}`);
  });
});

describe("the option", () => {
  it("has defaults for the usual names", () => {
    for (const all of [redactor("defaults"), redactor({ defaults: true }), redactor(undefined, { MIRRORBALL_REDACT: "defaults" })]) {
      expect(all.fields(["Authorization", "a", "X-Api-Key", "b", "X-CSRF-Token", "c", "Accept", "d"])).toEqual(
        ["Authorization", "REDACTED", "X-Api-Key", "REDACTED", "X-CSRF-Token", "REDACTED", "Accept", "d"],
      );
      expect(body(all, '{"accessToken":1,"name":2}', "content-type", "text/json")).toBe('{"accessToken":"REDACTED","name":2}');
    }
    expect(settingsFrom({}, {}).redact).toBeUndefined();
  }); // prettier-ignore

  it("tells each fault with place, rule and value, and never the key", () => {
    expect(faultsOf("all")).toContain('redact: must be "defaults" or an object of rules; got "all"');
    expect(faultsOf({ json: "a" })).toContain('redact.json: must be a list of names; got "a"');
    expect(faultsOf({ form: ["a", 1] })).toContain("redact.form[1]: must be a name, or { name, as }; got 1");
    expect(faultsOf({ query: [{ name: "a", as: "b" }] })).toContain('redact.query[0].as: must be "mark" or "pseudonym"; got "b"');
    expect(faultsOf({ query: [{ name: "a", as: "pseudonym" }] })).toContain("redact.query[0].as: must be set together with redact.pseudonymKey");
    expect(faultsOf({ pseudonymKey: "short" })).toContain("redact.pseudonymKey: must be a text or bytes of at least 16; got \"(hidden)\"");
    expect(faultsOf({ patterns: ["a"] })).toContain('redact.patterns[0]: must be a regular expression, or { pattern, as }; got "a"');
    expect(faultsOf({ replacement: "a;b" })).toContain('redact.replacement: must be a text of visible ASCII');
    expect(faultsOf({ heders: [] })).toContain("redact.heders: must be one of headers, query");
  }); // prettier-ignore
});
