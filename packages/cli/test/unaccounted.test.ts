// A service's process that ends with exchanges which nobody got: its server knows how many from what it said of its books, says so,
// and does not end as if nothing had been lost. And a token that is wrong is told once on either side.
import { afterEach, describe, expect, it } from "vitest";
import { Target } from "./faults/oracle.ts";
import { freePort, node, serving } from "./processes.ts";
import type { Program } from "./processes.ts";

const EXCHANGES = 200;
/** All of them are more than a producer may have under way, so that most of them stay where they are. */
const BODY = "x".repeat(60_000);
const TIMEOUT_MS = 120_000;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const APP = `
  import { createServer } from "node:http";
  import { createMirror } from "@mirrorball/sdk";
  const tee = createMirror({ log: (line) => console.error(line) });
  const server = tee.attach(createServer((req, res) => {
    req.resume().on("end", () => (req.url === "/leave" ? process.exit(3) : res.end("x")));
  }));
  server.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
  setInterval(() => console.log("offered " + tee.stats().offered), 1000);`;

async function service(env: Record<string, string>): Promise<{ app: Program; url: string }> {
  const app = node(["--input-type=module", "-e", APP], env);
  closers.push(() => app.child.kill("SIGKILL"));
  const [, port] = await app.printed(/listening (\d+)/);
  return { app, url: `http://127.0.0.1:${port}` };
}

interface Counters {
  readonly inputs: readonly {
    readonly dropped: Readonly<Record<string, number>>;
    readonly refused: Readonly<Record<string, number>>;
  }[];
  readonly outputs: readonly { readonly queued: number; readonly inFlight: number }[];
}

async function counters(page: string): Promise<Counters> {
  return (await (await fetch(page)).json()) as Counters;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

const LEAVING = "by process.exit";

describe("exchanges that a process takes with it", () => {
  const ends: Readonly<Record<string, (app: Program, url: string) => Promise<unknown>>> = {
    "killed (SIGKILL)": async ({ child }) => child.kill("SIGKILL"),
    [LEAVING]: (_app, url) => fetch(`${url}/leave`).catch(() => {}),
  };

  it.each(Object.entries(ends))("%s", { timeout: TIMEOUT_MS }, async (name, end) => {
    const target = await Target.start();
    closers.push(() => target.close());
    target.hold();
    const address = `127.0.0.1:${await freePort()}`;
    const workers = ["--output-http-workers", "1", "--output-http-queue-len", "1"];
    const little = [...workers, "--output-http-timeout", "10m"];
    const server = await serving("--input-tcp", address, "--output-http", target.url, ...little);
    closers.push(() => server.child.kill("SIGKILL"));
    const { app, url } = await service({ MIRRORBALL_SERVER: address });
    for (let id = 1; id <= EXCHANGES; id += 1) {
      const init = { method: "POST", body: BODY, headers: { "x-id": String(id) } };
      expect(await (await fetch(url, init)).text()).toBe("x");
    }
    // Its books are told every second, by a timer that began before the one that prints this.
    await app.printed(new RegExp(`(offered ${EXCHANGES}\\s+){3}`));
    await end(app, url);
    await app.ended;
    target.release();
    await until(async () => {
      const { outputs } = await counters(server.page);
      return outputs.every(({ queued, inFlight }) => queued + inFlight === 0);
    });
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(1);
    const { stderr } = server.out;
    const said = /(\d+) exchanges of producer .* unaccounted for/.exec(stderr);
    const unaccounted = Number(said?.[1]);
    expect(unaccounted).toBeGreaterThan(0);
    // The request that ended the process is one of them.
    const offered = EXCHANGES + (name === LEAVING ? 1 : 0);
    expect([stderr, target.arrived.size + unaccounted]).toEqual([stderr, offered]);
    expect(stderr).toContain(`lost ${unaccounted}: unaccounted ${unaccounted}`);
  });
});

describe("a token that is wrong", () => {
  it(
    "is told once on either side, however often it is tried",
    { timeout: TIMEOUT_MS },
    async () => {
      const address = `127.0.0.1:${await freePort()}`;
      const words = ["--input-tcp-token", "open sesame, please", "--output-null"];
      const server = await serving("--input-tcp", address, ...words);
      closers.push(() => server.child.kill("SIGKILL"));
      const env = { MIRRORBALL_SERVER: address, MIRRORBALL_TOKEN: "open barley, please" };
      const { app, url } = await service(env);
      await (await fetch(url)).text();
      await until(async () => {
        const [input] = (await counters(server.page)).inputs;
        return (input?.refused["token-differs"] ?? 0) >= 3;
      });
      const told = ({ out }: Program): string[] =>
        out.stderr.split("\n").filter((line) => /does not know this server's token/.test(line));
      expect([told(server).length, told(app).length]).toEqual([1, 1]);
      expect(server.out.stderr + app.out.stderr).not.toMatch(/sesame|barley/);
    },
  );
});
