/** From the words behind a sub-command's name to its operands and typed options, or to every error at once. */
import { parseArgv } from "./argv.ts";
import type { ToolDeclaration } from "./define.ts";
import { toolFlags } from "./flags.ts";
import type { OptionSpecs, OptionValues } from "./option.ts";
import { resolve } from "./resolve.ts";

export interface ToolCall {
  readonly operands: readonly string[];
  readonly options: OptionValues<OptionSpecs>;
}

export function toolCall(
  tool: ToolDeclaration,
  args: readonly string[],
): ToolCall | { readonly errors: readonly string[] } {
  const flags = toolFlags(tool);
  const operands: string[] = [];
  const { raw, errors: argvErrors } = parseArgv(args, flags, operands);
  const resolved = resolve(raw, flags);
  const errors = [...argvErrors, ...resolved.errors];
  const isRepeatable = tool.operands.at(-1)?.endsWith("...") ?? false;
  const tooMany = operands.length > tool.operands.length && !isRepeatable;
  if (operands.length < tool.operands.length || tooMany) {
    const given = operands.length === 0 ? "none" : operands.join(" ");
    errors.push(`${tool.name}: must be given ${tool.operands.join(" ")}; got ${given}`);
  }
  return errors.length > 0
    ? { errors }
    : { operands, options: resolved.options.get(tool.name) ?? {} };
}
