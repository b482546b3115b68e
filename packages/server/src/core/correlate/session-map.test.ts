import { describe, expect, it } from "vitest";
import { BYTES_MAX, CorrelationMaps, SESSIONS_MAX } from "./maps.ts";
import type { LearnedPair } from "./pairs.ts";
import { ENTRIES_MAX, SessionMap } from "./session-map.ts";

describe("the map of a session", () => {
  it("keeps the first mapping and tells of contradictions", () => {
    const map = new SessionMap();
    expect(map.learn("order", "17", "23")).toBe("new");
    expect(map.learn("order", "17", "23")).toBe("known");
    expect(map.learn("order", "17", "24")).toBe("contradiction");
    expect(map.image("order", "17")).toBe("23");
    expect(map.image("account", "17")).toBeUndefined();
    expect(map.image("", "17")).toBeUndefined();
  });

  it("lets a later cookie take the place of an earlier one", () => {
    const map = new SessionMap();
    map.replace("cookie:sid", "a", "x");
    map.replace("cookie:sid", "a", "y");
    expect(map.image("cookie:sid", "a")).toBe("y");
  });

  it("forgets what was not used for longest, counts it, and knows its bytes", () => {
    const map = new SessionMap();
    for (let i = 0; i < ENTRIES_MAX; i += 1) map.learn("n", String(i), "x");
    expect(map.image("n", "0")).toBe("x");
    map.learn("n", "more", "x");
    expect(map.evicted).toBe(1);
    expect(map.image("n", "0")).toBe("x");
    expect(map.image("n", "1")).toBeUndefined();
    const { bytes } = map;
    for (let i = 0; i < ENTRIES_MAX * 3; i += 1) map.learn("n", `${i}`.padStart(20, "z"), "x");
    // All entries have the same size again, so the sum says what one costs.
    expect(map.bytes % ENTRIES_MAX).toBe(0);
    expect(map.bytes).toBeGreaterThan(bytes);
  });

  it("gives no image that is contested, and lets a later one take its place", () => {
    const map = new SessionMap();
    expect(map.contest("", "a", "x")).toBe("held");
    expect(map.image("", "a")).toBeUndefined();
    expect(map.learn("", "a", "y")).toBe("new");
    expect(map.image("", "a")).toBe("y");
    expect(map.contest("", "a", "x")).toBe("trusted");
    expect(map.learn("", "a", "z")).toBe("contradiction");
    map.hold("", "a", "z");
    expect(map.image("", "a")).toBe("y");
    map.hold("", "a", "y");
    expect(map.image("", "a")).toBeUndefined();
  });

  it("does not learn documents", () => {
    const map = new SessionMap();
    map.learn("", "a".repeat(5000), "b");
    expect(map.bytes).toBe(0);
  });

  it("has members called like those of every object as plain values", () => {
    const map = new SessionMap();
    expect(map.image("", "__proto__")).toBeUndefined();
    expect(map.image("", "constructor")).toBeUndefined();
  });
});

const pair = (namespace: string, a: string, b: string, replaces = false): LearnedPair => ({
  namespace,
  a,
  b,
  place: "",
  replaces,
  isGuess: false,
});
const guess = (a: string, b: string): LearnedPair => ({ ...pair("", a, b), isGuess: true });

