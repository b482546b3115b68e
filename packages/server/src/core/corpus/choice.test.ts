import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { CorpusChoice } from "./choice.ts";

const TOKEN = "q7Zt9KpL2mXw4Rb8Aa1";

function message(kind: MessageKind, id: string, raw: string): Message {
  const http = HttpMessage.fromRaw(Buffer.from(raw, "latin1"));
  return { kind, id, startedAt: 0, latencyNs: 0, http };
}

interface Step {
  readonly ask: string;
  readonly token?: string;
  readonly send?: unknown;
  readonly status?: number;
  readonly body?: unknown;
}

function chosenOf(steps: Readonly<Record<string, Step>>): string[] {
  return [...choiceOf(steps).chosen()].sort();
}

function choiceOf(steps: Readonly<Record<string, Step>>): CorpusChoice {
  const choice = new CorpusChoice();
  for (const [id, { ask, token, send, status = 200, body = {} }] of Object.entries(steps)) {
    const sent = send === undefined ? "" : JSON.stringify(send);
    const fields = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
    const type = "Content-Type: application/json\r\n";
    choice.see(
      message(
        MessageKind.request,
        id,
        `${ask} HTTP/1.1\r\nHost: x\r\n${fields}${type}Content-Length: ${sent.length}\r\n\r\n${sent}`,
      ),
    );
    const text = JSON.stringify(body);
    choice.see(
      message(
        MessageKind.response,
        id,
        `HTTP/1.1 ${status} X\r\n${type}Content-Length: ${text.length}\r\n\r\n${text}`,
      ),
    );
  }
  return choice;
}

describe("a corpus", () => {
  it("has one exchange for each endpoint, status and shape", () => {
    const chosen = chosenOf({
      a: { ask: "GET /things/1", body: { name: "one", tags: ["x"] } },
      sameShape: { ask: "GET /things/2", body: { tags: ["y", "z"], name: "two" } },
      otherShape: { ask: "GET /things/3", body: { name: null, tags: [] } },
      otherStatus: { ask: "GET /things/4", status: 404, body: { name: "one", tags: ["x"] } },
      otherQuery: { ask: "GET /things/5?full=1", body: { name: "one", tags: ["x"] } },
      sameQuery: { ask: "GET /things/6?full=2", body: { name: "one", tags: ["x"] } },
      otherMethod: { ask: "HEAD /things/1" },
    });
    expect(chosen).toEqual(["a", "otherMethod", "otherQuery", "otherShape", "otherStatus"]);
  });

  it("has what the chosen ones depend on: who gave out their tokens, and the writes before them", () => {
    const login = (user: number): Step => ({
      ask: "POST /login",
      send: { user },
      body: { token: `${TOKEN}${user}` },
    });
    const chosen = chosenOf({
      login1: login(1),
      login2: login(2),
      list1: { ask: "GET /orders", token: `${TOKEN}1`, body: [] },
      list2: { ask: "GET /orders", token: `${TOKEN}2`, body: [] },
      make2: {
        ask: "POST /orders",
        token: `${TOKEN}2`,
        send: { item: "a" },
        body: { order: "ord_10017" },
      },
      make2again: {
        ask: "POST /orders",
        token: `${TOKEN}2`,
        send: { item: "b" },
        body: { order: "ord_10018" },
      },
      look2: { ask: "GET /orders/ord_10018", token: `${TOKEN}2`, body: { item: "b" } },
    });
    // The second user's look needs both writes and that user's login, though the kinds of these were chosen before.
    expect(chosen).toEqual(["list1", "login1", "login2", "look2", "make2", "make2again"]);
  });

  it("knows requests that nobody answered as a kind of their own", () => {
    const choice = new CorpusChoice();
    for (const id of ["a", "b"])
      choice.see(message(MessageKind.request, id, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n"));
    expect([...choice.chosen()]).toEqual(["a"]);
  });

  it("takes nothing from answers without a request and messages that cannot be read", () => {
    const choice = new CorpusChoice();
    choice.see(message(MessageKind.response, "a", "HTTP/1.1 200 OK\r\n\r\n"));
    choice.see(message(MessageKind.request, "b", "nonsense"));
    expect(choice.count).toBe(0);
    expect([...choice.chosen()]).toEqual([]);
  });
});

describe("one exchange", () => {
  it("is chosen with what it needs of its session, and nothing else", () => {
    const choice = choiceOf({
      login: { ask: "POST /login", body: { token: TOKEN } },
      other: { ask: "GET /things/1", token: TOKEN },
      wanted: { ask: "GET /me", token: TOKEN },
      later: { ask: "POST /things", token: TOKEN },
    });
    expect([...choice.neededFor("wanted")].sort()).toEqual(["login", "wanted"]);
    expect(choice.neededFor("nobody").size).toBe(0);
  });
});
