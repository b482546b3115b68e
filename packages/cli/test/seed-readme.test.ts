// The commands of the README this project started from, word by word, against real servers: what each of them does, not
// how it exits. Addresses are exchanged for those of the test.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { elastic } from "../../server/test/elastic-stand-in.ts";
import { freePort, mirrorball } from "./processes.ts";
import { gor, later, pageOf, paths, placed, ran, start, startTarget, stop, until, urls } from "./seed-run.ts"; // prettier-ignore
import type { Places, Sent, Server, Target } from "./seed-run.ts";

const many = (count: number, each: Omit<Sent, "path"> = {}): Sent[] =>
  Array.from({ length: count }, (_, i) => ({ path: `/${i}`, ...each }));

/** The README's `gor --input-tcp replay.local:28020 --output-http http://staging.com`, to stand behind another one. */
async function replayServer(): Promise<{ server: Server; staging: Target; places: Places }> {
  const staging = await startTarget();
  const address = `127.0.0.1:${await freePort()}`;
  const places = { "replay.local:28020": address, "staging.com": staging.host };
  const words = ["--input-tcp", "replay.local:28020", "--output-http", "http://staging.com"];
  return { server: await start(...placed(words, places)), staging, places };
}

/** Runs a command that sends to the replay server, until both have delivered. */
async function ranBefore(words: readonly string[], requests: readonly Sent[]): Promise<Target> {
  const { server, staging, places } = await replayServer();
  await ran(words, places, requests);
  await stop(server);
  return staging;
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "mirrorball-readme-"));
  later(() => rmSync(path, { recursive: true }));
  return path;
}

