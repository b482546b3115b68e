// A middleware for tests: `node shift-ids.mjs [N]` as a program, and a plugin. Puts 3,000,000 on every request's X-Id, drops
// those that end in 7, makes one of its own beside those that end in 3, and as a program dies when it is given its Nth line.
import { createInterface } from "node:readline";
import { isMainThread } from "node:worker_threads";

const SHIFT = 3_000_000;
const X_ID = /\r\nX-Id: (\d+)\r\n/;

/** @param {string} text */
const idIn = (text) => Number(X_ID.exec(text)?.[1] ?? "0");
/** @param {string} text @param {number} by */
const shifted = (text, by) => text.replace(X_ID, (_, id) => `\r\nX-Id: ${Number(id) + by}\r\n`);
/** @param {string} text */
const hex = (text) => Buffer.from(text, "latin1").toString("hex");

export const plugin = {
  /** @param {import("@mirrorball/server/plugin").PluginRequest} request */
  onRequest(request) {
    const id = Number(request.header("X-Id"));
    if (id % 10 === 7) return false;
    request.setHeader("X-Id", String(id + SHIFT));
    return undefined;
  },
};

function run(diesAt = Number.POSITIVE_INFINITY) {
  const lines = createInterface({ input: process.stdin });
  let count = 0;
  process.stderr.write(`middleware is process ${process.pid}\n`);
  /** @param {string} line */
  const answer = (line) => {
    const text = Buffer.from(line, "hex").toString("latin1");
    if (!text.startsWith("1 ")) return line;
    const id = idIn(text);
    if (id % 10 === 7) return "";
    const own = id % 10 === 3 ? `${hex(shifted(text.replace("1 ", "1 own-"), 2 * SHIFT))}\n` : "";
    return own + hex(shifted(text, SHIFT));
  };
  lines.on("line", (line) => {
    count += 1;
    const said = answer(line);
    if (count === diesAt) {
      // With half a line on its lips.
      process.stdout.write(said.slice(0, said.length / 2), () => process.exit(3));
      lines.close();
      process.stdin.destroy();
      return;
    }
    if (count < diesAt && said !== "") process.stdout.write(`${said}\n`);
  });
}

if (isMainThread) run(process.argv[2] === undefined ? undefined : Number(process.argv[2]));
