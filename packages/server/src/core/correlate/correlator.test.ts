import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Correlator } from "./correlator.ts";
import type { CorrelatorOptions } from "./settings.ts";
import { JwtSigner } from "./renewal/jwt.ts";
import { RuleLearner } from "./rules.ts";

const SECOND = 1_000_000;

function message(
  kind: MessageKind,
  id: string,
  atUs: number,
  raw: string,
  failure?: string,
): Message {
  const http = HttpMessage.fromRaw(Buffer.from(raw, "latin1"));
  return { kind, id, startedAt: atUs, latencyNs: 0, http, context: { failure } };
}

function ask(id: string, atUs: number, path: string, ...fields: string[]): Message {
  return message(
    MessageKind.request,
    id,
    atUs,
    [`GET ${path} HTTP/1.1`, "Host: x", ...fields, "", ""].join("\r\n"),
  );
}

function answer(
  kind: MessageKind,
  id: string,
  atUs: number,
  body: unknown,
  ...fields: string[]
): Message {
  const text = JSON.stringify(body);
  const head = [
    "HTTP/1.1 200 OK",
    "Content-Type: application/json",
    ...fields,
    `Content-Length: ${text.length}`,
  ];
  return message(kind, id, atUs, [...head, "", text].join("\r\n"));
}

const original = (id: string, atUs: number, body: unknown, ...fields: string[]): Message =>
  answer(MessageKind.response, id, atUs, body, ...fields);
const replayed = (id: string, body: unknown, ...fields: string[]): Message =>
  answer(MessageKind.replayed, id, 0, body, ...fields);
const failed = (id: string): Message =>
  message(
    MessageKind.replayed,
    id,
    0,
    "HTTP/1.1 502 Failed\r\nContent-Length: 0\r\n\r\n",
    "refused",
  );

function correlator(happensBefore = false): Correlator {
  return new Correlator({ waitMs: 1000, happensBefore, rules: new RuleLearner() });
}

const rawOf = (found: Message | undefined): string =>
  found === undefined ? "" : Buffer.from(found.http.raw).toString("latin1");

const OLD = "q7Zt9KpL2mXw4Rb8Aa11";
const NEW = "Zq8Lm2Xw4Rb8Kp9Tt7Bb";
const bearer = (token: string): string => `Authorization: Bearer ${token}`;

/** A login and a request with its token; the login's replay is not over yet. */
function loggedIn(target: Correlator): void {
  const login = ask("1", 0, "/login");
  const next = ask("2", 2 * SECOND, "/me", bearer(OLD));
  target.seen([login, original("1", SECOND, { token: OLD }), next]);
  target.take(login, 0);
  expect(target.next(0, 0)?.id).toBe("1");
  target.take(next, 0);
}

describe("a request that uses a token", () => {
  it("waits for the exchange that gives it out, and carries the target's", () => {
    const target = correlator();
    loggedIn(target);
    expect(target.next(0, 0)).toBeUndefined();
    expect(target.held).toBe(1);
    target.answered(replayed("1", { token: NEW }), 5);
    expect(rawOf(target.next(5, 0))).toContain(bearer(NEW));
    expect(target.counts()).toMatchObject({ learned: 1, used: 1, waited: 1, missed: {} });
  });

  it("goes at once, as it was and counted, when that exchange failed", () => {
    const target = correlator();
    loggedIn(target);
    target.answered(failed("1"), 5);
    expect(rawOf(target.next(5, 0))).toContain(bearer(OLD));
    expect(target.counts().missed).toEqual({ unlearned: 1 });
  });

  it("goes at once when that exchange will never be: filtered, limited or dropped", () => {
    const target = correlator();
    loggedIn(target);
    target.gone("1");
    expect(target.next(0, 0)?.id).toBe("2");
  });

  it("is stale when that exchange was answered before a crash", () => {
    const target = correlator();
    loggedIn(target);
    target.gone("1", true);
    expect(rawOf(target.next(0, 0))).toContain(bearer(OLD));
    expect(target.counts().missed).toEqual({ stale: 1 });
  });

  it("goes after a silence of the wait, counted", () => {
    const target = correlator();
    loggedIn(target);
    expect(target.next(999, 0)).toBeUndefined();
    expect(target.next(1000, 0)?.id).toBe("2");
    expect(target.counts().missed).toEqual({ "waited-too-long": 1, unlearned: 1 });
  });

  it("learns also when the original comes after the target's answer", () => {
    const target = correlator();
    const login = ask("1", 0, "/login");
    target.seen([login]);
    target.take(login, 0);
    target.next(0, 0);
    target.answered(replayed("1", { token: NEW }), 1);
    target.seen([original("1", SECOND, { token: OLD })]);
    const next = ask("2", 2 * SECOND, "/me", bearer(OLD));
    target.seen([next]);
    target.take(next, 2);
    expect(rawOf(target.next(2, 0))).toContain(bearer(NEW));
  });
});

