// Every example of middleware with the real command: a real service is mirrored, the middleware stands between, a real target
// shows what came through.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, node, serving } from "../../packages/cli/test/processes.ts";
import type { Program } from "../../packages/cli/test/processes.ts";
import { have } from "../../packages/cli/test/programs.ts";

const folder = "examples/middleware/";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Arrived {
  readonly target: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

interface Staging {
  readonly url: string;
  readonly arrived: Arrived[];
}

async function staging(): Promise<Staging> {
  const arrived: Arrived[] = [];
  const server = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString()));
    req.on("end", () => {
      arrived.push({ target: req.url ?? "", headers: req.headers, body });
      res.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived };
}

/** A program of ours that prints `listening PORT`, mirrored when `tcp` is given. */
async function service(file: string, tcp?: string): Promise<Program & { url: string }> {
  const words = tcp === undefined ? [file] : ["--import", "@mirrorball/sdk/register", file];
  const program = node(words, { PORT: "0", MIRRORBALL_SERVER: tcp ?? "" });
  closers.push(async () => {
    program.child.kill("SIGKILL");
    await program.ended;
  });
  const [, port = ""] = await program.printed(/^listening (\d+)/m);
  return { ...program, url: `http://127.0.0.1:${port}` };
}

interface Figures {
  readonly taken: number;
  readonly returned: number;
  readonly lost: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
}

interface Chain {
  /** Production's address. */
  readonly url: string;
  readonly server: Program;
  figures(): Promise<Figures>;
  /** Stops the server and expects that nothing was lost. */
  finish(): Promise<Figures>;
}

/** Production, mirrored through the middleware to `target`. */
async function chain(middleware: string, target: string, file: string): Promise<Chain> {
  const tcp = `127.0.0.1:${await freePort()}`;
  const server = await serving(
    "--input-tcp", tcp, "--middleware", middleware,
    "--output-http", target, "--output-http-track-response",
  ); // prettier-ignore
  closers.push(() => server.child.kill("SIGKILL"));
  const { url } = await service(file, tcp);
  const figures = async (): Promise<Figures> => {
    const { middleware } = (await (await fetch(server.page)).json()) as { middleware: Figures };
    return middleware;
  };
  const finish = async (): Promise<Figures> => {
    const last = await figures();
    server.child.kill("SIGTERM");
    expect(await server.ended, server.out.stderr).toBe(0);
    expect(server.out.stderr).toContain("nothing was lost");
    return last;
  };
  return { url, server, figures, finish };
}

