// @ts-check
// A load generator: keep-alive connections, one request under way on each, raw bytes. A process of its own, which lives as
// long as the application it loads, so that its own warm-up happens once.
// argv: port, connections. Each line on standard input, `KIND MILLISECONDS` (KIND: "hello" or "post"), is one block of load,
// answered by one line of JSON: requests and seconds.
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [port = "0", connections = "32"] = process.argv.slice(2);
const body = Buffer.from(JSON.stringify({ text: "x".repeat(1000) }));
/** @type {Readonly<Record<string, Buffer>>} */
const requests = {
  hello: Buffer.from("GET / HTTP/1.1\r\nHost: bench\r\nAccept: */*\r\nUser-Agent: bench/1\r\n\r\n"),
  post: Buffer.concat([
    Buffer.from(
      `POST /echo HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [kind = "hello", ms = "1000"] = line.split(" ");
  console.log(JSON.stringify(await block(requests[kind] ?? Buffer.alloc(0), Number(ms))));
}

/**
 * @param {Buffer} request
 * @param {number} ms
 * @returns {Promise<{ requests: number, seconds: number }>}
 */
async function block(request, ms) {
  // Every answer has the same length: measured once, then counted in bytes.
  const answerBytes = await lengthOfOne(request);
  let answered = 0;
  let open = Number(connections);
  const started = performance.now();
  const endsAt = started + ms;
  let measuring = true;
  setTimeout(() => (measuring = false), endsAt - performance.now());
  // Ends when the last answer is in: nothing of this block is left to the next one.
  await new Promise((resolve) => {
    for (let i = 0; i < Number(connections); i += 1) {
      const socket = connect(Number(port), "127.0.0.1");
      let pending = answerBytes;
      socket.setNoDelay(true);
      socket.on("connect", () => socket.write(request));
      socket.on("data", (chunk) => {
        pending -= chunk.length;
        if (pending > 0) return;
        pending = answerBytes;
        answered += 1;
        if (measuring) {
          socket.write(request);
          return;
        }
        socket.destroy();
        open -= 1;
        if (open === 0) resolve(undefined);
      });
      socket.on("error", (error) => {
        console.error(error.message);
        process.exit(1);
      });
    }
  });
  return { requests: answered, seconds: (performance.now() - started) / 1000 };
}

/** @param {Buffer} request @returns {Promise<number>} */
function lengthOfOne(request) {
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
