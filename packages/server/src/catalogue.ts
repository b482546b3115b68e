/** Everything this server can do, as one explicit list of declarations. */
import type { Catalogue } from "./component/define.ts";
import { runDeclaration } from "./engine/plan/run-options.ts";
import { inputs } from "./inputs/index.ts";
import { outputs } from "./outputs/index.ts";
import { compareTool } from "./runs/compare.ts";
import { pageTool } from "./runs/page.ts";
import { relays } from "./relays/index.ts";
import { stages } from "./stages/index.ts";
import { tools } from "./tools/index.ts";

export const catalogue: Catalogue = {
  inputs,
  relays,
  stages,
  outputs,
  run: runDeclaration,
  tools: [compareTool(() => catalogue), pageTool, ...tools],
};
