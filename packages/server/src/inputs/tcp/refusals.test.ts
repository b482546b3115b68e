// Refusals in the log: each new reason of each address at once, the same rarely, a flood not at all.
import { expect, it } from "vitest";
import { Refusals } from "./refusals.ts";

const differs = { code: "token-differs", message: "the token differs" };
const foreign = { code: "foreign", message: "not this protocol" };

function logged(): { lines: string[]; refusals: Refusals } {
  const lines: string[] = [];
  return { lines, refusals: new Refusals((line) => lines.push(line)) };
}

it("tells the first of each reason and address at once, whatever was told before", () => {
  const { lines, refusals } = logged();
  refusals.note("closed", "10.0.0.1:5000", foreign, "; what it sent looks like text", 5);
  refusals.note("closed", "10.0.0.1:5001", differs, "", 6);
  refusals.note("closed", "10.0.0.2:5001", differs, "", 7);
  refusals.note("closed", "10.0.0.2:5002", differs, "", 8);
  expect(lines).toEqual([
    "closed 10.0.0.1:5000: not this protocol; what it sent looks like text",
    "closed 10.0.0.1:5001: the token differs",
    "closed 10.0.0.2:5001: the token differs",
  ]);
});

it("tells the same again after a minute, with how often it was", () => {
  const { lines, refusals } = logged();
  for (let i = 0; i <= 60; i += 1) refusals.note("closed", `10.0.0.1:${i}`, differs, "", i * 1000);
  expect(lines).toEqual([
    "closed 10.0.0.1:0: the token differs",
    "closed 10.0.0.1:60: the token differs (60 times)",
  ]);
});

it("writes ten lines of a scan and one a second from there, and says how many it left out", () => {
  const { lines, refusals } = logged();
  for (let i = 0; i < 5000; i += 1) refusals.note("closed", `10.0.${i}:1`, foreign, "", 100);
  expect(lines).toHaveLength(10);
  refusals.note("closed", "10.9.9.9:1", foreign, "", 1200);
  refusals.note("closed", "10.9.9.8:1", foreign, "", 1201);
  expect(lines.slice(10)).toEqual(["closed 10.9.9.9:1: not this protocol (and 4990 more before)"]);
});
