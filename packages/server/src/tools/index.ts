/** The sub-commands that are no run, in the order help shows them. Adding one is one line here. */
import type { ToolDeclaration } from "../component/define.ts";
import { convert } from "./convert.ts";
import { corpus } from "./corpus.ts";
import { inspect } from "./inspect.ts";
import { learn } from "./learn.ts";

export const tools: readonly ToolDeclaration[] = [inspect, convert, learn, corpus];
