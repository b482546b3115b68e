import { readFileSync } from "node:fs";
import { fnv1a32 } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { OPTION_NAMES, settingsFrom } from "./options.ts";
import type { MirrorOptions } from "./options.ts";
import { isSampled } from "./record/sampling.ts";

const faultsOf = (options: unknown, env: Record<string, string> = {}): string => {
  try {
    settingsFrom(options as MirrorOptions, env);
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return error instanceof Error ? error.message : "";
  }
};

describe("options", () => {
  it("are all in the guide's table, and nothing else is", () => {
    const guide = readFileSync(
      new URL("../../../docs/guides/mounting.md", import.meta.url),
      "utf8",
    );
    const table = /\| option .*\n\|[- |]+\n((?:\|.*\n)+)/.exec(guide)?.[1] ?? "";
    const rows = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    expect(rows.toSorted()).toEqual([...OPTION_NAMES].toSorted());
  });

  it("show no secret in what is wrong with them", () => {
    const wrong = { server: "http://me:p@SECRET@host:1", tls: "SECRET", token: "", redact: { pseudonymKey: "SECRET" } }; // prettier-ignore
    const faults = faultsOf(wrong);
    expect(faults).not.toContain("SECRET");
    expect(faults).toContain('server: must be "host:port" or "unix:/path", or a list of them; got "***@host:1"');
    expect(faultsOf({}, { MIRRORBALL_SERVER: "me:SECRET@host" })).not.toContain("SECRET");
  }); // prettier-ignore

  it("have defaults", () => {
    expect(settingsFrom({}, {})).toMatchObject({
      servers: [{ host: "127.0.0.1", port: 28_020 }],
      service: "app",
      responses: "full",
      sampleShare: 1,
      maxBodyBytes: 8 * 1024 * 1024,
      maxBufferBytes: 16 * 1024 * 1024,
      enabled: true,
    });
  });

  it("are told from the environment, and win over it", () => {
    const env = {
      MIRRORBALL_SERVER: "a:1,unix:/b",
      MIRRORBALL_SERVICE: "shop",
      MIRRORBALL_SAMPLE: "0.5",
      MIRRORBALL_REDACT_HEADERS: "a, b",
    };
    const settings = settingsFrom({ service: "mine" }, env);
    expect(settings.servers).toEqual([
      { host: "a", port: 1, text: "a:1" },
      { path: "/b", text: "unix:/b" },
    ]);
    expect(settings).toMatchObject({
      service: "mine",
      sampleShare: 0.5,
      redact: {
        headers: [
          { name: "a", as: "mark" },
          { name: "b", as: "mark" },
        ],
      },
    });
  });

  it("are all checked at once, each with its rule and value", () => {
    const message = faultsOf({
      server: "nowhere",
      sample: 2,
      maxBufferBytes: 1,
      filter: "x",
      responses: "some",
      typo: 1,
    });
    expect(message).toContain(
      'server: must be "host:port" or "unix:/path", or a list of them; got "nowhere"',
    );
    expect(message).toContain(
      "maxBufferBytes: must be a whole number of bytes, at least 262144; got 1",
    );
    expect(message).toContain('filter: must be a function; got "x"');
    expect(message).toContain('responses: must be "full", "head" or "off"; got "some"');
    expect(message).toContain("typo: is not an option");
    expect(message).toMatch(/sample.*got 2/);
  });

  it.each(["", "host", "host:0", "host:65536", ":1", "unix:", "http://a:1"])(
    "the address %j is refused",
    (server) => {
      expect(faultsOf({ server })).toContain("server");
    },
  );

  it("take no token that can be guessed", () => {
    expect(faultsOf({ token: "fifteen letters" })).toContain(
      "token: must be a text of at least 16",
    );
    expect(settingsFrom({ token: "sixteen, or more" }, {}).token).toBe("sixteen, or more");
  });

  it("never show the token", () => {
    expect(faultsOf({ token: "", service: "" })).not.toContain("secret");
    expect(faultsOf({ token: 12_345 })).not.toContain("12345");
  });

  it("are switched off by the environment", () => {
    expect(settingsFrom({ enabled: true }, { MIRRORBALL_DISABLED: "1" }).enabled).toBe(false);
  });
});

describe("sampling", () => {
  it("is the published FNV-1a", () => {
    expect(fnv1a32("")).toBe(0x811c9dc5);
    expect(fnv1a32("a")).toBe(0xe40c292c);
    expect(fnv1a32("foobar")).toBe(0xbf9cf968);
  });

  it("keeps about the share, and the same keys whatever the dice", () => {
    let kept = 0;
    for (let i = 0; i < 10_000; i += 1) {
      const fields = ["Cookie", `a=b; sid=${i}`];
      const verdicts = [0, 0.999].map((dice) =>
        isSampled(0.3, { cookie: "sid" }, "/", fields, dice),
      );
      expect(verdicts[0]).toBe(verdicts[1]);
      if (verdicts[0]) kept += 1;
    }
    expect(kept).toBeGreaterThan(2700);
    expect(kept).toBeLessThan(3300);
  });

  it("throws dice for requests without the key", () => {
    expect(
      [0.29, 0.31].map((dice) => isSampled(0.3, { query: "user" }, "/a?b=c", [], dice)),
    ).toEqual([true, false]);
  });
});
