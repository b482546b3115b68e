// Who comes in, and who does not: by the facts of a request alone.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Access } from "./access.ts";
import type { RequestFacts } from "./access.ts";

function access(options: { hosts?: string[]; secure?: boolean; bearer?: string } = {}) {
  const tokens: string[] = [];
  const made = new Access({
    hosts: options.hosts ?? [],
    secure: options.secure ?? false,
    bearer: options.bearer,
    port: 8282,
    random: randomBytes,
    onToken: (token) => tokens.push(token),
  });
  return { made, tokens };
}

function asks(facts: Partial<RequestFacts> = {}): RequestFacts {
  return {
    method: "GET",
    target: "/",
    host: "127.0.0.1:8282",
    origin: undefined,
    cookie: undefined,
    authorization: undefined,
    fetchSite: undefined,
    fetchMode: undefined,
    fetchDest: undefined,
    ...facts,
  };
}

function entered({ made, tokens }: ReturnType<typeof access>): string {
  const decision = made.decide(asks({ target: `/?token=${tokens.at(-1)}` }));
  if (decision.kind !== "entered") throw new Error(JSON.stringify(decision));
  return decision.setCookie.split(";")[0] ?? "";
}

describe("the token", () => {
  it("lets one browser in, once, and a new one takes its place", () => {
    const { made, tokens } = access();
    const [first] = tokens;
    const decision = made.decide(asks({ target: `/?token=${first}` }));
    expect(decision).toMatchObject({ kind: "entered" });
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens).size).toBe(2);
    expect(made.decide(asks({ target: `/?token=${first}` }))).toMatchObject({ status: 401 });
  });

  it("becomes a cookie that scripts cannot read and other sites do not send", () => {
    const { made, tokens } = access({ secure: true });
    const decision = made.decide(asks({ target: `/?token=${tokens[0]}` }));
    if (decision.kind !== "entered") throw new Error(decision.kind);
    expect(decision.setCookie).toMatch(
      /^mirrorball-8282=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Secure$/,
    );
  });

  it("is asked for at the root by GET only", () => {
    const { made, tokens } = access();
    const token = tokens[0] ?? "";
    for (const facts of [
      { method: "HEAD", target: `/?token=${token}` },
      { target: `/api/rows?token=${token}` },
      { target: `/?token=${token}&x=1` },
    ]) {
      expect(made.decide(asks(facts))).toMatchObject({ status: 401 });
    }
    expect(tokens).toHaveLength(1);
  });

  it("is not guessed by its beginning, its length or nothing", () => {
    const { made, tokens } = access();
    for (const guess of ["", "a", (tokens[0] ?? "").slice(0, -1), `${tokens[0]}a`]) {
      expect(made.decide(asks({ target: `/?token=${guess}` }))).toMatchObject({ status: 401 });
    }
  });
});

describe("the cookie", () => {
  it("lets in who has it, among others", () => {
    const all = access();
    const cookie = entered(all);
    expect(all.made.decide(asks({ cookie: `a=b; ${cookie}; c=d` }))).toEqual({ kind: "passed" });
    expect(all.made.decide(asks({ cookie: `${cookie}x` }))).toMatchObject({ status: 401 });
    expect(all.made.decide(asks({ cookie: "mirrorball-8282=" }))).toMatchObject({ status: 401 });
    expect(all.made.decide(asks())).toMatchObject({ status: 401 });
  });

  it("of another port is another one", () => {
    const all = access();
    const cookie = entered(all).replace("8282", "8283");
    expect(all.made.decide(asks({ cookie }))).toMatchObject({ status: 401 });
  });

  it("of the first browser ends when 64 others came", () => {
    const all = access();
    const first = entered(all);
    for (let i = 0; i < 63; i += 1) entered(all);
    expect(all.made.decide(asks({ cookie: first }))).toEqual({ kind: "passed" });
    const last = entered(all);
    expect(all.made.decide(asks({ cookie: first }))).toMatchObject({ status: 401 });
    expect(all.made.decide(asks({ cookie: last }))).toEqual({ kind: "passed" });
  });
});

