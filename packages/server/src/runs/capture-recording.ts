/**
 * A packet capture as a recording: who compares reads a recording several times and at a pace of its own, and packets are made for neither. In:
 * what a person named. Out: recordings, those of captures in a folder that is removed again; everything else as it was named.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalogue, ToolContext } from "../component/define.ts";
import { Refusal } from "../component/option.ts";
import { verdictOf } from "../engine/accounting/verdict.ts";
import { planFrom } from "../engine/plan/plan.ts";
import { ReplayServer } from "../engine/replay-server.ts";
import { recordings } from "../files/recordings.ts";
import { parseRawAddress } from "../inputs/raw/address.ts";

export interface Prepared {
  readonly recordings: readonly string[];
  /** False when packets were missing or not all of them could be read: what is compared is not all there was. */
  readonly isWhole: boolean;
  readonly remove: () => void;
}

/** Throws a sentence when a capture cannot be read. */
export async function prepare(
  named: readonly string[],
  context: ToolContext,
  catalogue: Catalogue,
): Promise<Prepared> {
  let folder: string | undefined;
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  const found: string[] = [];
  let isWhole = true;
  try {
    for (const name of named) {
      const captures = capturesOf(name);
      if (captures === undefined) {
        found.push(name);
        continue;
      }
      folder ??= mkdtempSync(join(tmpdir(), "mirrorball-capture-"));
      const recording = join(folder, `${found.length}.gor`);
      isWhole = (await record(captures, recording, context, catalogue)) && isWhole;
      found.push(recording);
    }
  } catch (error) {
    remove();
    throw error;
  }
  return { recordings: found, isWhole, remove };
}

/** As `--input-raw` takes them, the port behind the name; undefined for what is no capture. */
function capturesOf(name: string): string[] | undefined {
  const address = parseRawAddress(name, false);
  if (address instanceof Refusal || address.file === undefined || address.file === "-")
    return undefined;
  const paths = recordings(address.file);
  if (paths.length === 0) throw new Error(`no file matches ${address.file}`);
  return paths.map((path) => `${path}${name.slice(address.file?.length)}`);
}

async function record(
  captures: readonly string[],
  recording: string,
  context: ToolContext,
  catalogue: Catalogue,
): Promise<boolean> {
  const inputs = captures.flatMap((capture) => ["--input-raw", capture]);
  const made = planFrom(
    [...inputs, "--input-raw-track-response", "--output-file", recording, "--output-file-append"],
    catalogue,
  );
  if ("errors" in made) throw new Error(made.errors.join("; "));
  const log = (line: string): void => context.complain(line.replace(/^mirrorball: /, ""));
  const server = await ReplayServer.create(made.plan, { log });
  await server.start();
  const end = await Promise.race([
    server.ended.then(() => "read" as const),
    Promise.resolve(context.interrupted).then(() => "interrupted" as const),
  ]);
  const verdict = verdictOf(await server.stop());
  if (end === "interrupted")
    throw new Error(`${captures.join(", ")}: interrupted while it was read`);
  if (verdict.state !== "whole") context.complain(`${captures.join(", ")}: ${verdict.text}`);
  return verdict.state === "whole";
}
