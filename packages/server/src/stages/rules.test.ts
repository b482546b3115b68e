// Every rule by gor's tables: what passes, what goes and why, what is changed; and where gor's faults are not kept.
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, request, responseTo, run } from "../../test/kit.ts";
import { catalogue } from "../catalogue.ts";
import { planFrom } from "../engine/plan/plan.ts";

/** The messages that reach an output, and what was counted for those that do not. */
async function ruled(
  messages: readonly Message[],
  ...flags: string[]
): Promise<{
  passed: readonly Message[];
  filtered: Record<string, number>;
  limited: Record<string, number>;
}> {
  const { collected, counters, discrepancies } = await run(messages, ["--output-collect", ...flags]); // prettier-ignore
  expect(discrepancies).toEqual([0]);
  const [output] = counters.outputs;
  return { passed: collected, filtered: { ...output?.filtered }, limited: { ...output?.limited } };
}

async function passes(message: Message, ...flags: string[]): Promise<boolean> {
  return (await ruled([message], ...flags)).passed.length === 1;
}

/** The head of the one request after the rules, as text. */
async function edited(message: Message, ...flags: string[]): Promise<string> {
  const { passed } = await ruled([message], ...flags);
  return Buffer.from(passed[0]?.http.raw ?? []).toString("latin1");
}

const target = (text: string): string => text.split(" ")[1] ?? "";

describe("--http-allow-method", () => {
  it.each([
    ["GET", ["GET"], true], ["POST", ["GET"], false], ["OPTIONS", ["GET", "OPTIONS"], true], ["get", ["GET"], false], ["GET", ["get"], false],
    ["PROPFIND", ["GET"], false],
  ])("%s with %j: %s", async (method, allowed, expected) => {
    const flags = allowed.flatMap((name) => ["--http-allow-method", name]);
    expect(await passes(request(`${method} / HTTP/1.1\r\n\r\n`), ...flags)).toBe(expected);
  }); // prettier-ignore
});

