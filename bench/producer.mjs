// @ts-check
// Sends mixed exchanges to a TCP input as an SDK would, as fast as they are acknowledged. argv: port, warm-up, count. Prints
// `warm` when the warm-up was acknowledged, goes on after a line on standard input, and prints `done` after the rest.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";
import { mixed } from "./mix.mjs";

const BATCH = 100;
const [port = "0", warmUp = "0", count = "1"] = process.argv.slice(2);
const session = new ProducerSession({
  producerId: randomBytes(16),
  service: "bench",
  agent: "bench",
});
const socket = connect(Number(port), "127.0.0.1", () => session.connect(randomBytes(16), 0));
let made = 0;
let wanted = Number(warmUp);
let warm = false;
socket.setNoDelay(true);
socket.on("connect", pump);
socket.on("data", (chunk) => {
  session.receive(chunk, 0);
  if (session.failure !== undefined) throw new Error(session.failure.message);
  pump();
});

function pump() {
  while (session.state === "open" && session.unackedFrames < 64) {
    const size = Math.min(BATCH, wanted - made);
    if (size === 0) break;
    session.enqueue(packRecords(Array.from({ length: size }, () => exchange())), size);
  }
  for (const piece of session.takeOutput()) socket.write(piece);
  if (session.state !== "open" || session.ackedWeight < wanted) return;
  if (warm) {
    console.log("done");
    socket.destroy();
    process.stdin.destroy();
    return;
  }
  warm = true;
  console.log("warm");
  process.stdin.once("data", () => {
    wanted += Number(count);
    pump();
  });
}

/** @returns {import("@mirrorball/protocol").ExchangeRecord} */
function exchange() {
  made += 1;
  const { method, path, headers, body } = mixed(made);
  return [
    RecordType.exchange, made, 1.7e15 + made, 0, 1, made, "127.0.0.1:1", method, path, "HTTP/1.1",
    headers, body, 0, null, 1.7e15 + made, 100,
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n", Buffer.from("{}"), 0, null, null, null,
  ]; // prettier-ignore
}