describe("the maps of all sessions", () => {
  it("use what a session learned for it alone where sessions differ", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, pair("cart", "1", "901"));
    maps.learn(2, pair("cart", "1", "902"));
    expect(maps.image(1, "cart", "1")).toBe("901");
    expect(maps.image(2, "cart", "1")).toBe("902");
    // A third one never saw it, and it means two things.
    expect(maps.image(3, "cart", "1")).toBeUndefined();
  });

  it("share what means one thing only, cookies never", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, pair("account", "17", "23"));
    maps.learn(1, pair("cookie:sid", "abc", "xyz", true));
    expect(maps.image(2, "account", "17")).toBe("23");
    expect(maps.image(2, "cookie:sid", "abc")).toBeUndefined();
  });

  it("join those of two sessions that turned out to be one, and the older keeps its word", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, pair("cart", "1", "901"));
    maps.learn(2, pair("cart", "1", "902"));
    maps.learn(2, pair("cart", "2", "903"));
    maps.join(1, 2);
    expect(maps.image(1, "cart", "1")).toBe("901");
    expect(maps.image(1, "cart", "2")).toBe("903");
  });

  it("are bounded in sessions, and count what they forget", () => {
    const maps = new CorrelationMaps();
    for (let session = 0; session < SESSIONS_MAX + 5; session += 1) {
      maps.learn(session, pair("cookie:sid", "a", "b", true));
    }
    expect(maps.evicted).toBe(5);
    expect(maps.image(0, "cookie:sid", "a")).toBeUndefined();
    expect(maps.image(SESSIONS_MAX, "cookie:sid", "a")).toBe("b");
  });

  it("are bounded in bytes", () => {
    const maps = new CorrelationMaps();
    const value = "v".repeat(4000);
    // Nearly sixteen kilobytes an entry, with both sides of two bytes a character.
    const needed = Math.ceil(BYTES_MAX / 16_000) + 500;
    for (let session = 0; session < needed; session += 1) {
      maps.learn(session, pair("cookie:sid", `${value}${session}`, value, true));
    }
    expect(maps.evicted).toBeGreaterThan(400);
  });
});

describe("another session's value where a session's own is expected", () => {
  const [MINE, THEIRS] = ["mine", "theirs"];

  it("is not used when its own session said so before, and a later one is", () => {
    const maps = new CorrelationMaps();
    maps.learn(2, pair("", THEIRS, "theirs'"));
    maps.learn(1, guess(MINE, "theirs'"));
    expect(maps.image(1, "", MINE)).toBeUndefined();
    expect(maps.contested).toBe(1);
    maps.learn(1, guess(MINE, "mine'"));
    expect(maps.image(1, "", MINE)).toBe("mine'");
    expect(maps.contradictions).toBe(0);
  });

  it("is used no longer once its own session says so, and nobody else gets it", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, guess(MINE, "theirs'"));
    expect(maps.image(1, "", MINE)).toBe("theirs'");
    maps.learn(2, pair("", THEIRS, "theirs'"));
    expect(maps.image(1, "", MINE)).toBeUndefined();
    expect(maps.image(3, "", MINE)).toBeUndefined();
    expect(maps.image(2, "", THEIRS)).toBe("theirs'");
    maps.learn(1, guess(MINE, "mine'"));
    expect(maps.image(1, "", MINE)).toBe("mine'");
  });

  it("that the target gives at a place of its own is the session's: it may give out one token twice", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, pair("", "token-1", "shared"));
    maps.learn(2, pair("", "token-2", "shared"));
    expect(maps.image(1, "", "token-1")).toBe("shared");
    expect(maps.image(2, "", "token-2")).toBe("shared");
    expect(maps.contested).toBe(0);
  });

  it("is no other session's when two turn out to be one", () => {
    const current = new Map<number, number>();
    const maps = new CorrelationMaps((session) => current.get(session) ?? session);
    maps.learn(1, pair("", "a", "x"));
    current.set(2, 1);
    maps.join(1, 2);
    maps.learn(1, guess("b", "x"));
    expect(maps.image(1, "", "b")).toBe("x");
  });

  it("takes nothing from that session where it contradicts what this one knows", () => {
    const maps = new CorrelationMaps();
    maps.learn(1, pair("", MINE, "mine'"));
    maps.learn(2, guess(THEIRS, "theirs'"));
    maps.learn(1, pair("", MINE, "theirs'"));
    expect(maps.image(2, "", THEIRS)).toBe("theirs'");
    expect(maps.image(1, "", MINE)).toBe("mine'");
    expect(maps).toMatchObject({ contradictions: 1, contested: 0 });
  });
});
