// Which proxy leads where: the one that was named, or what the environment says.
import { describe, expect, it } from "vitest";
import { Refusal } from "../../component/option.ts";
import type { Origin } from "./origin.ts";
import { parseProxy, proxyRule } from "./proxies.ts";

function origin(text: string): Origin {
  const url = new URL(text);
  const protocol = url.protocol === "https:" ? "https:" : "http:";
  return {
    protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port,
    socketPath: undefined,
  };
}

function proxyTo(address: string, environment: Record<string, string>): string | undefined {
  return proxyRule("env", environment)(origin(address))?.name;
}

it("a named one takes everything but Unix sockets, with its user", () => {
  const rule = proxyRule("http://u:p%25@proxy:3128", {});
  expect(rule(origin("https://a"))).toEqual({
    origin: { protocol: "http:", hostname: "proxy", port: "3128", socketPath: undefined },
    name: "http://proxy:3128",
    authorization: `Basic ${Buffer.from("u:p%").toString("base64")}`,
  });
  expect(rule({ ...origin("http://a"), socketPath: "/run/a.sock" })).toBeUndefined();
});

it("none is the default, whatever the environment says", () => {
  expect(proxyRule("", { HTTP_PROXY: "http://p:1" })(origin("http://a"))).toBeUndefined();
});

it.each(["socks5://p:1", "http://p:1/path", "http:/p", '"http://p:1"', "http://u:100%@p", "a b"])(
  "refuses %s",
  (text) => {
    expect(parseProxy(text)).toBeInstanceOf(Refusal);
  },
);

describe("the environment", () => {
  const both = { HTTP_PROXY: "p:1", HTTPS_PROXY: "https://q:2" };

  it("has a proxy for each scheme, and lower case goes first", () => {
    expect(proxyTo("http://a", both)).toBe("http://p:1");
    expect(proxyTo("https://a", both)).toBe("https://q:2");
    expect(proxyTo("https://a", { HTTP_PROXY: "p:1" })).toBeUndefined();
    expect(proxyTo("http://a", { ...both, http_proxy: "r:3" })).toBe("http://r:3");
    expect(proxyTo("http://a", { ...both, http_proxy: "" })).toBeUndefined();
  });

  it("names the variable that is wrong", () => {
    expect(() => proxyRule("env", { HTTPS_PROXY: "socks5://p:1" })).toThrow(
      /^HTTPS_PROXY of the env/,
    );
  });

  it.each([
    ["*", "http://a", true],
    ["a", "http://a", true],
    ["a", "http://b.a", true],
    ["a", "http://ba", false],
    [".a", "http://b.a", true],
    ["*.a", "http://b.a", true],
    ["x, A ,y", "http://a", true],
    ["x A y", "http://a", true],
    ["a:80", "http://a", true],
    ["a:443", "https://a", true],
    ["a:8080", "http://a", false],
    ["a:8080", "http://a:8080", true],
    ["10.0.0.0/8", "http://10.1.2.3", true],
    ["10.0.0.0/8", "http://11.1.2.3", false],
    ["fd00::/8", "http://[fd12::1]", true],
    ["::1", "http://[::1]", true],
    ["[::1]:80", "http://[::1]", true],
    ["[::1]:81", "http://[::1]", false],
    ["10.0.0.0/99", "http://10.1.2.3", false],
    ["", "http://a", false],
    [",", "http://a", false],
  ])("NO_PROXY %s and %s", (NO_PROXY, address, isDirect) => {
    expect(proxyTo(address, { ...both, NO_PROXY }) === undefined).toBe(isDirect);
  });
});
