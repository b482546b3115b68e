// What the SDK knows of an exchange is in the recording that the command writes, survives conversion, and keeps order by connection.
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, node, serving } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-context-"));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

const MAX = ["--input-file-speed", "max"];
const SEPARATOR = "\n🐵🙈🙉\n";
const firstLines = (path: string): string[] =>
  readFileSync(path, "utf8").split(SEPARATOR).slice(0, -1).map((record) => record.split("\n")[0] ?? ""); // prettier-ignore

async function run(...words: string[]): Promise<string> {
  const program = mirrorball(...words);
  expect([await program.ended, program.out.stderr]).toEqual([0, expect.anything()]);
  return program.out.stdout;
}

/** Two requests on one connection to an Express application that is mirrored, recorded. */
async function recorded(): Promise<{ path: string; clientPort: number }> {
  const path = join(folder, "sdk.gor");
  const port = await freePort();
  const server = await serving("--input-tcp", `127.0.0.1:${port}`, "--output-file", path, "--output-file-append"); // prettier-ignore
  closers.push(() => server.child.kill("SIGKILL"));
  const shop = node(["packages/cli/test/main-job/shop-express.mjs"], { MIRRORBALL_SERVER: `127.0.0.1:${port}` }); // prettier-ignore
  closers.push(() => shop.child.kill("SIGKILL"));
  const [, appPort = ""] = await shop.printed(/listening (\d+)/);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let clientPort = 0;
  for (const target of ["/gzip", "/empty"]) {
    const asked = request({ host: "127.0.0.1", port: Number(appPort), path: target, agent }).end();
    const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream];
    clientPort = asked.socket?.localPort ?? 0;
    response.resume();
    await once(response, "end");
  }
  agent.destroy();
  shop.child.kill("SIGTERM");
  await shop.ended;
  server.child.kill("SIGTERM");
  expect(await server.ended).toBe(0);
  return { path, clientPort };
}

describe("a recording of SDK traffic", () => {
  it("says route, connection, place on it, peer and service, in every format", async () => {
    const { path, clientPort } = await recorded();
    const lines = firstLines(path);
    expect(lines).toHaveLength(4);
    const word = (place: number, route: string): string =>
      `context=c=(\\d+)&n=${place}&p=127\\.0\\.0\\.1:${clientPort}&s=shop-express&r=${route}$`;
    for (const line of lines) expect(line).toMatch(/^[12] [\da-f]{24} \d{19} -?\d+ context=/);
    const both = lines.map((line) =>
      new RegExp(`${word(0, "/gzip")}|${word(1, "/empty")}`).exec(line),
    );
    expect(both.every((match) => match !== null)).toBe(true);
    expect(new Set(both.map((match) => match?.[1] ?? match?.[2])).size).toBe(1);

    for (const ending of ["jsonl", "har", "gor.gz"]) {
      const [there, back] = [join(folder, `there.${ending}`), join(folder, `back-${ending}.gor`)];
      await run("convert", path, there);
      await run("convert", there, back);
      expect(firstLines(back).toSorted()).toEqual(lines.toSorted());
    }
    expect(await run("inspect", path)).toMatch(/routes\n +1 {2}GET \/(gzip|empty)\n/);
    expect(await run("inspect", path, "--tail", "1")).toMatch(
      /^connection \d+, place 1, peer 127\.0\.0\.1:\d+, service shop-express, route \/empty$/m,
    );
  });
});

describe("--preserve-order connection", () => {
  it("keeps the order within each connection of a file, and waits for no other", async () => {
    const under = new Map<string, number>();
    const order = new Map<string, number[]>();
    let together = 0;
    const waiting: (() => void)[] = [];
    const target = createServer((incoming, response) => {
      const [, connection = "", place = ""] = (incoming.url ?? "").split("/");
      under.set(connection, (under.get(connection) ?? 0) + 1);
      expect(under.get(connection)).toBe(1);
      order.set(connection, [...(order.get(connection) ?? []), Number(place)]);
      const answer = (): void => {
        under.set(connection, 0);
        response.end();
      };
      // The first ones of both connections are answered when both are here: neither waits for the other.
      if (place === "0") {
        together += 1;
        waiting.push(answer);
        if (together === 2) for (const one of waiting) one();
      } else setImmediate(answer);
    });
    await once(target.listen(0, "127.0.0.1"), "listening");
    closers.push(() => target.close());
    const record = (connection: number, place: number): string =>
      `1 aaaaaaaaaaaa0000000${connection}${String(place).padStart(4, "0")} 17324064000000000${String(place).padStart(2, "0")} 0 context=c=${connection}&n=${place}\nGET /${connection}/${place} HTTP/1.1\r\nHost: a\r\n\r\n${SEPARATOR}`;
    const path = join(folder, "order.gor");
    const places = Array.from({ length: 20 }, (_, place) => place);
    writeFileSync(path, places.map((place) => record(1, place) + record(2, place)).join(""));
    const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    await run("--input-file", path, ...MAX, "--output-http", url, "--preserve-order", "connection");
    expect(order.get("1")).toEqual(places);
    expect(order.get("2")).toEqual(places);
  });
});