describe("order", () => {
  it("of requests without a session is nobody's business", () => {
    const target = correlator();
    const [a, b] = [ask("1", 0, "/a"), ask("2", 2 * SECOND, "/b")] as const;
    target.seen([a, original("1", SECOND, {}), b]);
    for (const each of [a, b]) target.take(each, 0);
    expect(target.next(0, 0)?.id).toBe("1");
    expect(target.next(0, 0)?.id).toBe("2");
  });

  it("over all sessions is kept when the replay is faster than the recording", () => {
    const target = correlator(true);
    const [a, b] = [ask("1", 0, "/a"), ask("2", 2 * SECOND, "/b")] as const;
    target.seen([a, original("1", SECOND, {}), b]);
    for (const each of [a, b]) target.take(each, 0);
    expect(target.next(0, 0)?.id).toBe("1");
    expect(target.next(0, 0)).toBeUndefined();
    target.answered(replayed("1", {}), 1);
    expect(target.next(1, 0)?.id).toBe("2");
  });

  it("does not hold what overlapped in the recording", () => {
    const target = correlator(true);
    const [a, b] = [ask("1", 0, "/a"), ask("2", SECOND / 2, "/b")] as const;
    target.seen([a, b, original("1", SECOND, {})]);
    for (const each of [a, b]) target.take(each, 0);
    expect(target.next(0, 0)?.id).toBe("1");
    expect(target.next(0, 0)?.id).toBe("2");
  });
});

it("a contradiction is counted, and the first mapping stays", () => {
  const target = correlator();
  const give = (id: string, at: number, image: number): void => {
    const request = ask(id, at, "/accounts");
    target.seen([request, original(id, at + 1, { accountId: 17 }, "Set-Cookie: sid=s3ss10n-11")]);
    target.take(request, 0);
    target.next(0, 0);
    target.answered(replayed(id, { accountId: image }, "Set-Cookie: sid=s3ss10n-77"), 1);
  };
  give("1", 0, 23);
  const cookie = "Cookie: sid=s3ss10n-11";
  const again = ask("2", 10, "/accounts", cookie);
  target.seen([again, original("2", 11, { accountId: 17 })]);
  target.take(again, 1);
  target.next(1, 0);
  target.answered(replayed("2", { accountId: 24 }), 2);
  const use = ask("3", 20, "/accounts/17", cookie);
  target.seen([use]);
  target.take(use, 2);
  const raw = rawOf(target.next(2, 0));
  expect(raw).toContain("GET /accounts/23 ");
  expect(raw).toContain("sid=s3ss10n-77");
  expect(target.counts().contradictions).toBe(1);
});

describe("memory", () => {
  it("is free again when all is over", () => {
    const target = correlator();
    for (let i = 0; i < 500; i += 1) {
      const request = ask(String(i), i, "/a");
      target.seen([request, original(String(i), i, { a: 1 })]);
      target.take(request, 0);
      target.next(0, 0);
      target.answered(replayed(String(i), { a: 1 }), 1);
    }
    expect(target.held).toBe(0);
  });

  it("is bounded when originals never come, and when replays never do", () => {
    const target = correlator();
    const body = "x".repeat(1024 * 1024);
    for (let i = 0; i < 90; i += 1) {
      const id = String(i);
      const request = ask(id, i, "/a");
      target.seen([request]);
      target.take(request, 0);
      target.next(0, 0);
      if (i % 2 === 0) target.answered(replayed(id, body), 1);
      else target.seen([original(id, i, body)]);
    }
    // More than the bound came; the oldest were given up, and those that waited for a replay are counted.
    expect(target.counts().missed["forgotten"]).toBeGreaterThan(0);
  });
});

