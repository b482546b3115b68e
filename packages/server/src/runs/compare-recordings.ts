/**
 * Compares two recordings with each other: what the second one's answers differ in. In: two paths. Out: a report, written as asked.
 *
 * Exchanges are paired by id; those whose ids differ, by method and target, in order; the rest by endpoint, in order.
 */
import type { Message } from "@mirrorball/protocol";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { ToolContext, ToolOutcome } from "../component/define.ts";
import { Comparison } from "../core/compare/comparison.ts";
import type { RouteTemplates } from "../core/compare/endpoints.ts";
import { applyPolicy } from "../core/compare/rules.ts";
import type { Policy } from "../core/compare/rules.ts";
import { endpointOf } from "../core/correlate/scan.ts";
import { KINDS_RULE, kindsOf, readPolicy } from "../files/rules/compare-rules-file.ts";
import { readTemplates } from "../files/rules/openapi.ts";
import { RecordMerge } from "../files/merge.ts";
import { recordings } from "../files/recordings.ts";
import { checkWritable, writeReport } from "../outputs/compare/report-files.ts";
import { TERMINAL, isReportName } from "../outputs/compare/report-names.ts";

const DEPTH = 100;
/** Exchanges of the second recording that are held to be paired. */
const HELD_MAX = 1_000_000;

export interface RecordingOptions {
  readonly report: readonly string[];
  readonly rules: string;
  readonly failOn: string;
  readonly tolerance: string;
  readonly openapi: string;
  readonly noise: "on" | "off";
}

interface Pair {
  readonly request: Message;
  response: Message | undefined;
}

export async function compareRecordings(
  context: ToolContext,
  a: string,
  b: string,
  values: RecordingOptions,
): Promise<ToolOutcome> {
  let settings: Settings;
  try {
    settings = settingsOf(values);
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return "usage";
  }
  const { policy, templates } = settings;
  try {
    const files = [...(values.noise === "on" ? [TERMINAL] : []), ...values.report];
    for (const file of files) checkWritable(file);
    const comparison = new Comparison({ control: false, templates });
    const others = new Others(await exchangesOf(b, context));
    for (const { request, response } of await exchangesOf(a, context)) {
      comparison.request(request);
      if (response !== undefined) comparison.answer("original", response);
      const other = others.take(request);
      if (other?.response !== undefined) comparison.answer("replayed", asReplayed(other, request));
    }
    comparison.end();
    const report = applyPolicy(comparison.report(), policy, Date.now());
    for (const file of files)
      await writeReport(file, report, {
        write: async (text) => {
          await context.print(typeof text === "string" ? text : Buffer.from(text).toString("utf8"));
          return undefined;
        },
      });
    return report.verdict === "different" ? "different" : report.verdict === "same";
  } catch (error) {
    context.complain(error instanceof Error ? error.message : String(error));
    return false;
  }
}

interface Settings {
  readonly policy: Policy;
  readonly templates: RouteTemplates | undefined;
}

/** Throws a sentence when an option breaks its rule or a file cannot be read. */
function settingsOf({ failOn, rules, tolerance, openapi, report }: RecordingOptions): Settings {
  if (failOn !== "" && kindsOf(failOn) === undefined)
    throw new Error(`--fail-on: ${KINDS_RULE}; got ${failOn}`);
  const policy = readPolicy(rules, failOn, shareOf(tolerance));
  const templates = openapi === "" ? undefined : readTemplates(openapi);
  for (const file of report) {
    if (!isReportName(file))
      throw new Error(`--report: must end in .html, .json, .xml or .md; got ${file}`);
  }
  return { policy, templates };
}

function shareOf(text: string): number {
  if (text === "") return 0;
  const share = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!(share >= 0 && share <= 1))
    throw new Error(`--tolerance: must be a share from 0% to 100%; got ${text}`);
  return share;
}

/** Requests with their responses, in the order of the requests. */
async function exchangesOf(pattern: string, context: ToolContext): Promise<Pair[]> {
  const paths = recordings(pattern);
  if (paths.length === 0) throw new Error(`no file matches ${pattern}`);
  const fault = (_: string, explanation: string): void => context.complain(explanation);
  const merge = await RecordMerge.open(paths, { epochSeconds: 0, depth: DEPTH, fault });
  const pairs = new Map<string, Pair>();
  while (merge.ready || (await merge.load())) {
    const message = merge.take();
    if (message === undefined) continue;
    if (message.kind === MessageKind.request) {
      if (pairs.size >= HELD_MAX)
        throw new Error(`${pattern}: has more than ${HELD_MAX} requests; compare it in parts`);
      pairs.set(message.id, { request: message, response: undefined });
      continue;
    }
    const pair = pairs.get(message.id);
    // A recording of a replay holds both answers; its own is the replayed one.
    if (
      pair !== undefined &&
      (pair.response === undefined || message.kind === MessageKind.replayed)
    )
      pair.response = message;
  }
  merge.close();
  return [...pairs.values()];
}

/** The second recording's exchanges, each given out once. */
class Others {
  readonly #byId: Map<string, Pair>;
  readonly #byTarget: Map<string, Pair[]> = new Map();
  readonly #byEndpoint: Map<string, Pair[]> = new Map();
  readonly #taken: Set<Pair> = new Set();

  constructor(pairs: readonly Pair[]) {
    this.#byId = new Map(pairs.map((pair) => [pair.request.id, pair]));
    for (const pair of pairs) {
      add(this.#byTarget, targetOf(pair.request), pair);
      add(this.#byEndpoint, endpointOf(pair.request) ?? "", pair);
    }
  }

  take(request: Message): Pair | undefined {
    const found =
      this.#free([this.#byId.get(request.id)]) ??
      this.#free(this.#byTarget.get(targetOf(request))) ??
      this.#free(this.#byEndpoint.get(endpointOf(request) ?? ""));
    if (found !== undefined) this.#taken.add(found);
    return found;
  }

  #free(pairs: (Pair | undefined)[] | undefined): Pair | undefined {
    if (pairs === undefined) return undefined;
    while (pairs[0] !== undefined && this.#taken.has(pairs[0])) pairs.shift();
    return pairs[0];
  }
}

function targetOf({ http: { head } }: Message): string {
  return head !== undefined && "target" in head ? `${head.method} ${head.target}` : "";
}

function add(map: Map<string, Pair[]>, key: string, pair: Pair): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [pair]);
  else known.push(pair);
}

function asReplayed({ response, request: own }: Pair, request: Message): Message {
  const message = response ?? own;
  return {
    ...message,
    kind: MessageKind.replayed,
    id: request.id,
    http: HttpMessage.fromRaw(message.http.raw),
  };
}
