/** The inputs there are, in the order help shows them. Adding one is one line here. */
import type { InputDeclaration } from "../component/define.ts";
import { inputDummy } from "./dummy.ts";
import { inputFile } from "./file.ts";
import { inputHttp } from "./http.ts";
import { inputRaw } from "./raw.ts";
import { inputTcp } from "./tcp.ts";

export const inputs: readonly InputDeclaration[] = [
  inputTcp,
  inputRaw,
  inputFile,
  inputHttp,
  inputDummy,
];
