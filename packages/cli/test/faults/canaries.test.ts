// The same thousand secrets through real servers with a journal, files, standard output and logs: none is found in anything they
// leave behind. What they leave is private to their user.
import { mkdtempSync, readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMirror } from "@mirrorball/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { RULES, canaries, found, listenerFor, sing } from "../../../sdk/test/canaries.ts";
import { freePort, serving } from "../processes.ts";
import { report } from "./figures.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const PRIVATE_MODES = 0o077;

describe("a thousand secrets", () => {
  it.each<[string, typeof RULES | undefined, number]>([
    ["are in what a server leaves behind, without rules", undefined, 100],
    ["are in nothing that a server leaves behind", RULES, 1000],
  ])("%s", async (_name, redact, count) => {
    const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
    const port = await freePort();
    const server = await serving(
      "--input-tcp", `127.0.0.1:${port}`, "--journal", join(folder, "journal"), "--output-file", join(folder, "all.gor"),
      "--output-file-append", "--output-stdout", "--verbose", "2",
    ); // prettier-ignore
    closers.push(() => server.child.kill("SIGKILL"));
    const list = canaries(count);
    const lines: string[] = [];
    const tee = createMirror({
      server: `127.0.0.1:${port}`,
      log: (line) => lines.push(line),
      ...(redact === undefined ? {} : { redact }),
    });
    const host = createServer(listenerFor(list));
    await new Promise<void>((resolve) => tee.attach(host).listen(0, "127.0.0.1", resolve));
    closers.push(() => host.close());
    await sing((host.address() as AddressInfo).port, list);
    expect(await tee.close()).toMatchObject({ acked: count, dropped: {} });
    server.child.kill("SIGTERM");
    expect(await server.ended).toBe(0);

    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    expect(files.length).toBeGreaterThan(1);
    const printed = [server.out.stdout, server.out.stderr, lines.join("\n")];
    const places = [...files.map((file) => readFileSync(file)), ...printed.map((t) => Buffer.from(t))];
    const positions = found(list, places);
    const bytes = places.reduce((sum, place) => sum + place.length, 0);
    report(`canaries in journal, files and logs, ${redact === undefined ? "without" : "with"} rules`, {
      secrets: count,
      found: positions.length,
      "bytes searched": bytes,
      files: files.length,
    });
    // Compressed bodies lie within files, where nothing unpacks them.
    if (redact === undefined) expect(positions.length).toBeGreaterThan(count * 0.9);
    else expect(positions).toEqual([]);
    for (const file of [...files, join(folder, "journal")])
      expect([file, statSync(file).mode & PRIVATE_MODES]).toEqual([file, 0]);
  }); // prettier-ignore
});
