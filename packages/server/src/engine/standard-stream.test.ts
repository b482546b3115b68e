// Standard output and error that cannot be written: nothing throws, what is lost is counted, and a slow reader costs bounded memory.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, it, onTestFinished } from "vitest";
import { StandardStream } from "./standard-stream.ts";

/** What Node makes of a pipe, as far as it matters: a write fails by its callback and by an event, and the next one is tried. */
class Pipe {
  fault: string | undefined;
  text = "";
  /** Set: nothing is taken until it is called. */
  held: (() => void)[] | undefined;
  readonly stream: Writable;
  readonly under: StandardStream;

  constructor() {
    this.stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (this.held === undefined) this.text += chunk.toString();
        else this.held.push(done);
        if (this.held === undefined) done();
      },
    });
    const { stream } = this;
    const { write } = stream;
    stream.write = ((chunk: Buffer, done: (error?: Error | null) => void): boolean => {
      if (this.fault === undefined) return write.call(stream, chunk, "utf8", done);
      const error = Object.assign(new Error(this.fault), { code: this.fault });
      queueMicrotask(() => {
        done(error);
        stream.emit("error", error);
      });
      return true;
    }) as typeof stream.write;
    // No descriptor of this number is a file.
    this.under = new StandardStream(socketDescriptor(), () => stream);
  }
}

/** Something that is neither file nor device. */
function socketDescriptor(): number {
  const fd = openSync(tmpdir(), "r");
  onTestFinished(() => closeSync(fd));
  return fd;
}

it("tells who wrote bytes what became of them", async () => {
  const pipe = new Pipe();
  expect(await pipe.under.write("one\n")).toBeUndefined();
  pipe.fault = "EPIPE";
  expect(await pipe.under.write("two\n")).toEqual({ code: "EPIPE", bytesWritten: 0 });
  pipe.fault = undefined;
  expect(await pipe.under.write("three\n")).toBeUndefined();
  expect(pipe.text).toBe("one\nthree\n");
});

it.each([
  ["ENOSPC", "the disk is full"],
  ["EPIPE", "its reader has gone"],
  ["EIO", "the disk or the terminal behind it does not work"],
  ["EAGAIN", "EAGAIN"],
])("counts the lines that %s took, and tells of them when it is over", async (code, words) => {
  const pipe = new Pipe();
  pipe.under.say("before\n");
  pipe.fault = code;
  pipe.under.say("lost\nand lost\n");
  await pipe.under.flushed(1000);
  pipe.under.say("lost, too\n");
  await pipe.under.flushed(1000);
  pipe.fault = undefined;
  pipe.under.say("behind\n");
  expect(await pipe.under.flushed(1000)).toBe(true);
  expect(pipe.text).toBe(
    `before\nmirrorball: 3 lines are missing from this log: it could not be written: ${words}\nbehind\n`,
  );
});

it("keeps a megabyte for a reader that stands still, and leaves out the rest", async () => {
  const pipe = new Pipe();
  pipe.held = [];
  const line = `${"x".repeat(1023)}\n`;
  for (let i = 0; i < 2000; i += 1) pipe.under.say(line);
  expect(await pipe.under.flushed(1)).toBe(false);
  expect(pipe.stream.writableLength).toBe(1025 * 1024);
  const { held } = pipe;
  pipe.held = undefined;
  for (const done of held) done();
  await pipe.under.flushed(1000);
  pipe.under.say("behind\n");
  await pipe.under.flushed(1000);
  expect(pipe.text).toMatch(
    /^(?:x{1023}\n){1024}mirrorball: 975 lines are missing .*too slow\nbehind\n$/,
  );
});

it("writes all of a file, though a single call takes less", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const fd = openSync(join(folder, "out"), "w");
  onTestFinished(() => closeSync(fd));
  const stream = new StandardStream(fd, () => new Writable());
  expect(await stream.write(Buffer.alloc(5_000_000, "x"))).toBeUndefined();
  expect(readFileSync(join(folder, "out")).length).toBe(5_000_000);
});

it("a stream that was closed before us takes nothing and harms nothing", async () => {
  const stream = new StandardStream(2, () => {
    throw new Error("EBADF");
  });
  stream.say("a line\n");
  expect(await stream.write("bytes")).toEqual({ code: "EBADF", bytesWritten: 0 });
  expect(stream.isTerminal).toBe(false);
});