describe("--http-set-header", () => {
  it.each([
    ["first of all when it is not there", ["X: 1"], "X: 1\r\nHost: recorded.test\r\nA: b"],
    ["in its place, with its spelling, when it is", ["a: c"], "Host: recorded.test\r\nA: c"],
    ["split at the first colon and trimmed", ["A:  x:y "], "Host: recorded.test\r\nA: x:y"],
    ["each in turn", ["A: c", "X: 1", "Y: 2"], "Y: 2\r\nX: 1\r\nHost: recorded.test\r\nA: c"],
    ["empty", ["A:"], "Host: recorded.test\r\nA: "],
  ])("%s", async (_name, values, expected) => {
    const flags = values.flatMap((value) => ["--http-set-header", value]);
    expect(await edited(get("/", "A: b"), ...flags)).toBe(`GET / HTTP/1.1\r\n${expected}\r\n\r\n`);
  });

  it("leaves one of repeated fields; gor changed only the first", async () => {
    const message = (): Message => get("/", "A: 1", "B: 2", "a: 3");
    expect(await edited(message(), "--http-set-header", "A: x")).toContain("A: x\r\nB: 2\r\n\r\n");
    expect(await edited(message(), "--http-set-header", "A: x", "--http-gor-rules")).toContain("A: x\r\nB: 2\r\na: 3\r\n"); // prettier-ignore
  });

  it("marks a Host it sets, so that outputs keep it", async () => {
    const host = await ruled([get("/")], "--http-set-header", "host: other.test");
    expect(host.passed[0]?.context?.keepHost).toBe(true);
    const other = await ruled([get("/")], "--http-set-header", "X-Host: other.test");
    expect(other.passed[0]?.context?.keepHost).toBeUndefined();
  });

  it("finds fields in the head only, whatever the body looks like", async () => {
    const body = "Content-Disposition: form-data\r\n\r\nA: body\r\n\r\n";
    const raw = `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(await edited(request(raw), "--http-set-header", "A: x")).toBe(`POST / HTTP/1.1\r\nA: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`); // prettier-ignore
    expect(await passes(request(raw), "--http-allow-header", "A:body")).toBe(false);
  });

  it("reads heads whose lines end in LF alone whole", async () => {
    const raw = "GET /a HTTP/1.1\nHost: x\nVersion: v1\n\n";
    expect(await passes(request(raw), "--http-allow-header", "Version:^v1$")).toBe(true);
    expect(await edited(request(raw), "--http-set-header", "A: 1")).toBe("GET /a HTTP/1.1\r\nA: 1\r\nHost: x\r\nVersion: v1\r\n\r\n"); // prettier-ignore
  });
});

describe("--http-set-param", () => {
  it.each([
    ["/a", ["k=v"], "/a?k=v"], ["/a?x=1", ["k=v"], "/a?x=1&k=v"], ["/a?k=1", ["k=v"], "/a?k=v"], ["/a?x=1&k=1&y=2", ["k=v"], "/a?x=1&k=v&y=2"],
    ["/a", [" k = v=w "], "/a?k=v=w"], ["/a", ["k=a%20b"], "/a?k=a%20b"], ["/a", ["k=1", "l=2"], "/a?k=1&l=2"], ["/a?k=1&k=2", ["k=v"], "/a?k=v&k=v"],
  ])("%s with %j: %s", async (path, values, expected) => {
    const flags = values.flatMap((value) => ["--http-set-param", value]);
    expect(target(await edited(get(path), ...flags))).toBe(expected);
  }); // prettier-ignore

  it("of a repeated parameter changes the one that gor changed, when told to", async () => {
    expect(target(await edited(get("/a?k=1&k=2"), "--http-set-param", "k=v", "--http-gor-rules"))).toBe("/a?k=1&k=v"); // prettier-ignore
  });
});

describe("--http-allow-url and --http-disallow-url", () => {
  it.each([
    ["/api/1", ["/api"], true, false], ["/v1/api", ["/api"], true, false], ["/v1/api", ["^/api"], false, true], ["/x?next=/api", ["/api"], true, false],
    ["/x", ["/api", "^/x$"], true, false], ["/x", ["^recorded.test"], false, true], ["http://a.test/x", ["^http://a\\.test/"], true, false],
  ])("%s with %j", async (path, values, allowed, notDisallowed) => {
    expect(await passes(get(path), ...values.flatMap((v) => ["--http-allow-url", v]))).toBe(allowed);
    expect(await passes(get(path), ...values.flatMap((v) => ["--http-disallow-url", v]))).toBe(notDisallowed);
  }); // prettier-ignore
});

describe("--http-allow-header and --http-disallow-header", () => {
  it.each([
    [["Api-Version: 1.04"], ["api-version:^1\\.0\\d"], true, false],
    [["Api-Version: 1.1"], ["api-version:^1\\.0\\d"], false, true],
    [[], ["api-version:^1"], false, true],
    [["Api-Version:"], ["api-version:.*"], false, true],
    [["User-Agent: Replayed by Gor"], ["User-Agent: Replayed by Gor"], true, false],
    [["A: 1", "B: 2"], ["A:1", "B:2"], true, false],
    [["A: 1", "B: 2"], ["A:1", "B:3"], false, false],
    [["A: 1"], ["A:1", "B:2"], false, false],
    [["A: x:y"], ["A:^x:y$"], true, false],
    [["A: 1", "A: 2"], ["A:2"], true, false],
  ])("%j with %j", async (fields, values, allowed, notDisallowed) => {
    expect(await passes(get("/", ...fields), ...values.flatMap((v) => ["--http-allow-header", v]))).toBe(allowed);
    expect(await passes(get("/", ...fields), ...values.flatMap((v) => ["--http-disallow-header", v]))).toBe(notDisallowed);
  }); // prettier-ignore

  it("ask only the first of repeated fields when told to do as gor", async () => {
    const message = (): Message => get("/", "A: 1", "A: 2");
    expect(await passes(message(), "--http-allow-header", "A:2", "--http-gor-rules")).toBe(false);
    expect(await passes(message(), "--http-disallow-header", "A:2", "--http-gor-rules")).toBe(true);
  });
});

describe("--http-basic-auth-filter", () => {
  const basic = (user: string): string =>
    `Authorization: Basic ${Buffer.from(user).toString("base64")}`;

  it.each([
    [basic("customer3:secret"), ["^customer[0-9]+:"], true], [basic("admin:secret"), ["^customer"], false], ["X: 1", ["^customer"], true],
    ["Authorization: Bearer abc", ["^customer"], true], [basic("customer3:x"), ["^customer", "x$"], true], [basic("customer3:x"), ["^customer", "y$"], false],
    [basic("customer3:secret").replace("Basic", "basic"), ["^admin"], false], [basic("customer3:s").replace(/=+$/, ""), ["^customer3:"], true],
  ])("%s with %j: %s", async (field, values, expected) => {
    const flags = values.flatMap((value) => ["--http-basic-auth-filter", value]);
    expect(await passes(get("/", field), ...flags)).toBe(expected);
  }); // prettier-ignore
});

describe("--http-header-limiter and --http-param-limiter", () => {
  // FNV1a32(value) mod 100, as a real gor has it.
  const places: readonly (readonly [string, number])[] = [
    ["1", 44], ["2", 1], ["3", 82], ["a", 20], ["b", 77], ["42", 11], ["169", 33], ["user_1", 14], ["abc", 31], ["customer3", 78], ["hello", 23],
  ]; // prettier-ignore

  it("let exactly those values pass whose hash is below the percentage", async () => {
    for (const percent of [0, 1, 2, 14, 25, 44, 45, 78, 100]) {
      const expected = places.filter(([, place]) => place < percent).map(([value]) => value);
      const byHeader = await ruled(places.map(([value]) => get("/", `User: ${value}`)), "--http-header-limiter", `user: ${percent}%`); // prettier-ignore
      expect(byHeader.passed.map(({ http }) => http.head?.headers.at(-1))).toEqual(expected);
      const byParam = await ruled(places.map(([value]) => get(`/?x=0&user=${value}&y=1`)), "--http-param-limiter", `user: ${percent}%`); // prettier-ignore
      expect(byParam.passed.map(({ http }) => /user=(\w+)/.exec(target(Buffer.from(http.raw).toString()))?.[1])).toEqual(expected); // prettier-ignore
      const left = places.length - expected.length;
      expect(byHeader.limited).toEqual(left === 0 ? {} : { "header-limiter": left });
      expect(byParam.limited).toEqual(left === 0 ? {} : { "param-limiter": left });
    }
  });

  it.each([["1/4"], ["25 %"], ["25.0%"]])("read %s as 25%%", async (share) => {
    const { passed } = await ruled(places.map(([value]) => get("/", `User: ${value}`)), "--http-header-limiter", `User: ${share}`); // prettier-ignore
    expect(passed).toHaveLength(places.filter(([, place]) => place < 25).length);
  });

  it("take fractions, each share inside the next larger one", async () => {
    const users = Array.from({ length: 4000 }, (_, i) => get("/", `User: user-${i}`));
    const shares = [];
    for (const percent of ["12%", "12.5%", "13%"]) {
      const { passed } = await ruled(users, "--http-header-limiter", `User: ${percent}`);
      shares.push(new Set(passed.map(({ id }) => id)));
    }
    const [twelve = new Set(), half = new Set(), thirteen = new Set()] = shares;
    expect([...twelve].every((id) => half.has(id)) && [...half].every((id) => thirteen.has(id))).toBe(true); // prettier-ignore
    expect(twelve.size).toBeLessThan(half.size);
    expect(half.size).toBeLessThan(thirteen.size);
  });

  it("let requests without the value pass", async () => {
    expect(await passes(get("/"), "--http-header-limiter", "User: 0%")).toBe(true);
    expect(await passes(get("/", "User:"), "--http-header-limiter", "User: 0%")).toBe(true);
    expect(await passes(get("/?xuser=1"), "--http-param-limiter", "user: 0%")).toBe(true);
  });
});

describe("--http-rewrite-url", () => {
  it.each([
    ["/v1/user/17/ping", ["/v1/user/([^\\/]+)/ping:/v2/user/$1/ping"], "/v2/user/17/ping"],
    ["/v1/user/17/ping", ["/v1/user/([^\\\\/]+)/ping:/v2/user/$1/ping"], "/v2/user/17/ping"],
    ["/v1/x?y=/v1/", ["/v1/:/v2/"], "/v2/x?y=/v2/"],
    ["/a", ["/a:/b", "/b:/c"], "/b"],
    ["/b", ["/a:/b", "/b:/c"], "/c"],
    ["/a", ["/a:/a", "/a:/c"], "/a"],
    ["/a/17", ["(?P<id>\\d+):${id}0"], "/a/170"],
    ["/a", ["/a:http://x/a"], "http://x/a"],
    ["/cat", ["/(?:cat|dog):/pet"], "/pet"],
    ["/a", ["/a:"], "/"],
    ["/x", ["/a:/b"], "/x"],
  ])("%s by %j: %s", async (path, values, expected) => {
    const flags = values.flatMap((value) => ["--http-rewrite-url", value]);
    expect(target(await edited(get(path), ...flags))).toBe(expected);
  });
});

describe("--http-rewrite-header", () => {
  it.each([
    [
      ["Host: (.*).recorded.test,$1.staging.test"],
      ["Host: a.recorded.test"],
      ["Host: a.staging.test"],
    ],
    [["A: 1,2", "A: 2,3"], ["A: 1"], ["A: 3"]],
    [["A: 1,x,y"], ["A: 1"], ["A: x,y"]],
    [["A:   b ,c"], ["A: b d"], ["A: cd"]],
    [["A: [,],-"], ["A: 1,2"], ["A: 1-2"]],
    [["A: 1,2"], ["A: 1", "B: 1", "a: 1"], ["A: 2", "B: 1", "a: 2"]],
    [["Missing: 1,2", "A: 1,2"], ["A: 1"], ["A: 2"]],
  ])("%j on %j: %j", async (values, fields, expected) => {
    const flags = values.flatMap((value) => ["--http-rewrite-header", value]);
    const raw = `GET / HTTP/1.1\r\n${fields.join("\r\n")}\r\n\r\n`;
    expect(await edited(request(raw), ...flags)).toBe(`GET / HTTP/1.1\r\n${expected.join("\r\n")}\r\n\r\n`); // prettier-ignore
  });

  it("ends at the first missing field when told to do as gor", async () => {
    const raw = await edited(get("/", "A: 1"), "--http-rewrite-header", "Missing: 1,2", "--http-rewrite-header", "A: 1,2", "--http-gor-rules"); // prettier-ignore
    expect(raw).toContain("\r\nA: 1\r\n");
  });

  it("marks a Host it changes, and only then", async () => {
    const flags = ["--http-rewrite-header", "Host: recorded,staging", "--http-rewrite-header", "A: 1,2"]; // prettier-ignore
    expect((await ruled([get("/")], ...flags)).passed[0]?.context?.keepHost).toBe(true);
    const other = await ruled([request("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n")], ...flags);
    expect(other.passed[0]?.http.head?.headers).toEqual(["Host", "x", "A", "2"]);
    expect(other.passed[0]?.context?.keepHost).toBeUndefined();
  });
});

describe("order", () => {
  it("is gor's, whatever the order of the flags: filters see what was set and not what is rewritten", async () => {
    const flags = ["--http-rewrite-url", "^/old:/new", "--http-allow-url", "^/old.*k=v", "--http-set-param", "k=v"]; // prettier-ignore
    expect(target(await edited(get("/old"), ...flags))).toBe("/new?k=v");
    expect(await passes(get("/new"), ...flags)).toBe(false);
  });

  it("puts what is set behind filters and limiters when told to, before rewrites", async () => {
    const flags = [
      "--http-set-after-filters",
      "--http-set-header",
      "A: 1",
      "--http-set-param",
      "k=v",
    ];
    expect(await passes(get("/"), ...flags, "--http-disallow-header", "A:1", "--http-disallow-url", "k=v")).toBe(true); // prettier-ignore
    expect(target(await edited(get("/"), ...flags, "--http-rewrite-url", "k=v:k=w"))).toBe("/?k=w");
    const made = planFrom(["--input-tcp", ":1", "--output-null", ...flags], catalogue);
    const names = "plan" in made ? made.plan.stages.map(({ declaration }) => declaration.name) : [];
    const at = names.indexOf("param-limiter");
    expect(names.slice(at, at + 4)).toEqual(["param-limiter", "set-header", "set-param", "rewrite-url"]); // prettier-ignore
  });
});

describe("what cannot be parsed", () => {
  const garbage = (): Message => request("\x16\x03\x01\x02\x00 not http\r\n\r\n");

  it.each([
    ["--http-allow-method", "GET"], ["--http-allow-url", "."], ["--http-allow-header", "Host:."], ["--http-basic-auth-filter", "."],
  ])("does not pass %s", async (flag, value) => {
    const { passed, filtered } = await ruled([garbage()], flag, value);
    expect(passed).toEqual([]);
    expect(filtered).toEqual({ unparsable: 1 });
    expect(await passes(garbage(), flag, value, "--http-gor-rules")).toBe(true);
  }); // prettier-ignore

  it("passes rules that only leave out what they know, unchanged", async () => {
    const message = garbage();
    const { passed } = await ruled([message], "--http-disallow-url", ".", "--http-disallow-header", "A:.", "--http-set-header", "A: 1", "--http-rewrite-url", ".:x", "--http-header-limiter", "A: 0%"); // prettier-ignore
    expect(passed).toEqual([message]);
  });
});

describe("responses", () => {
  const replayed = (to: Message): Message => ({ ...responseTo(to, "HTTP/1.1 200 OK\r\n\r\n"), kind: MessageKind.replayed }); // prettier-ignore

  it.each([1, 2, 100])(
    "of requests that went go too, all of them, in batches of %d",
    async (batch) => {
      const [kept, gone, limited] = [get("/api"), get("/other"), get("/api", "User: 3")];
      const messages = [kept, gone, limited].flatMap((message) => [message, responseTo(message, "HTTP/1.1 200 OK\r\n\r\n"), replayed(message)]); // prettier-ignore
      const { collected, counters } = await run(messages, ["--output-collect", "--http-allow-url", "/api", "--http-header-limiter", "User: 50%"], { batch }); // prettier-ignore
      expect(collected.map(({ id, kind }) => [id, kind])).toEqual([[kept.id, 1], [kept.id, 2], [kept.id, 3]]); // prettier-ignore
      expect(counters.outputs[0]).toMatchObject({ filtered: { "allow-url": 3 }, limited: { "header-limiter": 3 } }); // prettier-ignore
    },
  );

  it("whose request nobody saw pass, and so do those of an id that is used again", async () => {
    const gone = get("/other");
    const again = { ...get("/api"), id: gone.id };
    const alone = responseTo(get("/other"), "HTTP/1.1 200 OK\r\n\r\n");
    const reply = responseTo(again, "HTTP/1.1 200 OK\r\n\r\n");
    const { passed } = await ruled([alone, gone, again, reply], "--http-allow-url", "/api");
    expect(passed).toEqual([alone, again, reply]);
  });
});

describe("faults", () => {
  it.each([
    ["--http-allow-header", "no-colon", /must be NAME:REGEXP/], ["--http-disallow-header", ":x", /must be NAME:REGEXP/],
    ["--http-allow-header", "A:(?=x)", /has no look-around/], ["--http-allow-url", "(x", /Go's syntax \(RE2\): missing closing/],
    ["--http-set-header", "A", /must be NAME: VALUE/], ["--http-set-header", "A: x\r\nB: y", /control characters/], ["--http-set-header", "Content-Length: 1", /frames the body/],
    ["--http-set-param", "k", /must be NAME=VALUE/], ["--http-set-param", "k=a b", /white space/], ["--http-set-param", "=v", /must be NAME=VALUE/],
    ["--http-header-limiter", "A", /must be NAME: PERCENT%/], ["--http-header-limiter", "A: 101%", /from 0% to 100%/], ["--http-header-limiter", "A: 1/0", /PERCENT%/], ["--http-param-limiter", "A: x%", /PERCENT%/],
    ["--http-rewrite-url", "/a", /must be REGEXP:TARGET/], ["--http-rewrite-url", "(/a:/b", /RE2/], ["--http-rewrite-url", "/a:/b c", /white space/],
    ["--http-rewrite-header", "A 1,2", /must be NAME: REGEXP,VALUE/], ["--http-rewrite-header", "A: 1", /must be NAME: REGEXP,VALUE/], ["--http-rewrite-header", "transfer-encoding: a,b", /frames the body/],
    ["--http-allow-method", "G T", /must be a method/],
  ])("%s %j", (flag, value, rule) => {
    const made = planFrom(["--input-tcp", ":1", "--output-null", flag, value], catalogue);
    const errors = "errors" in made ? made.errors : [];
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(rule);
    expect(errors[0]).toMatch(new RegExp(`^${flag}: `));
    expect(errors[0]).toContain(`got ${JSON.stringify(value)}`);
  }); // prettier-ignore
});
