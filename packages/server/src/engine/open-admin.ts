/**
 * Opens what people and their tools look at beside the traffic: the page (`--page`), metrics and health (`--admin`), the counters (`--http-pprof`); on one
 * server where they have one address. In: the options of a run, and what is known of it. Out: servers that listen, or one sentence that names the flag.
 */
import { readFileSync } from "node:fs";
import { AdminServer } from "../admin/server.ts";
import { COUNTERS_PATH, countersRoute } from "../admin/counters-route.ts";
import { healthRoutes } from "../admin/health.ts";
import type { Condition } from "../admin/health.ts";
import { countersFamilies } from "../admin/metrics/families.ts";
import type { OutputBeside } from "../admin/metrics/families.ts";
import { ProcessMetrics } from "../admin/metrics/process-families.ts";
import { METRICS_PATH, metricsRoute } from "../admin/metrics/route.ts";
import type { LivePage, PageSource } from "../admin/page/live-page.ts";
import type { Route } from "../admin/route.ts";
import { isLoopback, parseAddress } from "../component/net/address.ts";
import type { SocketAddress } from "../component/net/address.ts";
import type { InputProgress } from "../component/types.ts";
import { removePrivate, writePrivate } from "../files/private-file.ts";
import { readServerTls } from "../files/server-tls.ts";
import type { LogSink } from "./accounting/log.ts";
import type { RunOptions } from "./plan/run-options.ts";

export interface Admin {
  close(): void;
}

/** Whom it is about. */
export interface AdminSource extends PageSource {
  readonly condition: () => Condition;
  readonly progress: () => readonly { readonly name: string; readonly progress: InputProgress }[];
  readonly outputs: readonly (PageSource["outputs"][number] & OutputBeside)[];
}

interface Closing {
  readonly closes: (() => void)[];
}

const COUNTERS_ONLY = `the counters are at ${COUNTERS_PATH}\n`;
const ADMIN_PATHS = `metrics are at ${METRICS_PATH}, health at /healthz and /readyz, the counters at ${COUNTERS_PATH}\n`;
const LOOPBACK = "127.0.0.1";

export async function openAdmin(
  run: RunOptions,
  page: LivePage | undefined,
  log: LogSink,
  source: AdminSource,
): Promise<Admin> {
  const closes: (() => void)[] = [];
  const close = (): void => {
    for (const each of closes) each();
    if (run.pageTokenFile !== "") removePrivate(run.pageTokenFile);
  };
  const open = async (flag: string, opening: () => Promise<AdminServer>): Promise<void> => {
    const server = await named(flag, opening);
    closes.push(() => server.close());
  };
  try {
    const tools = run.admin === "" ? [] : toolRoutes(source, { closes });
    const isAdminOnPage = page !== undefined && run.admin === run.page;
    const isPprofElsewhere = ![run.admin, page === undefined ? "" : run.page].includes(
      run.httpPprof,
    );
    if (page !== undefined) {
      const pageRoutes = (): Route[] => [
        ...(isAdminOnPage ? tools : [pageCounters(run, source)]),
        ...page.open(source),
      ];
      await open("--page", () => openPage(run, pageRoutes(), log));
    }
    if (run.admin !== "" && !isAdminOnPage) {
      await open("--admin", () => openTools(run, tools, log));
    }
    if (run.httpPprof !== "" && isPprofElsewhere) {
      await open("--http-pprof", () => openCounters(run.httpPprof, source, log));
    }
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

function toolRoutes(source: AdminSource, { closes }: Closing): Route[] {
  const itself = new ProcessMetrics(ownVersion());
  closes.push(() => itself.close());
  const families = () => {
    const lags = source
      .progress()
      .map(({ name, progress }) => ({ name, behindMs: progress.behindMs }));
    return [
      ...countersFamilies(source.counters(), { outputs: source.outputs, lags }),
      ...itself.families(),
    ];
  };
  return [
    metricsRoute("bearer", families),
    // gor's word on the same address serves them to everybody, and must not undo the token.
    countersRoute("bearer", source.counters),
    ...healthRoutes(source.condition),
  ];
}

/** On the page's address the counters are for who is inside, unless gor's flag puts them there. */
function pageCounters(run: RunOptions, { counters }: AdminSource): Route {
  return countersRoute(run.httpPprof === run.page ? "open" : "inside", counters);
}

async function openCounters(
  address: string,
  { counters }: AdminSource,
  log: LogSink,
): Promise<AdminServer> {
  const server = new AdminServer({
    address: here(address),
    tls: undefined,
    hosts: [],
    routes: [countersRoute("open", counters)],
    notFound: COUNTERS_ONLY,
    listening: (origin) => log(`mirrorball: counters on ${origin}${COUNTERS_PATH}`),
  });
  await server.open();
  return server;
}

async function openTools(
  run: RunOptions,
  routes: readonly Route[],
  log: LogSink,
): Promise<AdminServer> {
  const server = new AdminServer({
    address: here(run.admin),
    tls: undefined,
    hosts: lowerCase(run.adminHost),
    routes,
    notFound: ADMIN_PATHS,
    listening: (origin) => log(`mirrorball: metrics on ${origin}${METRICS_PATH}`),
    bearer: bearerOf(run),
  });
  await server.open();
  return server;
}

async function openPage(
  run: RunOptions,
  routes: readonly Route[],
  log: LogSink,
): Promise<AdminServer> {
  const address = here(run.page);
  const tls = readServerTls("--page", {
    secure: run.pageSecure,
    certificate: run.pageCertificate,
    certificateKey: run.pageCertificateKey,
    clientCa: run.pageClientCa,
  });
  let isFirst = true;
  const server = new AdminServer({
    address,
    tls,
    hosts: lowerCase([...run.pageHost, ...run.adminHost]),
    routes,
    bearer: bearerOf(run),
    notFound: "there is nothing here\n",
    listening: (origin) => {
      if (run.admin === run.page) log(`mirrorball: metrics on ${origin}${METRICS_PATH}`);
      if (!isLoopback(address.host)) {
        log("mirrorball: --page: other machines can reach this address; who has the token sees the traffic"); // prettier-ignore
      }
    },
    entrance: (url) => {
      if (run.pageTokenFile !== "") writePrivate(run.pageTokenFile, `${url}\n`);
      if (isFirst) log(`mirrorball: page on ${url}`);
      isFirst = false;
    },
  });
  await server.open();
  return server;
}

function bearerOf({ adminToken }: RunOptions): string | undefined {
  return adminToken === "" ? undefined : adminToken;
}

function lowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}

/** Of the package this file belongs to. */
function ownVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const parsed: unknown = JSON.parse(text);
  const has = typeof parsed === "object" && parsed !== null && "version" in parsed;
  return has ? String(parsed.version) : "unknown";
}

/** `:8282` is this machine only here: figures and traffic are nobody else's business unless one says so. */
function here(text: string): SocketAddress {
  const address = parseAddress(text);
  if (address === undefined || address.path !== undefined) {
    throw new Error(`must be an address such as :8181 or 127.0.0.1:8181; got ${JSON.stringify(text)}`); // prettier-ignore
  }
  return { ...address, host: address.host ?? LOOPBACK };
}

async function named<T>(flag: string, opening: () => Promise<T>): Promise<T> {
  try {
    return await opening();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // What is wrong with a file of it is told under that file's flag.
    throw new Error(reason.startsWith("--") ? reason : `${flag}: ${reason}`, { cause: error });
  }
}
