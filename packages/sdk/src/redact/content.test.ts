// What a text is, is told by its content: the secret is found in every format, within every other, however it is spelled; and what
// holds none leaves as it came. `S` is the secret: it must be gone, or the whole body withheld.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyTrack } from "../exchange/body-track.ts";
import { settingsFrom } from "../options.ts";
import type { MirrorOptions } from "../options.ts";
import { BEGIN_BYTES } from "./body.ts";
import { Redactor } from "./redactor.ts";

const S = "hunter2SECRET";

function redactor(redact: MirrorOptions["redact"] = "defaults"): Redactor {
  const rules = settingsFrom(redact === undefined ? {} : { redact }, {}).redact;
  if (rules === undefined) throw new Error("there are no rules");
  return new Redactor(rules);
}

const all = redactor();

/** A body without secrets, as text of one character a byte; undefined when it does not leave. */
function body(type: string | undefined, content: string | Buffer): string | undefined {
  const fields = type === undefined ? [] : ["Content-Type", type];
  const safe = all.redactorFor(fields)?.redact(Buffer.from(content));
  return safe === undefined ? undefined : Buffer.from(safe).toString("latin1");
}

describe("URLs", () => {
  it.each([
    ["Location", `/cb#access_token=${S}`, "/cb#access_token=REDACTED"],
    ["Location", `https://a/cb?state=1#access_token=${S}&x=1`, "https://a/cb?state=1#access_token=REDACTED&x=1"],
    ["Location", `/in?next=%2Fcb%3Ftoken%3D${S}`, "/in?next=%2Fcb%3Ftoken%3DREDACTED"],
    ["Location", `https://me:${S}@a/`, "https://REDACTED@a/"],
    ["Refresh", `0; url=/p?token=${S}`, "0; url=/p?token=REDACTED"],
    ["Link", `</p?token=${S}>; rel=next, </q?a=1>; rel=last`, "</p?token=REDACTED>; rel=next, </q?a=1>; rel=last"],
    ["Destination", `https://a/?token=${S}`, "https://a/?token=REDACTED"],
    ["X-Original-URL", `/p?token=${S}`, "/p?token=REDACTED"],
    ["X-Data", `{"password":"${S}","a":1}`, '{"password":"REDACTED","a":1}'],
    ["X-Data", `%7B%22password%22%3A%22${S}%22%7D`, "%7B%22password%22%3A%22REDACTED%22%7D"],
    ["X-Note", `a=1,token=${S}`, "a=1,token=REDACTED"],
    ["Sec-WebSocket-Protocol", `bearer, ${S}`, "REDACTED"],
    ["X-Session-Id", S, "REDACTED"],
    ["X-CSRF", S, "REDACTED"],
  ])("in the field %s: %s", (name, value, expected) => {
    expect(all.fields([name, value])).toEqual([name, expected]);
    expect(all.headText(`HTTP/1.1 200 OK\r\n${name}: ${value}\r\n\r\n`)).toBe(`HTTP/1.1 200 OK\r\n${name}: ${expected}\r\n\r\n`);
  }); // prettier-ignore

  it.each([
    [`/p#access_token=${S}`, "/p#access_token=REDACTED"],
    [`/p;jsessionid=${S}?a=1`, "/p;jsessionid=REDACTED?a=1"],
    [`/p?a=b?token=${S}`, "/p?a=b?token=REDACTED"],
    [`/p?to+ken=${S}`, "/p?to+ken=REDACTED"],
    [`/p?token[${S}]=${S}`, "/p?token[REDACTED]=REDACTED"],
    [`/p?x=%26token=${S}`, "/p?x=%26token%3DREDACTED"],
    [`/p?%2574oken=${S}`, "/p?%2574oken=REDACTED"],
    [`/p?%u0070assword=${S}`, "/p?%u0070assword=REDACTED"],
    [`/p?pass\u00adword=${S}`, "/p?pass\u00adword=REDACTED"],
    [`/p?jwt=${S}&sessionId=${S}&code=${S}`, "/p?jwt=REDACTED&sessionId=REDACTED&code=REDACTED"],
    // Not decoded more often than names are: what is left hides its value, with all around it.
    [`/p?%${"25".repeat(9)}74oken=${S}`, "/p?REDACTED"],
  ])("in the target: %s", (target, expected) => {
    expect(all.target(target)).toBe(expected);
  }); // prettier-ignore

  it("keep what is none", () => {
    const fields = [
      "Referer", "https://a.example/x?y=1&z=%41#top", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Accept", "text/html;q=0.9,*/*;q=0.8",
      "Cache-Control", "max-age=0", "sec-ch-ua", '"Chromium";v="120"', "Link", "</a>; rel=preload; as=script", "X-Mail", "me@a.example",
    ]; // prettier-ignore
    expect(all.fields(fields)).toBe(fields);
    for (const target of ["/", "/a/b%20c?x=a%26b&y=a+b;z", "/@me?q=1#frag", "*"]) expect(all.target(target)).toBe(target);
  }); // prettier-ignore
});

/** Bodies in which the secret must be replaced, and what becomes of them. */
const REPLACED: readonly (readonly [string | undefined, string, string])[] = [
  ["application/json", `{"a":"{\\"password\\":\\"${S}\\"}"}`, '{"a":"{\\"password\\":\\"REDACTED\\"}"}'],
  ["application/json", `{"url":"https://u:${S}@a/?token=${S}"}`, '{"url":"https://REDACTED@a/?token=REDACTED"}'],
  ["application/json", `{"user.otp":"${S}","user_pin":1,"jwt":"${S}","sessionId":"${S}"}`, '{"user.otp":"REDACTED","user_pin":"REDACTED","jwt":"REDACTED","sessionId":"REDACTED"}'],
  ["application/json", `{"code":"${S}","error":{"code":"NOT_FOUND"},"status":{"code":404}}`, '{"code":"REDACTED","error":{"code":"NOT_FOUND"},"status":{"code":404}}'],
  ["application/json", `{"query":"mutation($password: String!) { in(password: $password, pin: 1234, token: \\"${S}\\") }"}`, '{"query":"mutation($password: String!) { in(password: $password, pin: REDACTED, token: \\"REDACTED\\") }"}'],
  ["text/plain", `)]}',\n{"password":"${S}"}`, ')]}\',\n{"password":"REDACTED"}'],
  ["text/plain", `\npassword=${S}`, "\npassword=REDACTED"],
  ["text/plain", `flag&password=${S}`, "flag&password=REDACTED"],
  ["text/plain", `user=bob\r\npassword=${S} and more\r\nx=1`, "user=bob\r\npassword=REDACTED\r\nx=1"],
  ["text/plain", `user name=x&password=${S} and more`, "user name=x&password=REDACTED"],
  ["text/plain", `at https://a/?token=${S} we`, "at https://a/?token=REDACTED we"],
  ["text/plain", `at https://a/?next=%2F%3Ftoken%3D${S} we`, "at https://a/?next=%2F%3Ftoken%3DREDACTED we"],
  ["text/plain", `{"a":1}\n{"password":"${S}"}`, '{"a":1}\n{"password":"REDACTED"}'],
  [undefined, `"x" {"password":"${S}"}`, '"x" {"password":"REDACTED"}'],
  [undefined, `payload=${encodeURIComponent(`{"password":"${S}"}`)}`, `payload=${encodeURIComponent('{"password":"REDACTED"}')}`],
  ["application/x-www-form-urlencoded", `a=1\npassword=${S}`, "a=1\npassword=REDACTED"],
  ["application/x-www-form-urlencoded", `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  ["application/x-www-form-urlencoded", `SAMLResponse=${S}&code=${S}&pass+word=${S}`, "SAMLResponse=REDACTED&code=REDACTED&pass+word=REDACTED"],
  ["application/octet-stream", `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  ["application/vnd.oracle.resource", `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  ["text/html", `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  ["image/png", `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  ["application/javascript", `/**/ typeof cb === 'function' && cb({"password":"${S}"});`, `/**/ typeof cb === 'function' && cb({"password":"REDACTED"});`],
  ["application/graphql", `mutation{login(password:"""a"${S}""")}`, 'mutation{login(password:"""REDACTED""")}'],
  ["application/x-yaml", `a: 1\n  password: ${S} x\n- token: "${S}"\n`, 'a: 1\n  password: REDACTED\n- token: "REDACTED"\n'],
  ["text/event-stream", `data:  {"token":"${S}"}\n\n`, 'data:  {"token":"REDACTED"}\n\n'],
  ["text/event-stream", `data:\t{"token":"${S}"}\n\n`, 'data:\t{"token":"REDACTED"}\n\n'],
  ["text/event-stream", `data: [true,{"token":"${S}"}]\n\ndata: [DONE]\n\n`, 'data: [true,{"token":"REDACTED"}]\n\ndata: [DONE]\n\n'],
  ["text/event-stream", `id: 1\r\ndata: {\r\ndata: "token":"${S}",\r\ndata: "a":1}\r\n\r\ndata: x\r\n\r\n`, 'id: 1\r\ndata: {\r\ndata: "token":"REDACTED",\r\ndata: "a":1}\r\n\r\ndata: x\r\n\r\n'],
  ["text/event-stream", `event: x\ndata: msg {"token":"${S}"}\n\ndata: token=${S}\n\n`, 'event: x\ndata: msg {"token":"REDACTED"}\n\ndata: token=REDACTED\n\n'],
  ["application/xml", `<a><ns:password x="1">${S}<b/></ns:password><c token='${S}'/></a>`, "<a><ns:password x=\"1\">REDACTED</ns:password><c token='REDACTED'/></a>"],
  ["application/soap+xml", `<add key="Password" value="${S}"/><Attribute Name="token"><Value>${S}</Value></Attribute>`, '<add key="Password" value="REDACTED"/><Attribute Name="token">REDACTED</Attribute>'],
  ["text/xml", `<d>{&quot;password&quot;:&quot;${S}&quot;}</d><u>/p?a=1&amp;token=${S}</u>`, "<d>{&quot;password&quot;:&quot;REDACTED&quot;}</d><u>/p?a=1&amp;token=REDACTED</u>"],
]; // prettier-ignore

const part = (head: string, content: string): string => `--B\r\n${head}\r\n\r\n${content}\r\n`;
const FORM = "multipart/form-data; boundary=B";
const named = 'Content-Disposition: form-data; name="operations"';

const REPLACED_PARTS: readonly (readonly [string | undefined, string, string])[] = [
  [FORM, `{"variables":{"password":"${S}"}}`, '{"variables":{"password":"REDACTED"}}'],
  [undefined, `{"password":"${S}"}`, '{"password":"REDACTED"}'],
  [FORM, `flag&password=${S}`, "flag&password=REDACTED"],
]; // prettier-ignore

describe("bodies", () => {
  it.each(REPLACED)("of type %s: %s", (type, sent, expected) => {
    expect(body(type, sent)).toBe(expected);
  });

  it.each(REPLACED_PARTS)("in parts without a type: %s %s", (type, sent, expected) => {
    expect(body(type, `${part(named, sent)}--B--\r\n`)).toBe(`${part(named, expected)}--B--\r\n`);
  });

  it("in a part that is a request of its own", () => {
    const sent = `POST / HTTP/1.1\r\nAuthorization: Bearer ${S}\r\nCookie: a=${S}\r\n\r\n{"password":"${S}"}`;
    const safe = body("multipart/mixed; boundary=B", `${part("Content-Type: application/http", sent)}--B--\r\n`);
    expect(safe).not.toContain(S);
    expect(safe).toContain("Authorization: REDACTED\r\nCookie: REDACTED\r\n");
  }); // prettier-ignore

  it("in UTF-16, with and without a mark, in both orders", () => {
    const little = Buffer.from(`{"password":"${S}"}`, "utf16le");
    const safe = Buffer.from('{"password":"REDACTED"}', "utf16le");
    for (const type of ["text/plain", "application/json", "application/octet-stream", undefined]) {
      expect(body(type, little)).toBe(safe.toString("latin1"));
      expect(body(type, Buffer.from(little).swap16())).toBe(Buffer.from(safe).swap16().toString("latin1"));
      const marked = Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]);
      expect(body(type, marked)).toBe(`\u00fe\u00ff${Buffer.from(safe).swap16().toString("latin1")}`);
    }
    expect(body("text/plain", Buffer.from([...Buffer.from(`{"password":"${S}"}`)].flatMap((byte) => [0, 0, 0, byte])))).toBeUndefined();
    expect(body("application/json", Buffer.from(`\ufeff{"password":"${S}"}`))).toBe(Buffer.from('\ufeff{"password":"REDACTED"}').toString("latin1"));
  }); // prettier-ignore

  it.each([
    ["text/plain", `{"password":"${S}"`],
    ["application/octet-stream", `[{"password":"${S}"`],
    ["application/xml", `<password>${S}`],
    ["application/xml", `<!DOCTYPE a [<!ENTITY p "${S}">]><password>&p;</password>`],
    ["application/x-yaml", `password: |\n  ${S}\n`],
    ["application/x-yaml", `password:\n  - ${S}\n`],
    ["application/json", `{"a":1}\n{"password":"${S}"}`],
  ])("that cannot be looked into do not leave: %s %s", (type, sent) => {
    expect(body(type, sent)).toBeUndefined();
  });

  it.each([
    ["application/json", '{"a":"the code of 5 pins is in the compass"}'],
    ["application/json", '{"broken'],
    ["text/plain", "Meet me at 10:30, or see https://a.example/?q=1"],
    ["text/plain", "50% of a=b & c=d; forgot your password?"],
    ["text/html", '<form><input name="password" type="password"><label>Password: </label></form>'],
    ["text/css", "a{color:red}"],
    ["application/javascript", "var token = read('token');"],
    ["application/xml", "<error><code>404</code><message>no &amp; never</message></error>"],
    ["application/octet-stream", Buffer.from([0x89, 0x50, 0, 1, 2, 3, 0xff])],
    [undefined, Buffer.from([0, 0, 1, 0, 1, 0, 0x10, 0x10])],
  ])("keep what is no secret: %s %s", (type, sent) => {
    expect(body(type, sent)).toBe(Buffer.from(sent).toString("latin1"));
  });

  it("hide a value that is nested deeper than anything honest, and take no time for it", () => {
    let text = `{"password":"${S}"}`;
    for (let i = 0; i < 6; i += 1) text = JSON.stringify({ a: text });
    expect(body("application/json", text)).not.toContain(S);
    let encoded = `token=${S}`;
    for (let i = 0; i < 30; i += 1) encoded = `a=${encodeURIComponent(encoded)}`;
    expect(all.target(`/?${encoded}`)).not.toContain(S);
    const evil = [
      "code=a ".repeat(100_000), '"code":"a" '.repeat(60_000), "<a ".repeat(200_000), "://a".repeat(200_000), "%41=".repeat(200_000),
      `"${"\\".repeat(500_000)}password":`, "password:".repeat(80_000), "[".repeat(500_000), `<password>${"<password>".repeat(60_000)}`,
      "password={".repeat(60_000), `"a${"%2541".repeat(100_000)}`, " =".repeat(300_000), "data:{\"a\n".repeat(60_000), "<a name=".repeat(80_000),
    ]; // prettier-ignore
    const { user } = process.cpuUsage();
    for (const text of evil) for (const type of ["text/plain", "application/xml", "application/octet-stream"]) body(type, text);
    expect((process.cpuUsage().user - user) / 1e6).toBeLessThan(60);
  }, 120_000); // prettier-ignore
});

describe("bodies that come in pieces", () => {
  /** What would leave of a body: at once, or when it is whole. */
  function sent(type: string | undefined, chunks: readonly Buffer[]): string | undefined {
    const track = new BodyTrack();
    track.redactor = all.redactorFor(type === undefined ? [] : ["Content-Type", type]);
    for (const chunk of chunks) {
      track.judge(chunk);
      track.add(chunk);
    }
    const whole = Buffer.concat(track.chunks);
    const safe = track.redactor === undefined ? whole : track.redactor.redact(whole);
    return safe === undefined ? undefined : Buffer.from(safe).toString("latin1");
  }

  it("are the same wherever they are split", () => {
    for (const [type, text, expected] of REPLACED) {
      const bytes = Buffer.from(text);
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(sent(type, [bytes.subarray(0, at), bytes.subarray(at)])).toBe(expected);
      }
      expect(
        sent(
          type,
          [...bytes].map((byte) => Buffer.from([byte])),
        ),
      ).toBe(expected);
    }
  });

  it("and so are long ones, of which the beginning decides", () => {
    const types = ["text/html", "application/octet-stream", "image/png", "text/plain", undefined];
    const begins = ["", " ".repeat(100), "<p>", '{"a":"', "a=1&b=", "GIF89a\u0000"];
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        fc.constantFrom(...begins),
        fc.integer({ min: BEGIN_BYTES - 40, max: BEGIN_BYTES + 40 }),
        fc.array(fc.nat(BEGIN_BYTES + 60), { maxLength: 4 }),
        (type, begin, length, cuts) => {
          const bytes = Buffer.from(`${begin}${"x".repeat(length)}","token":"${S}"}`, "latin1");
          const sorted = [0, ...cuts, bytes.length].toSorted((a, b) => a - b);
          const chunks = sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
          expect(sent(type, chunks)).toBe(sent(type, [bytes]));
        },
      ),
    );
    const long = `{"a":"${"x".repeat(2 * BEGIN_BYTES)}","token":"${S}"}`;
    for (const type of types) expect(sent(type, [Buffer.from(long)])).not.toContain(S);
  });

  it("pass on what is a page or a picture, as soon as that is seen", () => {
    const track = new BodyTrack();
    track.redactor = all.redactorFor(["Content-Type", "text/html"]);
    track.judge(Buffer.alloc(BEGIN_BYTES - 1, "<"));
    expect(track.heldBack).toBe(true);
    track.judge(Buffer.from(`<!doctype html>${"x".repeat(BEGIN_BYTES)}`));
    expect(track.heldBack).toBe(false);
  });

  it("of one that broke off only what can hold none leaves", () => {
    const passes = (type: string, begin: string): boolean | undefined =>
      all.redactorFor(["Content-Type", type])?.passes(Buffer.from(begin));
    expect(passes("text/html", "<p>half a pa")).toBe(true);
    expect(passes("text/html", "token=hun")).toBe(false);
    expect(passes("application/json", "{")).toBe(false);
    expect(passes("text/plain", "pass")).toBe(false);
    expect(passes("application/octet-stream", '{"a":"')).toBe(false);
  });
});
