// Where --output-http leads: addresses as people write them, TLS that fails, Unix sockets, proxies, names whose addresses change.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener, Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer as createNetServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { certificate, ofAuthority } from "../../server/test/certificate.ts";
import { freePort, mirrorball, node, root } from "./processes.ts";

const command = `${root}packages/cli/bin/mirrorball.mjs`;
let folder = "";
const closers: (() => unknown)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  chmodSync(folder, 0o755);
  record(1);
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  rmSync(folder, { recursive: true, force: true });
});

/** A recording of so many requests. */
function record(count: number): void {
  const records = Array.from({ length: count }, (_, i) => {
    const id = i.toString(16).padStart(24, "0");
    return `1 ${id} 1700000000000000000 0\nGET /foo?a=${i} HTTP/1.1\r\nHost: shop.test\r\n\r\n\n🐵🙈🙉\n`;
  });
  writeFileSync(join(folder, "a.gor"), records.join(""), { mode: 0o644 });
}

interface Ran {
  readonly code: number | null;
  readonly stderr: string;
}

async function replay(words: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const program = node(
    [command, "--input-file", join(folder, "a.gor"), "--input-file-speed", "max", ...words],
    env,
  );
  return { code: await program.ended, stderr: program.out.stderr };
}

async function listening(server: Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

function recordingTarget(seen: IncomingMessage[]): RequestListener {
  return (req, res) => {
    seen.push(req);
    res.end("ok");
  };
}

describe("an address that cannot be meant: one line, exit code 2, no password", () => {
  it.each([
    [
      "http://user:hunter%@127.0.0.1:1",
      /a % in a user name or password must be written %25; got "http:\/\/user:\*\*\*@127.0.0.1:1"/,
    ],
    ["http:/user:hunter@127.0.0.1:1", /two slashes belong behind http:/],
    ['"http://user:hunter@127.0.0.1:1"', /in quotes/],
    ["http://${TARGET}:80", /\$\{TARGET\} is a place to fill in/],
    ["http://<host>:80", /<host> is a place to fill in/],
    ["http://127.0.0.1:99999", /port must be between/],
    ["http://127.0.0.1:0", /port must be between/],
    ["http://*:80", /\* is none/],
    ["https:127.0.0.1:1", /two slashes belong behind https:/],
    ["ws://127.0.0.1:1", /must be an http or https URL/],
    ["http://127.0.0.1:1#frag", /never sent/],
  ])("%s", async (address, rule) => {
    const { code, stderr } = await replay(["--output-http", address]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^mirrorball: --output-http: [^\n]+\n$/);
    expect(stderr).toMatch(rule);
    expect(stderr).not.toContain("hunter");
  });

  it("a password with an @ is one", async () => {
    const seen: IncomingMessage[] = [];
    const port = await listening(createServer(recordingTarget(seen)));
    expect((await replay(["--output-http", `http://user:p@ss@127.0.0.1:${port}`])).code).toBe(0);
    const expected = `Basic ${Buffer.from("user:p@ss").toString("base64")}`;
    expect(seen[0]?.headers.authorization).toBe(expected);
  });
});

describe("TLS that fails is named, in the log and in the summary, with what helps", () => {
  const tls = (pem: string, key: string): Promise<number> =>
    listening(createHttpsServer({ cert: pem, key }, (_req, res) => res.end("ok")));

  async function reasonOf(target: string, words: readonly string[] = []): Promise<string> {
    const { code, stderr } = await replay(["--output-http", target, ...words]);
    expect(code).toBe(1);
    const told = stderr.split("\n").filter((line) => line.startsWith("mirrorball: "));
    expect(told).toHaveLength(1);
    const words1 = told[0]?.replace(/^mirrorball: output-http \S+: /, "") ?? "";
    // The summary says the same below the output.
    expect(stderr).toContain(`\n  ${words1}\n`);
    const reason = /, 1 failed \((\S+) 1\)/.exec(stderr)?.[1];
    expect(stderr).toContain(`lost 1: ${reason} 1`);
    return `${reason} | ${words1}`;
  }

  it("self-signed", async () => {
    const target = `https://127.0.0.1:${await tls(certificate.cert, certificate.key)}`;
    expect(await reasonOf(target)).toMatch(
      /^self-signed \| https:\S+ self-signed: .*--output-http-ca FILE.*--output-http-skip-verify/,
    );
    writeFileSync(join(folder, "own.pem"), certificate.cert);
    const trusted = ["--output-http-ca", join(folder, "own.pem")];
    expect((await replay(["--output-http", target, ...trusted])).code).toBe(0);
    expect((await replay(["--output-http", target, "--output-http-skip-verify"])).code).toBe(0);
  });

  it("name mismatch, with the certificate's names", async () => {
    const port = await tls(ofAuthority.staging, ofAuthority.key);
    writeFileSync(join(folder, "ca.pem"), ofAuthority.authority);
    const trusted = ["--output-http-ca", join(folder, "ca.pem")];
    expect(await reasonOf(`https://localhost:${port}`, trusted)).toMatch(
      /^name-mismatch \| .*name mismatch: certificate is for staging\.test, \*\.staging\.test; .*--output-http-skip-verify/,
    );
  });

  it("unknown authority", async () => {
    const port = await tls(ofAuthority.staging, ofAuthority.key);
    expect(await reasonOf(`https://localhost:${port}`)).toMatch(
      /^unknown-authority \| .*unknown authority: .*--output-http-ca FILE/,
    );
  });

  it("expired", async () => {
    const port = await tls(ofAuthority.expired, ofAuthority.key);
    writeFileSync(join(folder, "ca.pem"), ofAuthority.authority);
    const trusted = ["--output-http-ca", join(folder, "ca.pem")];
    expect(await reasonOf(`https://localhost:${port}`, trusted)).toMatch(/^expired \| .*expired: /);
  });

  it("not TLS", async () => {
    const port = await listening(createServer((_req, res) => res.end("ok")));
    expect(await reasonOf(`https://127.0.0.1:${port}`)).toMatch(
      /^not-tls \| .*not TLS: .*http:\/\//,
    );
  });

  it("TLS where none was expected", async () => {
    // What OpenSSL answers to whoever does not speak TLS: an alert.
    const alert = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]);
    const server = createNetServer((socket) => socket.on("data", () => socket.end(alert)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    expect(await reasonOf(`http://127.0.0.1:${port}`)).toMatch(
      /^tls-expected \| .*TLS is spoken there; write https:\/\//,
    );
  });

  it("an authority's file that is none is refused before it starts", async () => {
    writeFileSync(join(folder, "no.pem"), "no");
    for (const [file, rule] of [
      ["no.pem", "is no certificate in PEM"],
      ["none.pem", "it does not exist"],
    ] as const) {
      const flags = ["--output-http", "https://a.test", "--output-http-ca", join(folder, file)];
      const { code, stderr } = await replay(flags);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^mirrorball: --output-http-ca: [^\n]+\n$/);
      expect(stderr).toContain(rule);
    }
  });
});