async function until(test: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("the token example", () => {
  it.each([
    ["a plugin", `${folder}token-plugin.mjs`],
    ["a program", `node ${folder}token-child.mjs`],
  ])("as %s lets replayed sessions in with staging's own tokens", async (_name, middleware) => {
    const vault = await service(`${folder}vault.mjs`);
    const { url, figures, finish } = await chain(middleware, vault.url, `${folder}vault.mjs`);
    const originals: string[] = [];
    for (let i = 0; i < 5; i += 1) originals.push(await (await fetch(`${url}/token`)).text());
    // Five requests, five answers, five replayed answers: all tokens are known.
    await until(async () => (await figures()).returned === 15);
    for (const token of originals) {
      expect(await (await fetch(`${url}/door?token=${token}&x=1`)).text()).toBe("welcome");
    }
    await until(() => (vault.out.stdout.match(/^(?:let in|turned away) /gm) ?? []).length === 5);
    const words = (pattern: RegExp): string[] =>
      [...vault.out.stdout.matchAll(pattern)].map(([, token = ""]) => token);
    const given = words(/^gave (.*)$/gm);
    expect(given).toHaveLength(5);
    expect(given.some((token) => originals.includes(token))).toBe(false);
    expect(words(/^let in (.*)$/gm).toSorted()).toEqual(given.toSorted());
    expect(vault.out.stdout).not.toContain("turned away");
    await until(async () => (await figures()).returned === 30);
    expect(await finish()).toMatchObject({ taken: 30, returned: 30, lost: {}, refused: {} });
  });

  it("is needed: without it staging turns the replayed sessions away", async () => {
    const vault = await service(`${folder}vault.mjs`);
    const { url } = await chain("cat", vault.url, `${folder}vault.mjs`);
    const token = await (await fetch(`${url}/token`)).text();
    await (await fetch(`${url}/door?token=${token}`)).text();
    await vault.printed(new RegExp(`^turned away ${token}$`, "m"));
  });
});

describe("an echo", () => {
  it.for<readonly [string, string, string]>([
    ["in bash", `${folder}echo.sh`, "xxd"],
    ["in Python", `${folder}echo.py`, "python3"],
    ["as gor's README has it", `bash -c 'while read line; do\n  echo $line\ndone'`, "bash"],
  ])("%s passes everything on", async ([, middleware, needs], { skip }) => {
    skip(!have(needs), `needs ${needs}`);
    const { url: target, arrived } = await staging();
    const { url, server, figures, finish } = await chain(
      middleware,
      target,
      "examples/untouched.mjs",
    );
    const targets = Array.from({ length: 20 }, (_, i) => `/echo/${i}?a=%20+&b`);
    for (const path of targets) await (await fetch(`${url}${path}`)).text();
    await until(async () => (await figures()).returned === 60);
    expect(arrived.map(({ target: path }) => path).toSorted()).toEqual(targets.toSorted());
    expect(await finish()).toMatchObject({ taken: 60, returned: 60, refused: {} });
    if (!middleware.includes("echo.")) return;
    expect(server.out.stderr).toMatch(/^1 [0-9a-f]{24} GET \/echo\/7\?a=%20\+&b HTTP\/1\.1$/m);
    expect(server.out.stderr).toMatch(/^2 [0-9a-f]{24} HTTP\/1\.1 200 OK$/m);
    expect(server.out.stderr).toMatch(/^3 [0-9a-f]{24} HTTP\/1\.1 200 OK$/m);
  });
});

describe("the masker", () => {
  it("lets nothing of a person through, and the same person look the same", async () => {
    const { url: target, arrived } = await staging();
    const { url, finish } = await chain(
      `${folder}mask-plugin.mjs`,
      target,
      "examples/untouched.mjs",
    );
    const person = {
      email: "ada@example.org",
      nested: [{ note: "card 4111 1111 1111 1111" }],
      age: 36,
    };
    const send = (path: string, type: string, body: string): Promise<Response> =>
      fetch(`${url}${path}`, {
        method: "POST",
        body,
        headers: { "content-type": type, authorization: "Bearer geheim", cookie: "sid=geheim" },
      });
    await send("/a?email=ada%40example.org&page=2", "application/json", JSON.stringify(person));
    await send("/b?q=ada@example.org", "application/x-www-form-urlencoded", "password=geheim&n=1");
    await send("/c", "application/octet-stream", "\u0000geheim");
    await send("/d", "text/plain", "100 % from ada@example.org");
    await until(() => arrived.length === 4);
    const everything = JSON.stringify(arrived);
    for (const secret of ["ada", "4111", "geheim"]) expect(everything).not.toContain(secret);
    const at = (path: string): Arrived | undefined =>
      arrived.find(({ target: found }) => found.startsWith(path));
    const [a, b, c, d] = [at("/a"), at("/b"), at("/c"), at("/d")];
    expect(a?.target).toMatch(/^\/a\?email=masked-[0-9a-f]{16}&page=2$/);
    expect(JSON.parse(a?.body ?? "")).toMatchObject({ age: 36 });
    expect(a?.headers["authorization"]).toMatch(/^masked-/);
    expect(a?.headers["authorization"]).toBe(b?.headers["authorization"]);
    expect(b?.target).toMatch(/^\/b\?q=[0-9a-f]{16}@masked\.invalid$/);
    expect(b?.body).toMatch(/^password=masked-[0-9a-f]{16}&n=1$/);
    expect(c?.body).toBe("");
    expect(d?.body).toMatch(/^100 % from [0-9a-f]{16}@masked\.invalid$/);
    await finish();
  });
});
