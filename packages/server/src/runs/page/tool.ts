/** What `mirrorball page` does: reads the files into the page's memory while it is served already. */
import { readFileSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RecordingPage } from "../../admin/page/recording-page.ts";
import { AdminServer } from "../../admin/server.ts";
import type { ToolContext, ToolOutcome } from "../../component/define.ts";
import { parseAddress } from "../../component/net/address.ts";
import { REPORT_SCHEMA } from "../../core/compare/report/report.ts";
import type { Report } from "../../core/compare/report/report.ts";
import { RecordMerge } from "../../files/merge.ts";
import { recordings } from "../../files/recordings.ts";
import type { PageValues } from "../page.ts";

/** Records held to put them in order of time; gor's depth. */
const DEPTH = 100;
/** Records that are read before those who look have their turn. */
const RECORDS_A_TURN = 500;
const LOOPBACK = "127.0.0.1";

export async function execute(
  context: ToolContext,
  files: readonly string[],
  { address, memoryBytes }: PageValues,
): Promise<ToolOutcome> {
  let server: AdminServer | undefined;
  try {
    const reports = files.filter((file) => file.endsWith(".json")).map(readReport);
    const merge = await open(context, files);
    const page = new RecordingPage(files.join(" "), memoryBytes, reports[0]);
    server = serverOf(context, address, page);
    await server.open();
    if (merge !== undefined) await fill(page, merge);
    await context.interrupted;
    page.close();
    return true;
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  } finally {
    server?.close();
  }
}

function serverOf(context: ToolContext, text: string, page: RecordingPage): AdminServer {
  const address = parseAddress(text) ?? { host: LOOPBACK, port: 0, path: undefined };
  let isFirst = true;
  return new AdminServer({
    address: { ...address, host: address.host ?? LOOPBACK },
    tls: undefined,
    hosts: [],
    routes: page.routes,
    notFound: "there is nothing here\n",
    listening: () => {},
    entrance: (url) => {
      if (isFirst) context.complain(`page on ${url}`);
      isFirst = false;
    },
  });
}

/** Undefined when no recording was named. */
async function open(
  context: ToolContext,
  files: readonly string[],
): Promise<RecordMerge | undefined> {
  const paths = files
    .filter((file) => !file.endsWith(".json"))
    .flatMap((pattern) => {
      const found = recordings(pattern);
      if (found.length === 0) throw new Error(`no file matches ${pattern}`);
      return found;
    });
  if (paths.length === 0) return undefined;
  const fault = (_: string, explanation: string): void => context.complain(explanation);
  return RecordMerge.open([...new Set(paths)], { epochSeconds: 0, depth: DEPTH, fault });
}

async function fill(page: RecordingPage, merge: RecordMerge): Promise<void> {
  let count = 0;
  while (merge.ready || (await merge.load())) {
    const message = merge.take();
    if (message === undefined) continue;
    page.seen(message);
    count += 1;
    if (count % RECORDS_A_TURN === 0) await nextTurn();
  }
  merge.close();
  page.whole();
}

function readReport(path: string): Report {
  const found: unknown = JSON.parse(readFileSync(path, "utf8"));
  const isReport =
    typeof found === "object" && found !== null && Reflect.get(found, "schema") === REPORT_SCHEMA;
  if (!isReport) throw new Error(`${path}: is no report of mirrorball compare`);
  return found as Report;
}
