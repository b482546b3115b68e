// Runs commands of the README this project started from: the words as they are written there, addresses exchanged for
// those of the test, and real traffic passing the server that is mirrored.
import { createServer } from "node:http";
import type { IncomingMessage, RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { catalogue } from "@mirrorball/server";
import { afterEach } from "vitest";
import { freePort, node, serving } from "./processes.ts";
import type { Program } from "./processes.ts";
import { hasPcap } from "./programs.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

export function later(close: () => unknown): void {
  closers.push(close);
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly atMs: number;
}

export interface Target {
  readonly host: string;
  readonly seen: Seen[];
}

export async function startTarget(
  answer: RequestListener = (_req, res) => res.end("ok"),
): Promise<Target> {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    const { method = "", url = "", headers } = req;
    seen.push({ method, url, headers, atMs: performance.now() });
    answer(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  later(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

export interface Sent {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

export const paths = (...list: string[]): Sent[] => list.map((path) => ({ path }));
export const urls = ({ seen }: Target): string[] => seen.map(({ url }) => url).toSorted();

/** What is in the README's commands in place of the test's addresses. */
export type Places = Readonly<Record<string, string>>;

export function placed(words: readonly string[], places: Places): string[] {
  return words.map((word) => {
    let text = word;
    for (const [from, to] of Object.entries(places)) text = text.replace(from, to);
    return text;
  });
}

export type Server = Program & { page: string };

export interface Page {
  readonly inputs: readonly { readonly emitted: number }[];
  readonly outputs: readonly {
    readonly received: number;
    readonly delivered: number;
    readonly limited: Readonly<Record<string, number>>;
    readonly failed: Readonly<Record<string, number>>;
  }[];
}

export async function pageOf({ page }: Server): Promise<Page> {
  return (await (await fetch(page)).json()) as Page;
}

/** Waits for the thing itself, as long as the test may take. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

export async function start(...words: string[]): Promise<Server> {
  const server = await serving(...words);
  later(() => server.child.kill("SIGKILL"));
  return server;
}

export async function stop({ child, ended }: Program): Promise<number | null> {
  child.kill("SIGINT");
  return ended;
}

export interface Running {
  readonly server: Server;
  /** Sends requests through the mirrored server and waits until the command has them all. */
  pass(requests: readonly Sent[]): Promise<void>;
}

/** Starts a command with `--input-tcp` or `--input-raw`, and what it mirrors. */
export async function gor(words: readonly string[], places: Places = {}): Promise<Running> {
  const all = placed(words, places);
  const at = all.findIndex((word) => word === "--input-raw" || word === "--input-tcp");
  return all[at] === "--input-raw" && canCapture ? capturing(all, at) : mirroring(all, at);
}

/** A service with the SDK; it stands in for a captured one where nobody may capture. */
async function mirroring(words: string[], at: number): Promise<Running> {
  const tcp = `127.0.0.1:${await freePort()}`;
  words.splice(at, 2, "--input-tcp", tcp);
  const server = await start(...words);
  const app = node(["examples/http.mjs"], { PORT: "0", MIRRORBALL_SERVER: tcp });
  later(() => app.child.kill("SIGKILL"));
  const port = Number((await app.printed(/^listening (\d+)/m))[1]);
  // A request and a response each.
  return { server, pass: (requests) => send(server, port, requests, 2) };
}

/** A service that knows nothing of us. */
async function capturing(words: string[], at: number): Promise<Running> {
  const { host } = await startTarget();
  const port = Number(host.split(":")[1]);
  words.splice(at + 1, 1, `:${port}`);
  const server = await start(...words);
  return { server, pass: (requests) => send(server, port, requests, 1) };
}

async function send(
  server: Server,
  port: number,
  requests: readonly Sent[],
  messagesEach: number,
): Promise<void> {
  const emitted = async (): Promise<number> => (await pageOf(server)).inputs[0]?.emitted ?? 0;
  const before = await emitted();
  for (const { path, method = "GET", headers = {} } of requests) {
    await (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })).text();
  }
  await until(async () => (await emitted()) >= before + requests.length * messagesEach);
}

/** Starts the command, passes the requests, stops it as a person would. */
export async function ran(
  words: readonly string[],
  places: Places,
  requests: readonly Sent[],
): Promise<{ readonly stdout: string; readonly code: number | null }> {
  const { server, pass } = await gor(words, places);
  await pass(requests);
  const code = await stop(server);
  return { stdout: server.out.stdout, code };
}

/** CI has everything and may skip nothing; elsewhere capturing takes root and libpcap. */
const canCapture: boolean =
  catalogue.inputs.some(({ name }) => name === "input-raw") &&
  (process.env["CI"] !== undefined || (process.getuid?.() === 0 && hasPcap()));
