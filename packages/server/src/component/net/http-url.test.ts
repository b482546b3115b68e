// Addresses as people really write them: what is meant is taken, the rest gets one rule that says what to do.
import { expect, it } from "vitest";
import { checkAddress } from "./address.ts";
import { basicAuthorization, parseHttpUrl } from "./http-url.ts";
import { Refusal } from "../option.ts";

const RULE = new Refusal("the general rule");

function ruleOf(text: string): string | undefined {
  const url = parseHttpUrl(text, RULE);
  return url instanceof Refusal ? url.rule : undefined;
}

it.each([
  ["http://user:100%@a:1", /% in a user name or password must be written %25/],
  ["http:/a:1", /two slashes belong behind http:/],
  ["https:a:1", /two slashes belong behind https:/],
  ["http:///a", /two slashes belong behind http:/],
  ['"http://a"', /quotes/],
  ["'http://a'", /quotes/],
  ["“http://a”", /quotes/],
  ["http://${TARGET}:80", /^\$\{TARGET\} is a place to fill in/],
  ["http://$(hostname):80", /^\$\(hostname\) is a place to fill in/],
  ["http://{{ host }}", /^\{\{ host \}\} is a place to fill in/],
  ["http://<host>:80", /^<host> is a place to fill in/],
  ["http://u:a${b@h", /^\$\{ is a place to fill in/],
  ["http://a:99999", /port must be between 1 and 65535/],
  ["http://a:0", /port must be between 1 and 65535/],
  ["a:0/path", /port must be between 1 and 65535/],
  ["http://a:1#part", /never sent to a server/],
  ["http://*:80", /\* is none/],
  ["ws://a", /general rule/],
  ["", /general rule/],
  ["http://", /general rule/],
])("refuses %s", (text, rule) => {
  expect(ruleOf(text)).toMatch(rule);
});

it.each([
  ["staging:8080", "http://staging:8080/"],
  ["http:8080", "http://http:8080/"],
  ["http://[::1]:1/x?y", "http://[::1]:1/x?y"],
  ["HTTPS://a", "https://a/"],
  ["http://a:/", "http://a/"],
])("takes %s", (text, href) => {
  const url = parseHttpUrl(text, RULE);
  expect(url instanceof Refusal ? url.rule : url.href).toBe(href);
});

it.each([
  ["http://user:p@ss@a", "user:p@ss"],
  ["http://user:100%25@a", "user:100%"],
  ["http://user@a", "user:"],
  ["http://:only@a", ":only"],
])("has user and password of %s", (text, credentials) => {
  const url = parseHttpUrl(text, RULE);
  if (url instanceof Refusal) throw new Error(url.rule);
  expect(basicAuthorization(url)).toBe(`Basic ${Buffer.from(credentials).toString("base64")}`);
});

it.each(['":1"', "${HOST}:80", "<host>:80", "nonsense"])("sockets: refuses %s", (text) => {
  expect(checkAddress(text)).toBeInstanceOf(Refusal);
});
