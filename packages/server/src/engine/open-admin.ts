/**
 * Opens what people look at beside the traffic: the counters (`--http-pprof`) and the page (`--page`), on one server when both have one address.
 * In: the options of a run, the counters, the page. Out: servers that listen, or one sentence that names the flag.
 */
import { AdminServer } from "../admin/server.ts";
import { COUNTERS_PATH, countersRoute } from "../admin/counters-route.ts";
import type { LivePage, PageSource } from "../admin/page/live-page.ts";
import type { Route } from "../admin/route.ts";
import { parseAddress } from "../component/net/address.ts";
import type { SocketAddress } from "../component/net/address.ts";
import { removePrivate, writePrivate } from "../files/private-file.ts";
import { readServerTls } from "../files/server-tls.ts";
import { isLoopback } from "../inputs/tcp/admission-control.ts";
import type { Counters } from "./accounting/counters.ts";
import type { LogSink } from "./accounting/log.ts";
import type { RunOptions } from "./plan/run-options.ts";

export interface Admin {
  close(): void;
}

const NOT_FOUND = `the counters are at ${COUNTERS_PATH}\n`;
const LOOPBACK = "127.0.0.1";

export async function openAdmin(
  run: RunOptions,
  page: LivePage | undefined,
  source: PageSource,
  log: LogSink,
): Promise<Admin> {
  const { counters } = source;
  const servers: AdminServer[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
    if (run.pageTokenFile !== "") removePrivate(run.pageTokenFile);
  };
  const isOne = page !== undefined && run.httpPprof === run.page;
  try {
    if (page !== undefined) {
      const access = isOne ? "open" : "inside";
      const opening = async (): Promise<AdminServer> =>
        openPage(run, page.open(source), access, counters, log);
      servers.push(await named("--page", opening()));
    }
    if (run.httpPprof !== "" && !isOne) {
      servers.push(await named("--http-pprof", openCounters(run.httpPprof, counters, log)));
    }
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

async function openCounters(
  address: string,
  counters: () => Counters,
  log: LogSink,
): Promise<AdminServer> {
  const server = new AdminServer({
    address: here(address),
    tls: undefined,
    hosts: [],
    routes: [countersRoute("open", counters)],
    notFound: NOT_FOUND,
    listening: (origin) => log(`mirrorball: counters on ${origin}${COUNTERS_PATH}`),
  });
  await server.open();
  return server;
}

async function openPage(
  run: RunOptions,
  routes: readonly Route[],
  countersAccess: "open" | "inside",
  counters: () => Counters,
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
    hosts: run.pageHost.map((name) => name.toLowerCase()),
    routes: [countersRoute(countersAccess, counters), ...routes],
    notFound: "there is nothing here\n",
    listening: () => {
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

/** `:8282` is this machine only here: figures and traffic are nobody else's business unless one says so. */
function here(text: string): SocketAddress {
  const address = parseAddress(text);
  if (address === undefined || address.path !== undefined) {
    throw new Error(`must be an address such as :8181 or 127.0.0.1:8181; got ${JSON.stringify(text)}`); // prettier-ignore
  }
  return { ...address, host: address.host ?? LOOPBACK };
}

async function named<T>(flag: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // What is wrong with a file of it is told under that file's flag.
    throw new Error(reason.startsWith("--") ? reason : `${flag}: ${reason}`, { cause: error });
  }
}
