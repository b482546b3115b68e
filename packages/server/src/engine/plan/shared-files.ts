/**
 * Refuses plans in which two outputs write one file: each would write over or into what the other wrote. In: a plan. Out: one line
 * for each such pair. Names that hold the time or a request's id are compared as they come out now.
 */
import { isSameFile } from "../../files/same-file.ts";
import { nameOf } from "./names.ts";
import type { OutputDeclaration } from "../../component/define.ts";
import type { OptionSpecs, OptionValues } from "../../component/option.ts";

interface WritingOutput {
  readonly declaration: OutputDeclaration;
  readonly argument: string;
  readonly options: OptionValues<OptionSpecs>;
}

export function sharedFiles(outputs: readonly WritingOutput[]): string[] {
  const seen: { readonly name: string; readonly path: string }[] = [];
  return outputs.flatMap((output) => {
    const path = writtenBy(output);
    if (path === undefined) return [];
    const name = `--${nameOf(output.declaration.name, output.argument)}`;
    const other = seen.find((one) => isSameFile(one.path, path));
    seen.push({ name, path });
    return other === undefined
      ? []
      : [`${name}: ${other.name} writes the same file, which would hold everything twice; give it a name of its own`];
  }); // prettier-ignore
}

function writtenBy({ declaration, argument, options }: WritingOutput): string | undefined {
  return declaration.writes?.(argument, options);
}
