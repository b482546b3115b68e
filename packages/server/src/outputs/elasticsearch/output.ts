/** What `--output-http-elasticsearch` is when it runs. */
import { maskUserinfo } from "../../component/mask.ts";
import { Refusal } from "../../component/option.ts";
import { ExchangeOutput } from "./exchange-output.ts";
import { parseIndexTarget } from "./target.ts";
import type { Output, OutputContext } from "../../component/types.ts";

export function create(
  context: OutputContext,
  argument: string,
  { pairTimeoutMs, skipVerify }: { readonly pairTimeoutMs: number; readonly skipVerify: boolean },
): Output {
  const target = parseIndexTarget(argument);
  if (target instanceof Refusal) throw new Error(`${maskUserinfo(argument)}: ${target.rule}`);
  return new ExchangeOutput(context, { target, skipVerify, pairTimeoutMs });
}