/** Every user logs in, gets a token, a cookie and an id, and then uses what the choices say. */
interface Step {
  readonly user: number;
  readonly action: "login" | "token" | "cookie" | "id";
}

const USERS = 4;
const token = (user: number, copy: boolean): string =>
  `${copy ? "Zq8Lm2Xw4Rb8" : "q7Zt9KpL2mXw"}Tt7Bb${user}9${copy ? "Copy" : "Orig"}`;
const sid = (user: number, copy: boolean): string => `s3ss10n-${copy ? 7 : 1}00${user}`;
const account = (user: number, copy: boolean): number =>
  (copy ? 900 + ((user * 7) % 10) : 100) + user;

function pathOf({ user, action }: Step): string {
  return action === "id" ? `/accounts/${account(user, false)}` : "/me";
}

function fieldsOf({ user, action }: Step): string[] {
  if (action === "cookie") return [`Cookie: theme=dark; sid=${sid(user, false)}`];
  return [bearer(token(user, false))];
}

function leaks(raw: string, user: number): string[] {
  const others = Array.from({ length: USERS }, (_, i) => i).filter((other) => other !== user);
  const words = new Set(raw.split(/[\s/=;]+/));
  return others
    .flatMap((other) => [token(other, true), sid(other, true), String(account(other, true))])
    .filter((value) => words.has(value));
}

