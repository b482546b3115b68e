/** What a file's name says it holds. */
import type { Message } from "@mirrorball/protocol";

export type FormatName = "gor" | "har" | "jsonl";

export const FORMAT_NAMES: readonly FormatName[] = ["gor", "har", "jsonl"];

/** Said of a format: the name of the file tells it. */
export const BY_NAME = "by-name";

const BY_ENDING: Readonly<Record<string, FormatName>> = {
  gor: "gor",
  har: "har",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/** By the name's ending, `.gz` aside; undefined when it says nothing. */
export function formatOf(path: string): FormatName | undefined {
  const name = path.replace(/\.gz$/i, "");
  return BY_ENDING[/\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase() ?? ""];
}

/** Takes messages, writes a format. */
export interface MessageWriter {
  write(batch: readonly Message[]): Promise<void>;
  /** Resolves with what the format could not keep: how many, by what they are. */
  end(): Promise<ReadonlyMap<string, number>>;
}

/** Messages of a file in their order in it. Told of what is no message. */
export type MessageReader = (
  path: string,
  fault: (explanation: string) => void,
) => AsyncGenerator<Message[]>;
