// @ts-check
// Sends mixed requests in gor's text stream, as a gor's `--output-tcp` does: ten connections in turns, a record at a time, as fast as
// they are taken. argv: port, warm-up, count. Prints `warm` when the system has taken the warm-up, goes on after a line on standard
// input, and prints `done` after the rest.
import { once } from "node:events";
import { connect } from "node:net";
import { mixedRecord } from "./gor.mjs";

const CONNECTIONS = 10;
const [port = "0", warmUp = "0", count = "1"] = process.argv.slice(2);
const sockets = await Promise.all(
  Array.from({ length: CONNECTIONS }, async () => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.setNoDelay(true);
    await once(socket, "connect");
    return socket;
  }),
);
let made = 0;
await send(Number(warmUp));
console.log("warm");
await once(process.stdin, "data");
await send(Number(count));
console.log("done");
// gor treats an end like any other; nothing of a connection that stays open is lost.
for (const socket of sockets) socket.end();
process.stdin.destroy();

/** @param {number} records */
async function send(records) {
  const wanted = made + records;
  while (made < wanted) {
    made += 1;
    const socket = sockets[made % CONNECTIONS];
    if (socket === undefined) break;
    const record = mixedRecord(made, 1_732_406_400_000_000_000 + made * 1000);
    if (!socket.write(record)) await once(socket, "drain");
  }
  for (const socket of sockets) if (socket.writableNeedDrain) await once(socket, "drain");
}