describe("a value of one session", () => {
  it("never appears in another session's request, whatever is sent in whatever order", () => {
    const step = fc.record({
      user: fc.nat({ max: USERS - 1 }),
      action: fc.constantFrom<Step["action"]>("login", "token", "cookie", "id"),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        fc.boolean(),
        (steps, choices, all) => {
          const target = correlator(all);
          const byId = new Map<string, Step>();
          const underWay: string[] = [];
          const seenLogin = new Set<number>();
          const pump = (): void => {
            for (let found = target.next(0, 0); found !== undefined; found = target.next(0, 0)) {
              const { user, action } = byId.get(found.id) ?? { user: -1, action: "login" };
              const raw = rawOf(found);
              expect(leaks(raw, user)).toEqual([]);
              if (action === "token") expect(raw).toContain(token(user, true));
              if (action === "cookie") expect(raw).toContain(sid(user, true));
              if (action === "id") expect(raw).toContain(`/accounts/${account(user, true)} `);
              underWay.push(found.id);
            }
          };
          const body = (user: number, copy: boolean): unknown => ({
            token: token(user, copy),
            accountId: account(user, copy),
          });
          const finish = (id: string): void => {
            const { user, action } = byId.get(id) ?? { user: 0, action: "token" };
            const cookie = `Set-Cookie: sid=${sid(user, true)}`;
            target.answered(
              action === "login" ? replayed(id, body(user, true), cookie) : replayed(id, {}),
              0,
            );
          };
          for (const [i, each] of steps.entries()) {
            const { user, action } = each;
            if (action !== "login" && !seenLogin.has(user)) continue;
            seenLogin.add(user);
            const id = String(i);
            byId.set(id, each);
            const at = i * 10;
            const request =
              action === "login"
                ? ask(id, at, "/login")
                : ask(id, at, pathOf(each), ...fieldsOf(each));
            const cookie = `Set-Cookie: sid=${sid(user, false)}`;
            target.seen([
              request,
              action === "login"
                ? original(id, at + 5, body(user, false), cookie)
                : original(id, at + 5, {}),
            ]);
            target.take(request, 0);
            pump();
            const [choice = 0] = choices.take(1);
            if (choice % 3 === 0)
              for (const done of underWay.splice(choice % Math.max(1, underWay.length), 1))
                finish(done);
            pump();
          }
          while (underWay.length > 0) {
            for (const done of underWay.splice(0, 1)) finish(done);
            pump();
          }
          // Nobody waits for ever.
          expect(target.held).toBe(0);
          const missed = Object.keys(target.counts().missed);
          expect(missed).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("what the target never gave", () => {
  const at = Date.parse("2026-11-29T08:00:00Z");
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const jwt = `${part({ alg: "HS256" })}.${part({ exp: at / 1000 + 60 })}.c2ln`;
  const rewritten = (
    options: Partial<CorrelatorOptions>,
    request: Message,
  ): [string, Correlator] => {
    const target = new Correlator({
      waitMs: 1000,
      happensBefore: false,
      rules: new RuleLearner(),
      ...options,
    });
    target.seen([request]);
    target.take(request, 0);
    return [rawOf(target.next(0, at + 3_600_000)), target];
  };

  it("is a JWT that is signed anew, its times moved", () => {
    const jwts = new JwtSigner({ kind: "secret", secret: Buffer.from("secret") });
    const [raw, target] = rewritten({ jwts }, ask("1", at * 1000, "/me", bearer(jwt)));
    const sent = /Bearer (\S+)/.exec(raw)?.[1] ?? "";
    const claims: unknown = JSON.parse(
      Buffer.from(sent.split(".")[1] ?? "", "base64url").toString("utf8"),
    );
    expect(claims).toEqual({ exp: at / 1000 + 3660 });
    expect(target.counts()).toMatchObject({ resigned: 1, missed: {} });
    const [, left] = rewritten(
      { jwts },
      ask("1", at * 1000, "/me", bearer(`${part({ alg: "none" })}.${part({})}.x`)),
    );
    expect(left.counts()).toMatchObject({ resigned: 0, missed: { "jwt-unsigned": 1 } });
  });

  it("is a JWT that is left without a key", () => {
    const [raw, target] = rewritten({}, ask("1", at * 1000, "/me", bearer(jwt)));
    expect(raw).toContain(bearer(jwt));
    expect(target.counts().resigned).toBe(0);
  });

  it("is a time, moved only where that is asked for, and never an id or a part of the path", () => {
    const path = `/from/2026-11-29?since=2026-11-29T07:00:00.000Z&until=${at / 1000}&id=${at}`;
    expect(rewritten({}, ask("1", at * 1000, path))[0]).toContain(path);
    const [raw, target] = rewritten({ movesTimes: true }, ask("1", at * 1000, path));
    expect(raw).toContain(
      `/from/2026-11-29?since=2026-11-29T08:00:00.000Z&until=${at / 1000 + 3600}&id=${at}`,
    );
    expect(target.counts().times).toBe(2);
  });

  it("is a mark instead of a secret: counted, and nobody's", () => {
    const [, target] = rewritten({}, ask("1", 0, "/me", "Authorization: REDACTED"));
    expect(target.redacted).toBe("header");
    expect(target.counts().missed).toEqual({ redacted: 1 });
    // Callers are not one caller because their secrets look alike.
    const other = ask("2", 1, "/me", "Authorization: REDACTED");
    target.seen([other]);
    target.take(other, 0);
    expect(target.next(0, 0)?.id).toBe("2");
  });
});

describe("a page without a session", () => {
  it("holds the form that is sent with its token until the page was answered", () => {
    const page = (token: string): string => `<input type="hidden" name="_csrf" value="${token}">`;
    const html = (kind: MessageKind, token: string): Message =>
      message(
        kind,
        "1",
        SECOND,
        `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page(token).length}\r\n\r\n${page(token)}`,
      );
    const form = message(
      MessageKind.request,
      "2",
      2 * SECOND,
      `POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\n\r\n_csrf=${OLD}`,
    );
    const target = correlator();
    const get = ask("1", 0, "/login");
    target.seen([get, html(MessageKind.response, OLD), form]);
    target.take(get, 0);
    target.take(form, 0);
    expect(target.next(0, 0)?.id).toBe("1");
    expect(target.next(0, 0)).toBeUndefined();
    target.answered(html(MessageKind.replayed, NEW), 0);
    expect(rawOf(target.next(0, 0))).toContain(`_csrf=${NEW}`);
  });
});
