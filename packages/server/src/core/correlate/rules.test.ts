import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { contentOf } from "../content/body.ts";
import { RuleLearner, isShortId } from "./rules.ts";
import type { Slot } from "./request-values.ts";

function answer(body: unknown): Message {
  const text = JSON.stringify(body);
  const raw = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  const http = HttpMessage.fromRaw(Buffer.from(raw));
  return { kind: MessageKind.response, id: "1", startedAt: 0, latencyNs: 0, http };
}

function give(learner: RuleLearner, session: number, body: unknown): void {
  const message = answer(body);
  learner.response(
    session,
    "POST /orders",
    message,
    contentOf(message.http.head?.headers ?? [], message.http.body),
  );
}

const slot = (value: string): Slot => ({
  value,
  namespace: undefined,
  isId: false,
  place: "query:at",
});
const CONSUMER = "GET /orders query:at";

function use(learner: RuleLearner, session: number, value: string): void {
  learner.request(session, "GET /orders", [slot(value)]);
}

describe("rules of short ids", () => {
  it("need three sessions", () => {
    const learner = new RuleLearner();
    for (const session of [1, 2]) {
      give(learner, session, { row: 100 + session });
      for (let i = 0; i < 10; i += 1) use(learner, session, String(100 + session));
    }
    expect(learner.producersOf(CONSUMER)).toEqual([]);
    expect(learner.isProducer("POST /orders $.row")).toBe(false);
    give(learner, 3, { row: 103 });
    use(learner, 3, "103");
    expect(learner.producersOf(CONSUMER)).toEqual(["POST /orders $.row"]);
    expect(learner.isProducer("POST /orders $.row")).toBe(true);
    expect(learner.all()).toEqual([
      { consumer: CONSUMER, producer: "POST /orders $.row", sessions: 3, looked: 21, found: 21 },
    ]);
  });

  it("need ninety-five of a hundred values", () => {
    const learner = new RuleLearner();
    for (let session = 0; session < 100; session += 1) {
      give(learner, session, { row: 1000 + session });
      use(learner, session, session < 94 ? String(1000 + session) : "7");
    }
    expect(learner.producersOf(CONSUMER)).toEqual([]);
  });

  it("that were reviewed stay as they are, and nothing is learned beside them", () => {
    const learner = new RuleLearner([
      { consumer: CONSUMER, producer: "P $.a", sessions: 0, looked: 0, found: 0 },
    ]);
    for (let session = 0; session < 10; session += 1) {
      give(learner, session, { row: 50 + session });
      use(learner, session, String(50 + session));
    }
    expect(learner.producersOf(CONSUMER)).toEqual(["P $.a"]);
    expect(learner.isProducer("P $.a")).toBe(true);
    expect(learner.all()).toEqual([]);
  });

  it("are found in the same time for the ten-thousandth request as for the first", () => {
    const learner = new RuleLearner();
    give(learner, 1, { row: 17 });
    // With a look at every rule at each request this would take minutes.
    for (let i = 0; i < 8000; i += 1) {
      learner.request(1, `GET /${i % 4000}`, [slot("17")]);
      expect(learner.producersOf(`GET /${i % 4000} query:at`)).toEqual([]);
    }
  });

  it("are bounded in what they remember of hostile answers", () => {
    const learner = new RuleLearner(undefined, 10_000);
    const body = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`m${i}`, i + 10]));
    for (let session = 0; session < 20; session += 1) give(learner, session, body);
    // The oldest sessions were forgotten, the younger ones were not.
    use(learner, 0, "10");
    for (const session of [17, 18, 19]) use(learner, session, "10");
    expect(learner.all().map(({ sessions, looked }) => ({ sessions, looked }))).toEqual([
      { sessions: 3, looked: 3 },
    ]);
  });
});

it.each([
  ["17", true],
  ["ord_17", true],
  ["deadbeef", true],
  ["6f1c1f0e-8f5b-4e4b-9a51-0b8f3f6a2c11", false],
  ["hello", false],
])("%s is a short id: %s", (value, isShort) => expect(isShortId(value)).toBe(isShort));
