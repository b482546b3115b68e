import { describe, expect, it } from "vitest";
import { contentOf } from "../content/body.ts";
import { givenInText } from "./given-in-text.ts";

const TOKEN = "9f86d081884c7d659a2feaa0c55ad015";
const UUID = "0b54d0e3-9a1c-4c6e-8a77-5d1f0a2b3c4d";

function given(headers: readonly string[], body: string): string[] {
  return givenInText(headers, contentOf(headers, Buffer.from(body)));
}

describe("what an answer gives its reader to send back", () => {
  it("is the token of a form, the id of a link and of a redirect", () => {
    const page = `<form><input type="hidden" name="_csrf" value="${TOKEN}"></form><a href="/accounts/${UUID}">one</a>`;
    expect(given(["Content-Type", "text/html"], page)).toEqual([TOKEN, UUID]);
    expect(given(["Location", `/home/${UUID}?from=login`], "")).toEqual([UUID]);
  });

  it("is no word, however long, and nothing of JSON, which is looked at elsewhere", () => {
    expect(given(["Content-Type", "text/html"], "<p>incomprehensibilities</p>")).toEqual([]);
    expect(given(["Content-Type", "application/json"], `{"token":"${TOKEN}"}`)).toEqual([]);
  });

  it("is bounded", () => {
    const links = Array.from({ length: 500 }, (_, i) => `${TOKEN.slice(4)}${1000 + i}`).join(" ");
    expect(given(["Content-Type", "text/html"], links)).toHaveLength(64);
  });
});
