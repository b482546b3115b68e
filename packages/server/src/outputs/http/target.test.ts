// The address of --output-http: hosts, Unix sockets, and what its own path and query mean.
import { expect, it } from "vitest";
import { Refusal } from "../../component/option.ts";
import { parseTarget, pathTo } from "./target.ts";
import type { Target } from "./target.ts";

function target(text: string): Target {
  const parsed = parseTarget(text);
  if (parsed instanceof Refusal) throw new Error(parsed.rule);
  return parsed;
}

it.each([
  ["unix:/run/app.sock", "/run/app.sock", undefined],
  ["unix:///run/app.sock", "/run/app.sock", undefined],
  ["unix:app.sock", "app.sock", undefined],
  ["http+unix://%2Frun%2Fapp.sock", "/run/app.sock", undefined],
  ["http+unix://%2Frun%2Fapp.sock/v2?k=1", "/run/app.sock", "/v2?k=1"],
  ["http+unix://%2Frun%2Fapp.sock?k=1", "/run/app.sock", "/?k=1"],
])("%s is a Unix socket", (text, socketPath, path) => {
  expect(target(text)).toEqual({
    origin: "http://localhost",
    host: "localhost",
    address: { protocol: "http:", hostname: "localhost", port: "", socketPath },
    path,
    authorization: undefined,
  });
});

it.each([
  "unix:",
  "http+unix://%",
  "http+unix:///run/app.sock",
  "unix:/run/${APP}.sock",
  "http://a/ b",
])("refuses %s", (text) => {
  expect(parseTarget(text)).toBeInstanceOf(Refusal);
});

it.each([
  ["http://a/v2?k=1", "/foo?x=1", "/v2/foo?k=1&x=1"],
  ["http://a/v2?k=1", "/foo", "/v2/foo?k=1"],
  ["http://a/v2/?k=1", "/foo?", "/v2/foo?k=1"],
  ["http://a/v2", "/foo?x=1&x=2", "/v2/foo?x=1&x=2"],
  ["http://a/v2", "/foo?", "/v2/foo?"],
  ["http://a/v2", "/", "/v2/"],
  ["http://a?k=1", "/foo?x=?", "/foo?k=1&x=?"],
  ["http://a/v2?k=1", "*", "/v2?k=1"],
  ["http://a", "/foo", "/foo"],
])("prefix %s, recorded %s: %s", (address, recorded, sent) => {
  expect(pathTo(target(address), "prefix", recorded)).toBe(sent);
});