describe("names", () => {
  it.each([
    ["127.0.0.1:8282", true],
    ["localhost:8282", true],
    ["LOCALHOST", true],
    ["[::1]:8282", true],
    ["10.1.2.3", true],
    ["page.internal:8282", true],
    ["attacker.example:8282", false],
    ["localhost.attacker.example", false],
    ["127.0.0.1.nip.io:8282", false],
    ["", false],
    [undefined, false],
  ])("%s: %s", (host, isOurs) => {
    const all = access({ hosts: ["page.internal"] });
    const cookie = entered(all);
    const decision = all.made.decide(asks({ host, cookie }));
    expect(decision.kind === "passed").toBe(isOurs);
    if (!isOurs) expect(decision).toMatchObject({ status: 403 });
  });
});

describe("other pages", () => {
  const here = { fetchSite: "same-origin", fetchMode: "cors", fetchDest: "empty" };

  it.each([
    ["our own page", here, true],
    ["the address bar", { fetchSite: "none", fetchMode: "navigate", fetchDest: "document" }, true],
    [
      "a link elsewhere",
      { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "document" },
      true,
    ],
    [
      "a frame elsewhere",
      { fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "iframe" },
      false,
    ],
    [
      "a script elsewhere",
      { fetchSite: "cross-site", fetchMode: "no-cors", fetchDest: "script" },
      false,
    ],
    [
      "a fetch of another port",
      { fetchSite: "same-site", fetchMode: "cors", fetchDest: "empty" },
      false,
    ],
    ["a foreign origin", { origin: "http://attacker.example" }, false],
    ["another port's origin", { origin: "http://127.0.0.1:8283" }, false],
    ["an opaque origin", { origin: "null" }, false],
    ["our origin", { origin: "http://127.0.0.1:8282" }, true],
  ])("%s", (_, facts, isFine) => {
    const all = access();
    const cookie = entered(all);
    expect(all.made.decide(asks({ cookie, ...facts })).kind === "passed").toBe(isFine);
    // Also where no token is asked for.
    expect(all.made.decideOpen(asks(facts)).kind === "passed").toBe(isFine);
  });

  it("may not post, nor who does not say where it comes from", () => {
    const all = access();
    const cookie = entered(all);
    const post = (facts: Partial<RequestFacts>) =>
      all.made.decide(asks({ method: "POST", cookie, ...facts })).kind;
    expect(post({})).toBe("refused");
    expect(post({ fetchSite: "none" })).toBe("refused");
    expect(post({ fetchSite: "cross-site", fetchMode: "navigate", fetchDest: "document" })).toBe("refused"); // prettier-ignore
    expect(post(here)).toBe("passed");
    expect(post({ ...here, origin: "http://127.0.0.1:8282" })).toBe("passed");
    expect(all.made.decide(asks({ method: "DELETE", cookie }))).toMatchObject({ status: 405 });
  });
});

describe("the token of tools", () => {
  const bearer = "correct horse battery";
  const authorization = `Bearer ${bearer}`;

  it("is asked for where there is one, and lets in by any name who sends it", () => {
    const { made } = access({ bearer });
    const kind = (facts: Partial<RequestFacts>) => made.decideBearer(asks(facts)).kind;
    expect(made.decideBearer(asks())).toMatchObject({ status: 401, challenge: "Bearer" });
    expect(kind({ authorization })).toBe("passed");
    expect(kind({ authorization: `bearer   ${bearer}`, method: "HEAD" })).toBe("passed");
    expect(kind({ authorization, host: "mirrorball.internal:9090" })).toBe("passed");
    expect(kind({ authorization, method: "POST" })).toBe("refused");
    for (const wrong of ["", "Bearer", "Bearer ", bearer, `Basic ${bearer}`, `${authorization}x`]) {
      expect(kind({ authorization: wrong }), wrong).toBe("refused");
    }
    expect(kind({ authorization: `Bearer ${" ".repeat(5000)}${bearer}` })).toBe("refused");
  });

  it("is not needed by who may see the traffic, and shows none of it", () => {
    const all = access({ bearer });
    const cookie = entered(all);
    expect(all.made.decideBearer(asks({ cookie })).kind).toBe("passed");
    expect(all.made.decide(asks({ authorization }))).toMatchObject({ status: 401 });
  });

  it("where there is none everybody on the address may ask, but no foreign page", () => {
    const { made } = access();
    expect(made.decideBearer(asks()).kind).toBe("passed");
    expect(made.decideBearer(asks({ host: "attacker.example" }))).toMatchObject({ status: 403 });
  });
});
