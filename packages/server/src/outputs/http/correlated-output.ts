/** What `--output-http` is when it runs with `--correlate`: correlation stands in front of the pool. */
import type { Output, OutputContext } from "../../component/types.ts";
import { JwtSigner, jwtKeyFrom } from "../../core/correlate/renewal/jwt.ts";
import { readRules } from "../../files/rules/rules-file.ts";
import type { HttpOptions } from "../http.ts";
import { createWith } from "./output.ts";
import { CorrelatedQueue } from "./queues/correlated-queue.ts";

/** Throws a sentence when the rules or the key cannot be read. */
export function create(context: OutputContext, argument: string, values: HttpOptions): Output {
  const { correlate, correlateWaitMs: waitMs, correlateOrder: order } = values;
  const rules = correlate === "auto" ? undefined : readRules(correlate);
  const { correlateTimes: movesTimes } = values;
  const jwts = signerOf(values.correlateJwtKey);
  const correlation = new CorrelatedQueue(context, { waitMs, order, rules, jwts, movesTimes });
  return createWith(correlation, context, argument, values);
}

function signerOf(text: string): JwtSigner | undefined {
  if (text === "") return undefined;
  const key = jwtKeyFrom(text);
  if (key !== undefined) return new JwtSigner(key);
  throw new Error(
    "--correlate-jwt-key: PEM must hold a private RSA or EC key that has no password",
  );
}
