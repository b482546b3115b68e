/** What `--output-http` is when it runs: a pool of connections to one target, with what its options put around it. */
import { maskUserinfo } from "../../component/mask.ts";
import { Refusal } from "../../component/option.ts";
import type { OutputContext } from "../../component/types.ts";
import { parseOrderKey } from "../../core/order/order-key.ts";
import { Authorities } from "./authorities.ts";
import { Dialer } from "./dialer.ts";
import { proxyRule } from "./proxies.ts";
import type { CorrelatedQueue } from "./queues/correlated-queue.ts";
import { PairedQueue } from "./queues/paired-queue.ts";
import { Prober } from "./prober.ts";
import { Pool } from "./pool.ts";
import type { PoolSettings } from "./pool.ts";
import { parseTarget } from "./target.ts";
import type { HttpOptions } from "../http.ts";
import type { Output } from "../../component/types.ts";

export function create(context: OutputContext, argument: string, values: HttpOptions): Output {
  return createWith(undefined, context, argument, values);
}

/** With correlation in front of the target, which is a module of its own: most runs have none. */
export function createWith(
  correlation: CorrelatedQueue | undefined,
  context: OutputContext,
  argument: string,
  values: HttpOptions,
): Output {
  const target = parseTarget(argument);
  if (target instanceof Refusal) throw new Error(`${maskUserinfo(argument)}: ${target.rule}`);
  const authorities = new Authorities(values.ca, context.log);
  const dialer = new Dialer({
    skipVerify: values.skipVerify,
    proxies: proxyRule(values.proxy, process.env),
    authorities: () => authorities.pem,
  });
  const emits = values.trackResponse || context.replayedWanted;
  const paired =
    context.paired === undefined
      ? undefined
      : new PairedQueue(context.queue, correlation, context.paired);
  const pool = new Pool(
    context,
    poolSettings(context, values, { dialer, target, correlation, paired, emits }),
  );
  return {
    reload: authorities.reload,
    emitsReplayed: emits && !context.isControl,
    observer: paired ?? correlation,
    start: async () => pool.start(),
    drain: () => pool.drained(),
    close: () => pool.close(),
    stats: () => pool.stats(),
    trouble: () => pool.trouble,
    latency: pool.latency,
  };
}

type Made = Pick<PoolSettings, "dialer" | "target" | "correlation" | "paired" | "emits">;

function poolSettings(
  context: OutputContext,
  values: HttpOptions,
  { dialer, target, correlation, paired, emits }: Made,
): PoolSettings {
  return {
    dialer,
    ageMsMax: values.maxConnectionAgeMs,
    target,
    originalHost: values.originalHost,
    redirectsMax: values.redirects,
    redirectsAnywhere: values.redirectsAnywhere,
    pathRule: values.path,
    responseBytesMax: values.responseBufferBytes,
    track: emits || correlation !== undefined,
    emits,
    name: context.name,
    isControl: context.isControl,
    correlation,
    paired,
    prober: context.probeShare > 0 && emits ? new Prober(context.probeShare) : undefined,
    ambiguous: values.ambiguous,
    marked: context.loopGuard,
    timeoutMs: values.timeoutMs,
    workersMax: values.workers,
    workersMin: values.workersMin,
    workerIdleMs: values.workerTimeoutMs,
    orderKey: parseOrderKey(values.preserveOrder),
  };
}
