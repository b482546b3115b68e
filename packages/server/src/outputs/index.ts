/** The outputs there are, in the order help shows them. Adding one is one line here. */
import type { OutputDeclaration } from "../component/define.ts";
import { outputCompare } from "./compare.ts";
import { outputElasticsearch } from "./elasticsearch.ts";
import { outputFile } from "./file.ts";
import { outputHttp } from "./http.ts";
import { outputNull } from "./null.ts";
import { outputStdout } from "./stdout.ts";
import { outputTcp } from "./tcp.ts";

export const outputs: readonly OutputDeclaration[] = [
  outputHttp,
  outputCompare,
  outputElasticsearch,
  outputTcp,
  outputFile,
  outputStdout,
  outputNull,
];
