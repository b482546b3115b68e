// Bodies that must be redacted do not leave in pieces, however long they are.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RecordType } from "@mirrorball/protocol";
import { createMirror } from "@mirrorball/sdk";
import { afterEach, expect, it } from "vitest";
import { Sink } from "./sink.ts";
import { ask, talk } from "./wire.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

it("a long body that must be redacted leaves not at all, though its exchange goes in pieces", async () => {
  const sink = await Sink.listen();
  closers.push(() => sink.close());
  const tee = createMirror({ server: sink.address, log: () => {}, redact: { json: ["password"] } });
  const secret = Buffer.from(`{"password":"CANARY","rest":"${"CANARY".repeat(100_000)}"}`);
  const host = createServer((req, res) => {
    res.setHeader("Content-Type", "application/json");
    req.resume().on("end", () => {
      res.write(secret.subarray(0, 300_000));
      res.end(secret.subarray(300_000));
    });
  });
  await new Promise<void>((resolve) => tee.attach(host).listen(0, "127.0.0.1", resolve));
  closers.push(
    () => host.close(),
    () => tee.close({ timeoutMs: 0 }),
  );
  const { port } = host.address() as AddressInfo;
  const fields = ["Content-Type: application/json", `Content-Length: ${secret.length}`];
  await talk(port, ask("POST /", fields), secret);
  await sink.until((records) =>
    records.find(([type]) => type === RecordType.exchange || type === RecordType.responseEnd),
  );
  expect(tee.stats().offered).toBe(1);
  for (const value of sink.records.flat()) {
    if (value instanceof Uint8Array) expect(Buffer.from(value).includes("CANARY")).toBe(false);
  }
});
