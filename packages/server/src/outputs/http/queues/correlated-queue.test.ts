// Correlation in front of real targets: each has tokens of its own, and what a limit takes away holds nobody.
import { createHmac } from "node:crypto";
import { MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { get, responseTo, run } from "../../../../test/kit.ts";
import { http } from "../../../../test/targets.ts";
import { summaryText } from "../../../engine/accounting/summary.ts";

const OLD = "q7Zt9KpL2mXw4Rb8Aa11";
const tokenOf = (name: string): string => `Zq8Lm2Xw4Rb8Kp9T${name}1`;

/** A service that gives out a token of its own at /login and wants it everywhere else. */
async function service(name: string): Promise<{ address: string; statuses: number[] }> {
  const statuses: number[] = [];
  const address = await http(({ url, headers }, response) => {
    const isKnown = url === "/login" || headers.authorization === `Bearer ${tokenOf(name)}`;
    response.statusCode = isKnown ? 200 : 401;
    statuses.push(response.statusCode);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(url === "/login" ? { token: tokenOf(name) } : {}));
  });
  return { address, statuses };
}

/** A login and requests with its token, each behind the answer to the one before it. */
function session(count: number): Message[] {
  const login = get("/login");
  const body = JSON.stringify({ token: OLD });
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const messages: Message[] = [login, responseTo(login, `${head}${body}`)];
  for (let i = 0; i < count; i += 1) {
    const request = get(`/me/${i}`, `Authorization: Bearer ${OLD}`);
    messages.push(request, responseTo(request, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  }
  return messages.map((message, i) => ({
    ...message,
    startedAt: 1_732_406_400_000_000 + i * 1000,
  }));
}

describe("--correlate", () => {
  it("gives each of two targets its own tokens, and the summary says what was done", async () => {
    const [a, b] = [await service("A"), await service("B")];
    const targets = ["--output-http", a.address, "--output-http", b.address];
    const { counters, discrepancies } = await run(
      session(10),
      [...targets, "--output-http-track-response", "--correlate", "auto"],
      // All of it is there before the first answer is.
      { batch: 64 },
    );
    expect(a.statuses).toEqual(Array.from({ length: 11 }, () => 200));
    expect(b.statuses).toEqual(a.statuses);
    expect(discrepancies.every((open) => open === 0)).toBe(true);
    // Both answers to each request are compared with the original.
    expect(counters.comparison).toMatchObject({ compared: 22, mismatched: 0 });
    const summary = summaryText(counters);
    expect(summary.match(/tokens and ids: 1 learned, 10 used, 10 requests waited$/gm)).toHaveLength(
      2,
    );
  });

  it("holds nobody for a request that a limit took away", async () => {
    const { address, statuses } = await service("A");
    const messages = session(3);
    // One request a second: the login is within the limit, or the others wait for nothing.
    const { counters } = await run(messages, [
      "--output-http",
      `${address}|1`,
      "--correlate",
      "auto",
      "--correlate-wait",
      "1h",
    ]);
    const [output] = counters.outputs;
    const requests = messages.filter(({ kind }) => kind === MessageKind.request).length;
    expect(statuses.length).toBeGreaterThan(0);
    expect(statuses.length + (output?.limited["rate-limit"] ?? 0)).toBe(requests);
    expect(output?.stats.correlation?.missed["waited-too-long"]).toBeUndefined();
  });
});

const JWT_HEAD = Buffer.from('{"alg":"HS256"}').toString("base64url");

describe("a recording whose tokens nobody can learn", () => {
  it("has its JWTs signed with the target's key, in time", async () => {
    const secret = "secret of staging";
    const old = `${JWT_HEAD}.${Buffer.from('{"exp":1732406460}').toString("base64url")}.b2xk`;
    const statuses: number[] = [];
    const address = await http(({ headers }, response) => {
      const [head = "", claims = "", signature] = (headers.authorization ?? "").slice(7).split(".");
      const expected = createHmac("sha256", secret).update(`${head}.${claims}`).digest("base64url");
      const { exp }: { exp: number } = JSON.parse(Buffer.from(claims, "base64url").toString());
      response.statusCode = signature === expected && exp * 1000 > Date.now() ? 200 : 401;
      statuses.push(response.statusCode);
      response.end();
    });
    const request = get("/me", `Authorization: Bearer ${old}`);
    const flags = `--output-http ${address} --correlate auto --correlate-jwt-key`.split(" ");
    const { counters } = await run([request], [...flags, secret]);
    expect(statuses).toEqual([200]);
    expect(summaryText(counters)).toContain("0 requests waited, 1 JWTs signed anew");
  });

  it("is told once, with what would help, when only marks are left", async () => {
    const { address } = await service("A");
    const marked = [1, 2].map((i) => get(`/me/${i}`, "Authorization: REDACTED"));
    const { log, counters } = await run(marked, ["--output-http", address, "--correlate", "auto"]);
    const told = log.filter((line) => line.includes("redact.pseudonymKey"));
    expect(told).toEqual([
      expect.stringContaining("a mark instead of a secret (first in: header)"),
    ]);
    expect(counters.outputs[0]?.stats.correlation?.missed).toEqual({ redacted: 2 });
  });

  it("is told of a key that cannot sign, before anything is sent", async () => {
    const { address, statuses } = await service("A");
    const key = "-----BEGIN PUBLIC KEY-----";
    const flags = ["--output-http", address, "--correlate", "auto", "--correlate-jwt-key", key];
    await expect(run([get("/me")], flags)).rejects.toThrow("--correlate-jwt-key: PEM must hold");
    expect(statuses).toEqual([]);
  });
});