describe("one server and two", () => {
  it("gor --input-raw :80 --output-tcp replay.local:28020; gor --input-tcp replay.local:28020 --output-http http://staging.com", async () => {
    const staging = await ranBefore(["--input-raw", ":80", "--output-tcp", "replay.local:28020"], paths("/a", "/b?c=d")); // prettier-ignore
    expect(urls(staging)).toEqual(["/a", "/b?c=d"]);
  });

  it("gor --input-raw :80 --output-http http://staging.com", async () => {
    const staging = await startTarget();
    const { code } = await ran(["--input-raw", ":80", "--output-http", "http://staging.com"], { "staging.com": staging.host }, paths("/a", "/b")); // prettier-ignore
    expect(urls(staging)).toEqual(["/a", "/b"]);
    expect(code).toBe(0);
  });

  it.each([
    ["--input-http", ":28019", "--output-http", "http://staging.com"],
    ["--input-http", ":9000", "--output-http", "staging.com"],
  ])("gor %s %s %s %s", async (...words) => {
    const staging = await startTarget();
    const port = await freePort();
    const server = await start(...placed(words, { [words[1] ?? ""]: `:${port}`, "staging.com": staging.host })); // prettier-ignore
    for (const method of ["GET", "POST"]) {
      const options = { method, headers: { "x-kept": "1" } };
      await until(() => fetch(`http://127.0.0.1:${port}/copy`, options).then(({ ok }) => ok, () => false)); // prettier-ignore
    }
    await stop(server);
    expect(staging.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(["GET /copy", "POST /copy"]); // prettier-ignore
    expect(staging.seen[0]?.headers["x-kept"]).toBe("1");
  });

  it("gor --input-tcp :28020 --output-http http://staging.com --output-http http://dev.com", async () => {
    const [staging, dev] = [await startTarget(), await startTarget()];
    await ran(["--input-tcp", ":28020", "--output-http", "http://staging.com", "--output-http", "http://dev.com"], { "staging.com": staging.host, "dev.com": dev.host }, paths("/a", "/b")); // prettier-ignore
    expect(urls(staging)).toEqual(["/a", "/b"]);
    expect(urls(dev)).toEqual(["/a", "/b"]);
  });

  it("gor … --split-output true", async () => {
    const [staging, dev] = [await startTarget(), await startTarget()];
    await ran(["--input-tcp", ":28020", "--output-http", "http://staging.com", "--output-http", "http://dev.com", "--split-output", "true"], { "staging.com": staging.host, "dev.com": dev.host }, many(10)); // prettier-ignore
    expect(staging.seen).toHaveLength(5);
    expect(dev.seen).toHaveLength(5);
    expect([...urls(staging), ...urls(dev)].toSorted()).toEqual(many(10).map(({ path }) => path)); // prettier-ignore
  });
});

describe("the HTTP output", () => {
  it("--output-http-workers=20", async () => {
    let open = 0;
    const most: number[] = [];
    const held: (() => void)[] = [];
    const staging = await startTarget((_req, res) => {
      open += 1;
      most.push(open);
      held.push(() => {
        open -= 1;
        res.end("ok");
      });
      // Nobody is answered before all twenty are busy.
      if (open < 20) return;
      for (const answer of held.splice(0)) answer();
    });
    const { server, pass } = await gor(["--input-tcp", ":28020", "--output-http", "http://staging.com", "--output-http-workers=20"], { "staging.com": staging.host }); // prettier-ignore
    await pass(many(60));
    await until(() => staging.seen.length === 60);
    await stop(server);
    expect(Math.max(...most)).toBe(20);
  });

  it("gor --input-tcp replay.local:28020 --output-http http://staging.com --output-http-redirects 2", async () => {
    const staging = await startTarget((req, res) => {
      const next = { "/0": "/1", "/1": "/2", "/2": "/3" }[req.url ?? ""];
      if (next === undefined) res.end("ok");
      else res.writeHead(302, { location: next }).end();
    });
    await ran(["--input-tcp", "replay.local:28020", "--output-http", "http://staging.com", "--output-http-redirects", "2"], { "staging.com": staging.host }, paths("/0")); // prettier-ignore
    expect(urls(staging)).toEqual(["/0", "/1", "/2"]);
  });

  it("gor --input-tcp replay.local:28020 --output-http http://staging.com --output-http-timeout 30s", async () => {
    // Longer than the 5 seconds there are without the flag.
    const staging = await startTarget((_req, res) => setTimeout(() => res.end("ok"), 5500));
    const { server, pass } = await gor(["--input-tcp", "replay.local:28020", "--output-http", "http://staging.com", "--output-http-timeout", "30s"], { "staging.com": staging.host }); // prettier-ignore
    await pass(paths("/slow"));
    await until(async () => (await pageOf(server)).outputs[0]?.delivered === 1);
    expect(staging.seen).toHaveLength(1);
  });

  it("gor --input-raw :80 --output-http 'http://user:pass@staging .com', the blank included", async () => {
    const staging = await startTarget();
    const [name, port] = staging.host.split(":");
    await ran(["--input-raw", ":80", "--output-http", "http://user:pass@staging .com"], { "staging .com": `${name} :${port}` }, [{ path: "/", headers: { authorization: "Bearer x" } }]); // prettier-ignore
    expect(staging.seen[0]?.headers.authorization).toBe("Basic dXNlcjpwYXNz");
  });
});

describe("rate limiting", () => {
  it("gor --input-tcp :28020 --output-http 'http://staging.com|10'", async () => {
    const staging = await startTarget();
    const started = performance.now();
    await ran(["--input-tcp", ":28020", "--output-http", "http://staging.com|10"], { "staging.com": staging.host }, many(60)); // prettier-ignore
    const windows = Math.ceil((performance.now() - started) / 1000) + 1;
    expect(staging.seen.length).toBeGreaterThanOrEqual(10);
    expect(staging.seen.length).toBeLessThanOrEqual(Math.min(10 * windows, 60));
  });

  it("gor --input-raw :80 --output-tcp 'replay.local:28020|10%'", async () => {
    const staging = await ranBefore(["--input-raw", ":80", "--output-tcp", "replay.local:28020|10%"], many(400)); // prettier-ignore
    // 40 are expected; six times the spread to either side.
    expect(staging.seen.length).toBeGreaterThan(4);
    expect(staging.seen.length).toBeLessThan(76);
  });

  // The hash of 2 is 1, of 3 it is 82.
  it.each([
    ["--http-header-limiter", "X-API-KEY: 10%"],
    ["--http-param-limiter", "api_key: 10%"],
  ])(
    "gor --input-raw :80 --output-tcp replay.local:28020|10 percent %s '%s'",
    async (flag, value) => {
      const of = (key: string): Sent[] =>
        Array.from({ length: 200 }, () => ({
          path: `/?api_key=${key}`,
          headers: { "x-api-key": key },
        }));
      const staging = await ranBefore(["--input-raw", ":80", "--output-tcp", "replay.local:28020|10%", flag, value], [...of("2"), ...of("3")]); // prettier-ignore
      expect(staging.seen.length).toBeGreaterThan(0);
      expect(staging.seen.length).toBeLessThan(100);
      expect(new Set(urls(staging))).toEqual(new Set(["/?api_key=2"]));
    },
  );
});

describe("rules", () => {
  const all: readonly Sent[] = [
    { path: "/api/1", headers: { "api-version": "1.04", "user-id": "2" } },
    { path: "/other?user_id=2", headers: { "api-version": "1.1", "user-id": "3" } },
    { path: "/v1/user/17/ping?user_id=3", method: "POST", headers: { "user-agent": "Replayed by Gor" } },
    { path: "/v1", method: "OPTIONS", headers: { "api-version": "v1" } },
  ]; // prettier-ignore

  it.each<[readonly string[], readonly string[]]>([
    [["--http-allow-url", "/api"], ["/api/1"]],
    [["--http-allow-url", "^www."], []],
    [["--http-disallow-url", "/api"], ["/other?user_id=2", "/v1", "/v1/user/17/ping?user_id=3"]],
    [["--http-disallow-url", "^www."], ["/api/1", "/other?user_id=2", "/v1", "/v1/user/17/ping?user_id=3"]],
    [["--http-allow-header", "api-version:^1\\.0\\d"], ["/api/1"]],
    [["--http-allow-header", "api-version:^v1"], ["/v1"]],
    [["--output-http-header-filter", "api-version:^v1"], ["/v1"]],
    [["--http-disallow-header", "User-Agent: Replayed by Gor"], ["/api/1", "/other?user_id=2", "/v1"]],
    [["--http-allow-method", "GET", "--http-allow-method", "OPTIONS"], ["/api/1", "/other?user_id=2", "/v1"]],
    [["--http-rewrite-url", "/v1/user/([^\\\\/]+)/ping:/v2/user/$1/ping"], ["/api/1", "/other?user_id=2", "/v1", "/v2/user/17/ping?user_id=3"]],
    [["--http-rewrite-url", "/v1/user/([^\\/]+)/ping:/v2/user/$1/ping"], ["/api/1", "/other?user_id=2", "/v1", "/v2/user/17/ping?user_id=3"]],
    [["--http-set-param", "api_key=1"], ["/api/1?api_key=1", "/other?user_id=2&api_key=1", "/v1/user/17/ping?user_id=3&api_key=1", "/v1?api_key=1"]],
    [["--http-header-imiter", "user-id:25%"], ["/api/1", "/v1", "/v1/user/17/ping?user_id=3"]],
    [["--http-param-limiter", "user_id:25%"], ["/api/1", "/other?user_id=2", "/v1"]],
  ])("gor --input-raw :8080 --output-http staging.com %j", async (flags, expected) => {
    const staging = await startTarget();
    await ran(["--input-raw", ":8080", "--output-http", "staging.com", ...flags], { "staging.com": staging.host }, all); // prettier-ignore
    expect(urls(staging)).toEqual(expected);
  }); // prettier-ignore

  it.each([
    ["--http-header", "User-Agent: Replayed by Gor", "--http-header", "Enable-Feature-X: true"],
    ["--http-set-header", "User-Agent: Replayed by Gor", "--http-set-header", "Enable-Feature-X: true"],
  ])("gor --input-raw :80 --output-http http://staging.server %s '%s' %s '%s'", async (...flags) => {
    const staging = await startTarget();
    await ran(["--input-raw", ":80", "--output-http", "http://staging.server", ...flags], { "staging.server": staging.host }, paths("/")); // prettier-ignore
    expect(staging.seen[0]?.headers).toMatchObject({ "user-agent": "Replayed by Gor", "enable-feature-x": "true", host: staging.host }); // prettier-ignore
  }); // prettier-ignore

  it("sets Host to the target's, to --http-header's, or leaves it with --http-original-host", async () => {
    const words = ["--input-raw", ":80", "--output-http", "http://staging.server"];
    const hostWith = async (...flags: string[]): Promise<string | undefined> => {
      const staging = await startTarget();
      await ran([...words, ...flags], { "staging.server": staging.host }, paths("/"));
      const host = staging.seen[0]?.headers.host;
      return host === staging.host ? "the target's" : host;
    };
    expect(await hostWith()).toBe("the target's");
    expect(await hostWith("--http-header", "Host: anonther.com")).toBe("anonther.com");
    expect(await hostWith("--http-original-host")).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

describe("middleware", () => {
  it("gor --input-raw :80 --middleware /opt/middleware_executable --output-http http://staging.server", async () => {
    const executable = join(folder(), "middleware_executable");
    writeFileSync(executable, "#!/bin/bash\nwhile read line; do\n  echo $line\ndone\n");
    chmodSync(executable, 0o755);
    const staging = await startTarget();
    const { code } = await ran(["--input-raw", ":80", "--middleware", "/opt/middleware_executable", "--output-http", "http://staging.server"], { "/opt/middleware_executable": executable, "staging.server": staging.host }, paths("/a", "/b?c=d")); // prettier-ignore
    expect(urls(staging)).toEqual(["/a", "/b?c=d"]);
    expect(code).toBe(0);
  });
});

describe("files", () => {
  it.each([
    ["requests.gor", "http://staging.com"],
    ["./requests.gor", "staging.com"],
  ])("gor --input-raw :80 --output-file %s; gor --input-file the same --output-http %s", async (file, url) => {
    const path = join(folder(), "requests.gor");
    await ran(["--input-raw", ":80", "--output-file", file], { [file]: path }, paths("/a", "/b"));
    const staging = await startTarget();
    const replay = mirrorball(...placed(["--input-file", file, "--output-http", url], { [file]: path, "staging.com": staging.host })); // prettier-ignore
    expect(await replay.ended).toBe(0);
    expect(urls(staging)).toEqual(["/a", "/b"]);
  }); // prettier-ignore

  /** Two requests, recorded four seconds apart; returns the milliseconds between their replays. */
  async function apart(suffix: string): Promise<number> {
    const path = join(folder(), "requests.gor");
    const record = (n: number, ns: string): string =>
      `1 93207993${n} ${ns}\nGET /${n} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n\n🐵🙈🙉\n`;
    writeFileSync(path, record(1, "1439818823000000000") + record(2, "1439818827000000000"));
    const staging = await startTarget();
    const replay = mirrorball("--input-file", `${path}${suffix}`, "--output-http", staging.host);
    expect(await replay.ended).toBe(0);
    expect(staging.seen.map(({ url }) => url)).toEqual(["/1", "/2"]);
    return (staging.seen[1]?.atMs ?? 0) - (staging.seen[0]?.atMs ?? 0);
  }

  it("preserves the time between requests; gor --input-file 'requests.gor|200%' is twice as fast", async () => {
    const [original, faster] = await Promise.all([apart(""), apart("|200%")]);
    // The first of the two may be late, not early: by less than a second even on a busy machine.
    expect(original).toBeGreaterThan(3000);
    expect(faster).toBeGreaterThan(1000);
    expect(faster).toBeLessThan(3500);
  });
});

describe("figures", () => {
  it("--stats with --output-http-stats and --output-tcp-stats prints latest,mean,max,count,count/second", async () => {
    const { server: behind, staging, places } = await replayServer();
    const { server, pass } = await gor(["--input-tcp", ":28020", "--output-http", "http://staging.com", "--output-tcp", "replay.local:28020", "--stats", "--output-http-stats", "--output-tcp-stats"], places); // prettier-ignore
    await pass(many(10));
    const lines = (name: string): number[][] =>
      [...server.out.stderr.matchAll(new RegExp(String.raw`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ${name}:(\d+(?:,\d+){4})$`, "gm"))] // prettier-ignore
        .map(([, figures = ""]) => figures.split(",").map(Number));
    const counted = (name: string): number =>
      lines(name).reduce((sum, [, , , count = 0]) => sum + count, 0);
    // Requests only to the one, responses too to the other.
    await until(() => counted("output_http") === 10 && counted("output_tcp") === 20);
    for (const name of ["output_http", "output_tcp"]) {
      expect(server.out.stderr).toMatch(new RegExp(String.raw`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ${name}:latest,mean,max,count,count/second\n\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`, "m")); // prettier-ignore
      for (const [, , , count = 0, rate] of lines(name)) expect(rate).toBe(Math.trunc(count / 5));
    }
    await stop(server);
    await stop(behind);
    expect(staging.seen).toHaveLength(20);
  });

  it.each([
    ["gor --input-tcp :80 --output-http http://staging.com", ["--input-tcp", ":80", "--output-http", "http://staging.com"]],
    ["gor --input-raw :8080 --output-http staging.com", ["--input-raw", ":8080", "--output-http", "staging.com"]],
  ])("%s --output-http-elasticsearch es_host:api_port/index_name", async (_title, words) => {
    const staging = await startTarget();
    const store = await elastic({ index: "index_name" });
    later(() => store.close());
    await ran([...words, "--output-http-elasticsearch", "es_host:api_port/index_name"], { "staging.com": staging.host, "es_host:api_port": store.address }, [{ path: "/a", headers: { "user-agent": "Mozilla" } }]); // prettier-ignore
    expect([...store.documents.values()]).toMatchObject([{ Req_URL: expect.stringMatching(/\/a$/) as unknown, Req_Method: "GET", "Req_User-Agent": "Mozilla", "Resp_Status-Code": expect.anything() as unknown }]); // prettier-ignore
  }); // prettier-ignore

  it("prints everything with -output-dummy, more with -verbose", async () => {
    const { server, pass } = await gor(["--input-tcp", ":28020", "-output-dummy", "-verbose"]);
    await pass(paths("/a"));
    await stop(server);
    expect(server.out.stdout).toMatch(
      /^1 [0-9a-f]{24} \d+ \d+ context=\S+\nGET \/a HTTP\/1\.1\r$/m,
    );
    expect(server.out.stderr).toMatch(/listening on/);
  });

  it("emits GET / every second with -input-dummy", async () => {
    const program = mirrorball("-input-dummy", "x", "-output-dummy");
    later(() => program.child.kill("SIGKILL"));
    await program.printed(/^1 \S+ \d+ -?\d+\nGET \/ HTTP\/1\.1\r\nHost: www\.w3\.org\r\n[^]*\n1 /m);
    await stop(program);
  });

  it("takes every flag of the command line reference in the form printed there", async () => {
    const port = await freePort();
    const program = mirrorball("-input-tcp", `127.0.0.1:${port}`, "-output-dummy=[]", "-output-http-redirects=0", "-output-http-stats=false", "-output-http-workers=0", "-output-tcp-stats=false", "-split-output=false", "-stats=false", "-verbose=false"); // prettier-ignore
    later(() => program.child.kill("SIGKILL"));
    await until(() => new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false)); // prettier-ignore
      socket.unref();
    })); // prettier-ignore
    expect(await stop(program)).toBe(0);
    // The one that is not there says what to use.
    const refused = mirrorball("-input-dummy", "", "-output-dummy", "-memprofile", "x");
    expect(await refused.ended).toBe(2);
    expect(refused.out.stderr).toContain("--memprofile: not supported: start the command by node --heap-prof"); // prettier-ignore
  });
});
