// An output that hands its answers on while its own queue is full must not wait for itself.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { get, run } from "../../../test/kit.ts";

it("tracked answers flow while the replaying output's queue is full", async () => {
  const target = createServer((_req, res) => void res.end("ok"));
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(target.address() as AddressInfo).port}`;
  const messages = Array.from({ length: 3000 }, (_, i) => get(`/${i}`));
  const { counters, collected } = await run(messages, ["--output-http", address, "--output-http-queue-len", "50", "--output-http-track-response", "--output-collect"]); // prettier-ignore
  target.closeAllConnections();
  target.close();
  expect(counters.lost).toBe(0);
  expect(counters.outputs[0]?.delivered).toBe(3000);
  expect(collected.filter(({ kind }) => kind === 3)).toHaveLength(3000);
});
