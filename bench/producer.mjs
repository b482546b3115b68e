// @ts-check
// Sends mixed exchanges to a TCP input as an SDK would, as fast as they are acknowledged. argv: port, count. Prints the seconds
// until the last one was acknowledged.
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { ProducerSession, RecordType, packRecords } from "@mirrorball/protocol";

const BATCH = 100;
const [port = "0", count = "1"] = process.argv.slice(2);
const session = new ProducerSession({
  producerId: randomBytes(16),
  service: "bench",
  agent: "bench",
});
const socket = connect(Number(port), "127.0.0.1", () => session.connect(randomBytes(16), 0));
let made = 0;
let started = 0;
socket.setNoDelay(true);
socket.on("connect", pump);
socket.on("data", (chunk) => {
  session.receive(chunk, 0);
  if (session.failure !== undefined) throw new Error(session.failure.message);
  pump();
});

function pump() {
  if (session.state === "open") {
    if (started === 0) started = performance.now();
    while (session.unackedFrames < 64 && made < Number(count)) {
      const size = Math.min(BATCH, Number(count) - made);
      session.enqueue(packRecords(Array.from({ length: size }, () => exchange())), size);
    }
  }
  for (const piece of session.takeOutput()) socket.write(piece);
  if (session.ackedWeight < Number(count)) return;
  console.log(`done ${((performance.now() - started) / 1000).toFixed(3)}`);
  socket.destroy();
}

/** Seven small reads, two orders of 300 bytes, one upload of 2 KB. @returns {import("@mirrorball/protocol").ExchangeRecord} */
function exchange() {
  made += 1;
  const kind = made % 10;
  const body = kind < 7 ? null : Buffer.alloc(kind === 9 ? 2048 : 300, 0x61);
  const headers = [
    "Host",
    "shop.test",
    "User-Agent",
    "bench/1",
    "Accept",
    "application/json",
    "Cookie",
    `sid=${made}`,
  ];
  if (body !== null)
    headers.push("Content-Type", "application/json", "Content-Length", String(body.length));
  return [
    RecordType.exchange, made, 1.7e15 + made, 0, 1, made, "127.0.0.1:1", body === null ? "GET" : "POST",
    `/products/${made}?page=1`, "HTTP/1.1", headers, body, 0, null, 1.7e15 + made, 100,
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n", Buffer.from("{}"), 0, null, null, null,
  ]; // prettier-ignore
}
