import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SessionFinder } from "./session-finder.ts";

let count = 0;

function message(kind: MessageKind, start: string, fields: readonly string[], body = ""): Message {
  count += 1;
  const raw = [start, ...fields, `Content-Length: ${body.length}`, "", body].join("\r\n");
  const http = HttpMessage.fromRaw(Buffer.from(raw, "latin1"));
  return { kind, id: String(count), startedAt: count, latencyNs: 0, http };
}

const ask = (...fields: string[]): Message =>
  message(MessageKind.request, "GET / HTTP/1.1", fields);
const answer = (body: string, ...fields: string[]): Message =>
  message(
    MessageKind.response,
    "HTTP/1.1 200 OK",
    ["Content-Type: application/json", ...fields],
    body,
  );

const TOKEN_A = "q7Zt9KpL2mXw4Rb8Aa11";
const TOKEN_B = "Zq8Lm2Xw4Rb8Kp9Tt7Bb22";

describe("sessions", () => {
  it("are found by a token in a body that later requests carry as a credential", () => {
    const finder = new SessionFinder();
    const login = finder.ofRequest(ask());
    finder.ofResponse(login, answer(`{"token":"${TOKEN_A}"}`));
    expect(finder.ofRequest(ask(`Authorization: Bearer ${TOKEN_A}`))).toBe(login);
    expect(finder.ofRequest(ask())).not.toBe(login);
  });

  it("are found by cookies that a response set", () => {
    const finder = new SessionFinder();
    const first = finder.ofRequest(ask());
    finder.ofResponse(first, answer("{}", "Set-Cookie: sid=s3ss10n-1; Path=/"));
    expect(finder.ofRequest(ask("Cookie: theme=dark; sid=s3ss10n-1"))).toBe(first);
  });

  it("are joined when one request carries what two of them were given", () => {
    const joined: [number, number][] = [];
    const finder = new SessionFinder((older, younger) => joined.push([older, younger]));
    const a = finder.ofRequest(ask());
    finder.ofResponse(a, answer(`{"token":"${TOKEN_A}"}`));
    const b = finder.ofRequest(ask());
    finder.ofResponse(b, answer(`{"token":"${TOKEN_B}"}`));
    expect(
      finder.ofRequest(ask(`Authorization: Bearer ${TOKEN_B}`, `Cookie: sid=${TOKEN_A}`)),
    ).toBe(a);
    expect(joined).toEqual([[a, b]]);
    expect(finder.current(b)).toBe(a);
  });

  it("stay apart when all callers show the same API key beside cookies of their own", () => {
    const finder = new SessionFinder();
    const sessions = ["sid-1000001", "sid-1000002"].map((sid) => {
      const session = finder.ofRequest(ask());
      finder.ofResponse(session, answer("{}", `Set-Cookie: sid=${sid}`));
      return finder.ofRequest(ask("X-Api-Key: shared-key-12345", `Cookie: sid=${sid}`));
    });
    expect(finder.current(sessions[0] ?? 0)).not.toBe(finder.current(sessions[1] ?? 0));
  });

  it("begin with a token from before the recording, which is foreign then", () => {
    const finder = new SessionFinder();
    const first = ask(`Authorization: Bearer ${TOKEN_A}`);
    const session = finder.ofRequest(first);
    expect(finder.isForeign(first)).toBe(true);
    expect(finder.ofRequest(ask(`Authorization: Bearer ${TOKEN_A}`))).toBe(session);
    expect(finder.isForeign(ask())).toBe(false);
  });

  it("of one chain have one name, in whatever order they were joined, and are found at once", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), (order) => {
        const finder = new SessionFinder();
        const tokens = Array.from({ length: 8 }, (_, i) => `q7Zt9KpL2mXw4Rb8Aa0${i}`);
        const sessions = tokens.map((token) => {
          const session = finder.ofRequest(ask());
          finder.ofResponse(session, answer(`{"t":"${token}"}`));
          return session;
        });
        for (const i of order) {
          finder.ofRequest(ask(`Authorization: Bearer ${tokens[i]}`, `Cookie: s=${tokens[i + 1]}`));
        }
        expect(new Set(sessions.map((session) => finder.current(session)))).toEqual(
          new Set([sessions[0]]),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("take nothing from tokens that are too long to be remembered", () => {
    const finder = new SessionFinder();
    const session = finder.ofRequest(ask());
    finder.ofResponse(session, answer("{}", `Set-Cookie: big=${"a1".repeat(3000)}`));
    expect(finder.lastIssued).toEqual([]);
  });
});
