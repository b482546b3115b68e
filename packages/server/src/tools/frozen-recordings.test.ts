// Recordings that earlier versions wrote are read for ever: each frozen file gives the messages that were recorded, byte for byte.
import { readFileSync, readdirSync } from "node:fs";
import { timestampToNs } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { describe, expect, it } from "vitest";
import { encodeRecords } from "../core/record/encode.ts";
import type { MessageReader } from "./convert/format.ts";
import { readGor } from "./convert/gor.ts";
import { readHar } from "./convert/har-read.ts";
import { readJsonLines } from "./convert/json-lines.ts";

const root = new URL("../../test/fixtures/recordings/", import.meta.url);
const versions = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

interface Frozen {
  readonly kind: number;
  readonly id: string;
  readonly ns: string;
  readonly latencyNs: number | null;
  readonly framing: string | null;
  readonly raw: string;
  readonly context?: object;
}

function seen({ kind, id, startedAt, latencyNs, http, context }: Message): Frozen {
  const { framing = null, ...others } = context ?? {};
  const known = Object.entries(others).filter(([, value]) => value !== undefined);
  return {
    kind,
    id,
    ns: String(timestampToNs(startedAt)),
    latencyNs: latencyNs ?? null,
    framing,
    raw: Buffer.from(http.raw).toString("base64"),
    ...(known.length === 0 ? {} : { context: Object.fromEntries(known) }),
  };
}

async function read(reader: MessageReader, path: string): Promise<Frozen[]> {
  const messages: Message[] = [];
  const faults: string[] = [];
  for await (const batch of reader(path, (fault) => faults.push(fault))) messages.push(...batch);
  expect(faults).toEqual([]);
  return messages.map(seen);
}

describe.each(versions)("recordings of version %s", (version) => {
  const folder = new URL(`${version}/`, root);
  const at = (name: string): string => new URL(name, folder).pathname;
  const frozen = (name: string): Frozen[] => JSON.parse(readFileSync(at(name), "utf8")) as Frozen[];

  it.each([
    ["shop.gor", readGor],
    ["shop.gor.gz", readGor],
    ["shop.jsonl", readJsonLines],
  ] as const)("%s", async (name, reader) => {
    expect(await read(reader, at(name))).toEqual(frozen("expected.json"));
  });

  it("shop.gor, written again", async () => {
    const batches = readGor(at("shop.gor"), () => {});
    const written: Buffer[] = [];
    for await (const batch of batches) written.push(encodeRecords(batch));
    // Readers of that version, and gor, take what this one writes.
    expect(Buffer.concat(written).toString("latin1")).toBe(readFileSync(at("shop.gor"), "latin1"));
  });

  // HAR has no place for replayed responses, and that version gave a response without a length one.
  it("shop.har", async () => {
    expect(await read(readHar, at("shop.har"))).toEqual(frozen("expected-har.json"));
  });
});
