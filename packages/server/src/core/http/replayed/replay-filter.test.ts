// Marked requests and the responses to them are left out, whatever stands around them.
import { expect, it } from "vitest";
import { get, responseTo } from "../../../../test/kit.ts";
import { ReplayFilter } from "./replay-filter.ts";

it("leaves out marked requests and their responses, and nothing else", () => {
  const filter = new ReplayFilter();
  const [own, marked, lower] = [get("/X-Mirrorball-Replay"), get("/1", "X-Mirrorball-Replay: 1"), get("/2", "x-mirrorball-replay: 1")]; // prettier-ignore
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const batch = [own, marked, lower, responseTo(own, ok), responseTo(marked, ok)];
  filter.apply(batch);
  expect(batch.map(({ kind, id }) => [kind, id])).toEqual([
    [1, own.id],
    [2, own.id],
  ]);
  expect(filter.leftOut).toBe(3);
});

it("takes the response when an id is used again by a request that is no replay", () => {
  const filter = new ReplayFilter();
  const marked = get("/1", "X-Mirrorball-Replay: 1");
  const again = { ...get("/2"), id: marked.id };
  const batch = [marked, again, responseTo(again, "HTTP/1.1 200 OK\r\n\r\n")];
  filter.apply(batch);
  expect(batch.map(({ kind }) => kind)).toEqual([1, 2]);
});
