// @ts-check
// Holds banks on ports of their own. Standard input: one JSON object a line, `{"id","start":{base,seed,clockMs,fault,mirror}}` (answered
// with `{"id","port"}`) or `{"id","stop":port}` (answered with `{"id"}`). `mirror`: the address of a server that takes what the SDK sends.
import { createInterface } from "node:readline";
import { makeBank } from "./bank.mjs";

/** @type {Map<number, () => Promise<void>>} */
const running = new Map();

createInterface({ input: process.stdin })
  .on("line", (line) => void take(line))
  // Whoever asked for the banks is gone, whatever became of it.
  .on("close", () => process.exit());

/** @param {string} line */
async function take(line) {
  const order = JSON.parse(line);
  if (order.stop !== undefined) {
    await running.get(order.stop)?.();
    running.delete(order.stop);
    console.log(JSON.stringify({ id: order.id }));
    return;
  }
  const { mirror: address, ...options } = order.start;
  let mirror;
  if (address !== undefined) {
    const sdk = await import("@mirrorball/sdk/express");
    mirror = sdk.mirror({ server: address });
  }
  const app = makeBank({ ...options, mirror });
  const server = app.listen(0, "127.0.0.1", () => {
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    running.set(port, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await mirror?.close({ timeoutMs: 5000 });
    });
    console.log(JSON.stringify({ id: order.id, port }));
  });
}
