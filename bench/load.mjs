// @ts-check
// A load generator: keep-alive connections, one request under way on each, raw bytes. A process of its own.
// argv: port, connections, milliseconds, "hello" or "post". Prints one line of JSON: requests and seconds.
import { connect } from "node:net";

const [port = "0", connections = "32", ms = "1000", kind = "hello"] = process.argv.slice(2);
const body = Buffer.from(JSON.stringify({ text: "x".repeat(1000) }));
const request =
  kind === "post"
    ? Buffer.concat([
        Buffer.from(
          `POST /echo HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
        ),
        body,
      ])
    : Buffer.from("GET / HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench/1\r\n\r\n");

let answered = 0;
let measuring = true;
/** Every answer has the same length: measured once, then counted in bytes. */
const answerBytes = await lengthOfOne();
const started = performance.now();
const sockets = Array.from({ length: Number(connections) }, () => {
  const socket = connect(Number(port), "127.0.0.1");
  let pending = answerBytes;
  socket.setNoDelay(true);
  socket.on("connect", () => socket.write(request));
  socket.on("data", (chunk) => {
    pending -= chunk.length;
    if (pending > 0) return;
    pending = answerBytes;
    if (!measuring) return;
    answered += 1;
    socket.write(request);
  });
  socket.on("error", (error) => {
    console.error(error.message);
    process.exit(1);
  });
  return socket;
});
setTimeout(() => {
  measuring = false;
  const seconds = (performance.now() - started) / 1000;
  console.log(JSON.stringify({ requests: answered, seconds }));
  for (const socket of sockets) socket.destroy();
}, Number(ms));

/** @returns {Promise<number>} */
function lengthOfOne() {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1");
    let text = "";
    socket.on("error", reject);
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (head < 0 || length === undefined || text.length < head + 4 + Number(length)) return;
      socket.destroy();
      resolve(text.length);
    });
  });
}
