/**
 * The main door of `@mirrorball/server`: the replay server as a library. `declarations.ts`, `reference.ts` and `plugin.ts` are smaller ones.
 *
 *     const made = planFrom(["--input-tcp", ":28020", "--output-http", "staging:8080"], catalogue);
 *     if ("errors" in made) throw new Error(made.errors.join("\n"));
 *     const server = await ReplayServer.create(made.plan);
 *     await server.start();
 *     …
 *     const counters = await server.stop();
 */
export { catalogue } from "./catalogue.ts";
export { ReplayServer } from "./engine/replay-server.ts";
export type { ReplayServerOptions } from "./engine/replay-server.ts";
export { standardError, standardOutput } from "./engine/standard-stream.ts";
export type { StandardStream } from "./engine/standard-stream.ts";
export { planFrom } from "./engine/plan/plan.ts";
export type {
  Plan,
  PlannedInput,
  PlannedOutput,
  PlannedRelay,
  PlannedStage,
} from "./engine/plan/planned.ts";
export { describePlan } from "./engine/plan/describe-plan.ts";
export { summaryText } from "./engine/accounting/summary.ts";
export { verdictOf } from "./engine/accounting/verdict.ts";
export type { Verdict } from "./engine/accounting/verdict.ts";
export type {
  Counters,
  InputCounters,
  OutputCounters,
  RelayCounters,
  StageCounters,
} from "./engine/accounting/counters.ts";
export { toolCall } from "./component/tool.ts";
export {
  defineInput,
  defineOutput,
  defineRelay,
  defineStage,
  defineTool,
} from "./component/define.ts";
export type {
  Catalogue,
  InputDeclaration,
  OutputDeclaration,
  RelayDeclaration,
  StageDeclaration,
  ToolContext,
  ToolDeclaration,
  ToolOutcome,
} from "./component/define.ts";
export { choice, duration, flag, integer, list, size, text } from "./component/kinds.ts";
export { Refusal } from "./component/option.ts";
export type { OptionSpec, OptionSpecs, OptionValues } from "./component/option.ts";
export type * from "./component/types.ts";
/** What the page is told: types only, for who builds one. */
export type * as Page from "./admin/page/events.ts";