describe("a Unix socket", () => {
  it("is a target, with its own path, and one behind another name is a circle", async () => {
    const seen: IncomingMessage[] = [];
    const path = join(folder, "app.sock");
    await listening(createServer(recordingTarget(seen)), path);
    expect((await replay(["--output-http", `unix:${path}`])).code).toBe(0);
    const behind = `http+unix://${encodeURIComponent(path)}/v2?k=1`;
    const flags = ["--output-http", behind, "--output-http-path", "prefix"];
    expect((await replay(flags)).code).toBe(0);
    expect(seen.map(({ url, headers }) => [url, headers.host])).toEqual([
      ["/foo?a=0", "localhost"],
      ["/v2/foo?k=1&a=0", "localhost"],
    ]);
  });

  it.each([
    ["missing", "none.sock", "no-socket", "there is no such socket"],
    ["a file", "a.gor", "connect-refused", "it is no socket"],
  ])("%s is told in its own words", async (_what, name, reason, words) => {
    const path = join(folder, name);
    const { code, stderr } = await replay(["--output-http", `unix:${path}`]);
    expect(code).toBe(1);
    expect(stderr).toContain(`output-http unix:${path}: ${path}: ${words}\n`);
    expect(stderr).toContain(`lost 1: ${reason} 1`);
  });

  /** As somebody who may not do everything; the tests may run as root. */
  async function asNobody(words: readonly string[]): Promise<Ran> {
    const isRoot = process.getuid?.() === 0;
    const child = spawn(process.execPath, [command, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stderr };
  }

  it("that may not be used names owner and mode", async () => {
    const path = join(folder, "app.sock");
    await listening(createServer(), path);
    chmodSync(path, 0o000);
    const { stderr } = await asNobody([
      "--input-file",
      join(folder, "a.gor"),
      "--output-http",
      `unix:${path}`,
    ]);
    expect(stderr).toMatch(
      /app\.sock: permission denied: \S+app\.sock belongs to user \d+, group \d+, mode 0000; this process is user \d+\n/,
    );
    expect(stderr).toContain("lost 1: permission 1");
  });

  it("that may not be made names the folder, and says no word of ports", async () => {
    chmodSync(folder, 0o555);
    const { code, stderr } = await asNobody(["--input-tcp", `unix:${folder}/s`, "--output-null"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /cannot listen on \S+: permission denied: \S+ belongs to user \d+, group \d+, mode 0555; this process is user \d+\n$/,
    );
    expect(stderr).not.toContain("port");
  });

  it("never takes the place of a file, nor of a process that listens", async () => {
    const file = join(folder, "notes.txt");
    writeFileSync(file, "precious");
    const used = join(folder, "used.sock");
    const server = createNetServer();
    await new Promise<void>((resolve) => server.listen(used, resolve));
    closers.push(() => server.close());
    for (const [path, words] of [
      [file, "a file that is no socket is there, and it is left as it is"],
      [used, "another process listens on it"],
      [join(folder, "none", "s"), `the folder ${join(folder, "none")} does not exist`],
    ] as const) {
      const program = mirrorball("--input-tcp", `unix:${path}`, "--output-null");
      expect(await program.ended).toBe(1);
      expect(program.out.stderr).toContain(words);
    }
    const long = mirrorball("--input-tcp", `unix:/${"x".repeat(120)}`, "--output-null");
    expect(await long.ended).toBe(2);
    expect(long.out.stderr).toMatch(
      /a Unix socket may have 107 bytes at most, and this one has 121/,
    );
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(existsSync(used)).toBe(true);
  });
});

interface ProxySeen {
  readonly line: string;
  readonly credentials: string | undefined;
}

/** A proxy that forwards whole requests and opens tunnels, for whoever has the password. */
async function proxy(seen: ProxySeen[], password?: string): Promise<number> {
  const expected = `Basic ${Buffer.from(`u:${password}`).toString("base64")}`;
  const refuses = (req: IncomingMessage): boolean => {
    const credentials = req.headers["proxy-authorization"];
    seen.push({ line: `${req.method} ${req.url}`, credentials });
    return password !== undefined && credentials !== expected;
  };
  const server = createServer((req, res) => {
    if (refuses(req)) {
      res.writeHead(407).end();
      return;
    }
    const url = new URL(req.url ?? "");
    const onward = connect(Number(url.port), url.hostname, () => {
      onward.end(
        `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`,
      );
    });
    onward.on("end", () => res.end("ok")).resume();
  });
  server.on("connect", (req: IncomingMessage, socket) => {
    if (refuses(req)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host = "", port] = (req.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    closers.push(() => socket.destroy());
  });
  return listening(server);
}

describe("a proxy", () => {
  it("takes requests in absolute form, and tunnels for TLS, with its user", async () => {
    record(3);
    const seen: ProxySeen[] = [];
    const targetSeen: IncomingMessage[] = [];
    const plain = await listening(createServer(recordingTarget(targetSeen)));
    const secure = await listening(createHttpsServer(certificate, recordingTarget(targetSeen)));
    const by = ["--output-http-proxy", `http://u:p%25w@127.0.0.1:${await proxy(seen, "p%w")}`];
    const one = ["--output-http-workers", "1"];
    const credentials = `Basic ${Buffer.from("u:p%w").toString("base64")}`;

    expect((await replay(["--output-http", `http://127.0.0.1:${plain}`, ...by, ...one])).code).toBe(
      0,
    );
    expect(seen.splice(0)).toEqual(
      [0, 1, 2].map((i) => ({ line: `GET http://127.0.0.1:${plain}/foo?a=${i}`, credentials })),
    );

    const tls = ["--output-http", `https://127.0.0.1:${secure}`, "--output-http-skip-verify"];
    expect((await replay([...tls, ...by, ...one])).code).toBe(0);
    expect(seen).toEqual([{ line: `CONNECT 127.0.0.1:${secure}`, credentials }]);

    expect(targetSeen.map(({ url }) => url)).toEqual([0, 1, 2, 0, 1, 2].map((i) => `/foo?a=${i}`));
    expect(targetSeen.every(({ headers }) => headers["proxy-authorization"] === undefined)).toBe(
      true,
    );
  });

  it("of the environment is used when asked, and only then", async () => {
    const seen: ProxySeen[] = [];
    const target = `http://127.0.0.1:${await listening(createServer(recordingTarget([])))}`;
    const env = {
      HTTP_PROXY: `http://127.0.0.1:${await proxy(seen)}`,
      http_proxy: "",
      no_proxy: "",
    };
    const byEnv = ["--output-http", target, "--output-http-proxy", "env"];
    const variables = { HTTP_PROXY: env.HTTP_PROXY };
    expect((await replay(["--output-http", target], variables)).code).toBe(0);
    expect((await replay(byEnv, { ...variables, NO_PROXY: "127.0.0.0/8" })).code).toBe(0);
    expect(seen).toEqual([]);
    expect((await replay(byEnv, { ...variables, NO_PROXY: "example.test" })).code).toBe(0);
    expect(seen).toHaveLength(1);
    const { code, stderr } = await replay(byEnv, { HTTP_PROXY: "socks5://a" });
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/HTTP_PROXY of the environment: must be/),
    ]);
  });

  it.each(["http", "https"])("that refuses or is gone is named, for %s targets", async (scheme) => {
    const target = ["--output-http", `${scheme}://127.0.0.1:1`, "--output-http-proxy"];
    const asking = `http://127.0.0.1:${await proxy([], "secret")}`;
    const refused = await replay([...target, asking]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("lost 1: proxy-auth 1");
    expect(refused.stderr).toMatch(/the proxy http:\S+ answered 407.*wants a user and a password/);
    const gone = await replay([...target, `http://u:hunter@127.0.0.1:${await freePort()}`]);
    expect(gone.stderr).toContain("lost 1: proxy-unreachable 1");
    expect(gone.stderr).toMatch(/the proxy http:\/\/127\S+ cannot be reached: ECONNREFUSED/);
    expect(gone.stderr).not.toContain("hunter");
  });
});

describe("connections", () => {
  it("are renewed at their age, so that a name that moves is followed", async () => {
    record(60);
    const places: string[] = [];
    const port = await freePort();
    for (const host of ["127.0.0.1", "127.0.0.2"]) {
      const server = createServer((_req, res) => {
        places.push(host);
        res.end("ok");
      });
      await new Promise<void>((resolve) => server.listen(port, host, resolve));
      closers.push(() => {
        server.closeAllConnections();
        server.close();
      });
    }
    // A resolver that gives another address once it was asked.
    const resolver = join(folder, "resolver.cjs");
    writeFileSync(
      resolver,
      `const dns = require("dns"); let asked = 0;
       dns.lookup = (name, options, done) => {
         const address = asked++ === 0 ? "127.0.0.1" : "127.0.0.2";
         process.nextTick(() => options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4));
       };`,
    );
    const replayed = async (age: string): Promise<string[]> => {
      places.length = 0;
      const words = ["--input-file", join(folder, "a.gor"), "--input-file-rate", "60/s"];
      const target = ["--output-http", `http://moving.test:${port}`, "--output-http-workers", "1"];
      const aging = ["--output-http-max-connection-age", age];
      const program = node(["--require", resolver, command, ...words, ...target, ...aging]);
      expect(await program.ended).toBe(0);
      return [...new Set(places)];
    };
    expect(await replayed("200ms")).toEqual(["127.0.0.1", "127.0.0.2"]);
    expect(await replayed("0")).toEqual(["127.0.0.1"]);
  });
});
