// A middleware in many moods, for tests: `node middleware.mjs MOOD [N]`. Speaks gor's hex lines.
import { closeSync } from "node:fs";
import { createInterface } from "node:readline";

const [mood, number = "0"] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
/** @param {string} line */
const say = (line) => process.stdout.write(`${line}\n`);
/** @param {string} line */
const text = (line) => Buffer.from(line, "hex").toString("latin1");
/** @param {string} text */
const hex = (text) => Buffer.from(text, "latin1").toString("hex");
let count = 0;
/** @type {string[]} */
const kept = [];

/** @type {Record<string, (line: string) => void>} */
const moods = {
  /** Leaves out what has `drop` in it. */
  drops: (line) => text(line).includes("drop") || say(line),
  /** Upper case and CR LF. */
  shouts: (line) => process.stdout.write(`${line.toUpperCase()}\r\n\n`),
  /** A header, a second copy, and a message of its own. */
  adds: (line) => {
    say(hex(text(line).replace("\r\n", "\r\nX-Seen: yes\r\n")));
    say(line);
    say(hex(`1 own${count} 1000 0\nGET /own HTTP/1.1\r\n\r\n`));
  },
  /** Rubbish around every message. */
  stammers: (line) => {
    say("abc");
    say("not hex!");
    say(hex("no meta line\n\n"));
    say(line);
  },
  /** Dies when it is given its Nth message, with half a line on its lips. */
  dies: (line) => {
    if (count < Number(number)) {
      say(line);
    } else {
      process.stdout.write(line.slice(0, -6), () => process.exit(3));
      lines.close();
    }
  },
  /** Dies of what has `poison` in it; drops what has `drop` in it. */
  sickens: (line) => {
    if (text(line).includes("poison")) process.exit(3);
    if (!text(line).includes("drop")) say(line);
  },
  /** Closes its output but lives on. */
  mutes: () => count === 1 && closeSync(1),
  /** Says everything when it is told that nothing more comes. */
  hoards: (line) => void kept.push(line),
  /** Echoes, and never ends by itself, as programs made with gor's library. */
  lingers: say,
  /** Gives nothing back, ever. */
  swallows: () => {},
  /** Takes its time. */
  dawdles: (line) => {
    lines.pause();
    setTimeout(() => {
      say(line);
      lines.resume();
    }, Number(number));
  },
};
const act = moods[mood ?? ""];
if (act === undefined) throw new Error(`there is no mood ${mood}`);
if (mood === "lingers" || mood === "mutes") setInterval(() => {}, 1000);
process.stderr.write(`mood ${mood}\n`);
lines.on("line", (line) => {
  count += 1;
  act(line);
});
lines.on("close", () => {
  for (const line of kept) say(line);
});
