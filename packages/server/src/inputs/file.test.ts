// Replays of real files through the real engine: what arrives, in which order, and what becomes of files that are none.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { HttpMessage } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../../test/kit.ts";
import type { Ran } from "../../test/kit.ts";
import { encodeRecords } from "../core/record/encode.ts";

const fixtures = fileURLToPath(new URL("../../test/fixtures/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mirrorball-input-file-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MAX = ["--input-file-speed", "max"];
const replay = (...flags: string[]): Promise<Ran> =>
  run([], ["--input-file", ...flags, "--output-collect"]);

function request(id: string, atMs: number, body = ""): Message {
  const head =
    body === "" ? "GET / HTTP/1.1\r\n" : `POST / HTTP/1.1\r\nContent-Length: ${body.length}\r\n`;
  const http = HttpMessage.fromRaw(Buffer.from(`${head}Host: a\r\n\r\n${body}`));
  return { kind: 1, id, startedAt: 1_732_406_400_000_000 + atMs * 1000, latencyNs: 0, http };
}

let files = 0;
function file(content: readonly Message[] | Buffer | string, name = `${(files += 1)}.gor`): string {
  const path = join(folder, name);
  const isText = typeof content === "string" || Buffer.isBuffer(content);
  writeFileSync(path, isText ? content : encodeRecords(content));
  return path;
}
const ids = ({ collected }: Ran): string[] => collected.map(({ id }) => id);
const droppedOf = ({ counters }: Ran): unknown =>
  counters.inputs.find(({ name }) => name.startsWith("input-file"))?.dropped;

describe("a real gor's recording", () => {
  it.each(["shop.gor", "shop.gor.gz"])(
    "%s arrives whole and in its order of time, byte for byte",
    async (name) => {
      const ran = await replay(join(fixtures, name), ...MAX);
      expect(ran.collected).toHaveLength(48);
      expect(ran.counters.lost).toBe(0);
      const whole = readFileSync(join(fixtures, "shop.gor"));
      const records = new Set(
        whole.toString("latin1").split(Buffer.from("\n🐵🙈🙉\n").toString("latin1")),
      );
      for (const message of ran.collected) {
        const record = encodeRecords([message]).toString("latin1").slice(0, -14);
        expect(records.has(record)).toBe(true);
      }
    },
  );
});

// Recorded by a gor behind another gor's `--output-tcp`: its TCP input leaves a line feed behind each message.
describe("a recording of what came to a gor over TCP", () => {
  it("holds the requests that were sent, without another body", async () => {
    const sent = await replay(join(fixtures, "shop.gor"), ...MAX);
    const came = await replay(join(fixtures, "shop.input-tcp.gor"), ...MAX);
    const requests = came.collected.filter(({ kind }) => kind === 1);
    expect(requests).toHaveLength(21);
    for (const { id, http } of requests) {
      const original = sent.collected.find((message) => message.kind === 1 && message.id === id);
      expect(http.raw).toHaveLength((original?.http.raw.length ?? 0) + 1);
      expect(http.head).toEqual(original?.http.head);
      expect(http.body).toEqual(original?.http.body);
      expect(http.bodyComplete).toBe(true);
    }
  });
});

describe("order", () => {
  it("of several files is that of time, and of equal times that of names", async () => {
    file([request("a0", 0), request("a2", 20), request("a4", 40)], "m_0.gor");
    file([request("b1", 10), request("b2", 20), request("b3", 30)], "m_1.gor");
    file(gzipSync(encodeRecords([request("c5", 50)])), "m_2.gor.gz");
    const ran = await replay(join(folder, "m_*"), ...MAX);
    expect(ids(ran)).toEqual(["a0", "b1", "a2", "b2", "b3", "a4", "c5"]);
  });

  it("is that of every digit of their times, within a file and between files", async () => {
    const at = (id: string, startedAt: bigint): Message => ({ ...request(id, 0), startedAt });
    for (const base of [1_000_000_000_000_000_000n, BigInt(Date.now()) * 1_000_000n]) {
      const second = 999_999_999n;
      file([at("3", base + 3n), at("1", base + 1n), at("4", base + second + 2n)], "ns_0.gor");
      file([at("2", base + 2n), at("5", base + second + 3n)], "ns_1.gor");
      expect(ids(await replay(join(folder, "ns_*"), ...MAX))).toEqual(["1", "2", "3", "4", "5"]);
    }
  });

  it("within a file is put right as far as the depth reaches", async () => {
    const path = file([3, 1, 2, 0, 5].map((at) => request(String(at), at)));
    expect(ids(await replay(path, ...MAX))).toEqual(["0", "1", "2", "3", "5"]);
    const shallow = await replay(path, ...MAX, "--input-file-read-depth", "1");
    expect(ids(shallow)).toEqual(["3", "1", "2", "0", "5"]);
  });

  it("holds over a recording of many parts", async () => {
    for (let part = 0; part < 300; part += 1) {
      const messages = Array.from({ length: 5 }, (_, i) =>
        request(`p${part * 5 + i}`, part * 5 + i),
      );
      file(messages, `parts_${part}.gor`);
    }
    const ran = await replay(join(folder, "parts_*.gor"), ...MAX);
    expect(ids(ran)).toEqual(Array.from({ length: 1500 }, (_, i) => `p${i}`));
  });
});

describe("the schedule", () => {
  it("takes as long as was recorded, divided by the speed, with gaps capped", async () => {
    const path = file([0, 100, 10_000_000, 10_000_100].map((at) => request(String(at), at)));
    const before = performance.now();
    const ran = await run(
      [],
      ["--input-file", `${path}|200%`, "--input-file-max-wait", "100ms", "--output-collect"],
    );
    // 50 + 100 + 50 ms; how much later on a loaded machine is not this test's business.
    expect(performance.now() - before).toBeGreaterThanOrEqual(198);
    expect(ids(ran)).toHaveLength(4);
  });

  it("keeps a rate", async () => {
    const path = file(Array.from({ length: 21 }, (_, i) => request(String(i), 0)));
    const before = performance.now();
    await replay(path, "--input-file-rate", "100/s");
    expect(performance.now() - before).toBeGreaterThanOrEqual(198);
  });

  it("does not wait at |0%", async () => {
    const path = file([request("a", 0), request("b", 1e9)]);
    expect(ids(await replay(`${path}|0%`))).toEqual(["a", "b"]);
  });

  it("limits requests a second behind |N", async () => {
    const path = file(Array.from({ length: 50 }, (_, i) => request(String(i), 0)));
    const ran = await replay(`${path}|10`);
    expect(ids(ran)).toHaveLength(10);
    expect(ran.counters.lost).toBe(0);
  });

  it("refuses a rate and a speed together", async () => {
    const path = file([request("a", 0)]);
    await expect(replay(path, ...MAX, "--input-file-rate", "5")).rejects.toThrow(/give no speed/);
  });
});

describe("what cannot be read", () => {
  const good = [request("a", 0), request("b", 1, "body\n"), request("c", 2)];
  const bytes = encodeRecords(good);

  it("a pattern without a match is an error", async () => {
    await expect(replay(join(folder, "none-*.gor"))).rejects.toThrow(/no file matches .*none-/);
    await expect(replay(join(folder, "absent.gor"))).rejects.toThrow(/no file matches/);
    await expect(replay(`${folder}/[`)).rejects.toThrow(/malformed/);
  });

  it("a directory, or a file without permission, is an error before anything is sent", async () => {
    mkdirSync(join(folder, "directory"), { recursive: true });
    await expect(replay(join(folder, "directory"))).rejects.toThrow(/it is a directory/);
    const path = file(good);
    chmodSync(path, 0);
    // Nothing is forbidden to root.
    if (process.getuid?.() !== 0) await expect(replay(path)).rejects.toThrow(/permission denied/);
  });

  it("an empty file is told and costs nothing", async () => {
    const ran = await replay(file(""), ...MAX);
    expect(ran.counters.lost).toBe(0);
    expect(ran.log.join("\n")).toMatch(/is empty/);
  });

  it("a record that breaks off is counted, those before it arrive", async () => {
    for (const cut of [bytes.length - 20, bytes.length - 60]) {
      const ran = await replay(file(bytes.subarray(0, cut)), ...MAX);
      expect(ids(ran)).toEqual(["a", "b"]);
      expect(droppedOf(ran)).toEqual({ "cut-off-record": 1 });
      expect(ran.log.join("\n")).toMatch(/without its end at byte \d+/);
    }
  });

  it("a last record without a separator arrives", async () => {
    const ran = await replay(file(bytes.subarray(0, bytes.length - 14)), ...MAX);
    expect(ids(ran)).toEqual(["a", "b", "c"]);
    expect(ran.counters.lost).toBe(0);
  });

  it("binary bytes, text and pictures are counted", async () => {
    for (const noise of [
      Buffer.alloc(300_000, 0x80),
      Buffer.from("hello\n"),
      readFileSync(process.execPath).subarray(0, 500_000),
    ]) {
      const ran = await replay(file(noise), ...MAX);
      expect(ids(ran)).toEqual([]);
      expect(droppedOf(ran)).toEqual({ "bad-record": 1 });
      expect(ran.log.join("\n")).toMatch(/does not begin like a recording/);
    }
  });

  it("garbage between records costs only itself", async () => {
    const garbage = Buffer.from("rubbish\n\n🐵🙈🙉\n");
    const ran = await replay(
      file(Buffer.concat([bytes, garbage, encodeRecords([request("d", 3)])])),
      ...MAX,
    );
    expect(ids(ran)).toEqual(["a", "b", "c", "d"]);
    expect(droppedOf(ran)).toEqual({ "bad-record": 1 });
  });

  it("a file with CR LF line ends arrives", async () => {
    const text = bytes.toString("latin1").replace(/\r?\n/g, "\r\n");
    const ran = await replay(file(Buffer.from(text, "latin1")), ...MAX);
    expect(ids(ran)).toEqual(["a", "b", "c"]);
    expect(ran.counters.lost).toBe(0);
  });

  it("a body of 100 MB arrives", async () => {
    const large = request("large", 5, "x".repeat(100_000_000));
    const ran = await replay(file([...good, large, request("z", 6)], "large.gor"), ...MAX);
    expect(ids(ran)).toEqual(["a", "b", "c", "large", "z"]);
    expect(ran.collected[3]?.http.body.length).toBe(100_000_000);
    rmSync(join(folder, "large.gor"));
  });

  it("the same file twice is played twice", async () => {
    const path = file(good);
    const ran = await replay(path, "--input-file", path, ...MAX);
    expect(ids(ran).toSorted()).toEqual(["a", "a", "b", "b", "c", "c"]);
  });
});

const SEPARATOR = Buffer.from("\n🐵🙈🙉\n").toString("latin1");
const recordsIn = (content: Buffer): number =>
  content.toString("latin1").split(SEPARATOR).length - 1;

describe("gzip", () => {
  const messages = Array.from({ length: 4000 }, (_, i) => request(String(i), i, `${Math.sin(i)}`));
  const bytes = encodeRecords(messages);
  const members = Buffer.concat([
    gzipSync(bytes.subarray(0, 100_000)),
    gzipSync(bytes.subarray(100_000)),
  ]);

  it("of many members, whatever its name, arrives", async () => {
    const ran = await replay(file(members, "members.gor"), ...MAX);
    expect(ids(ran)).toEqual(messages.map(({ id }) => id));
  });

  it("that is none, under such a name, is read as what it is", async () => {
    expect(ids(await replay(file(bytes, "plain.gor.gz"), ...MAX))).toHaveLength(4000);
  });

  it("that breaks off gives all there was, and one loss told", async () => {
    const compressed = gzipSync(bytes);
    for (const cut of [compressed.length - 3, Math.floor(compressed.length / 2), 2000]) {
      const torn = compressed.subarray(0, cut);
      const ran = await replay(file(torn), ...MAX);
      const whole = recordsIn(gunzipSync(torn, { finishFlush: 2 }));
      expect(ids(ran).length).toBeGreaterThanOrEqual(whole);
      expect(ran.counters.lost).toBeGreaterThan(0);
      expect(droppedOf(ran)).toMatchObject({ "bad-gzip": 1 });
    }
  });

  it("that is damaged gives everything before the place", async () => {
    const compressed = Buffer.from(gzipSync(bytes));
    // A block of a type that does not exist cannot be made by flipping a bit anywhere; the trailer's checksum can.
    compressed[compressed.length - 6] = (compressed[compressed.length - 6] ?? 0) ^ 1;
    const ran = await replay(file(compressed), ...MAX);
    expect(ids(ran)).toHaveLength(4000);
    expect(droppedOf(ran)).toEqual({ "bad-gzip": 1 });
    const middle = Buffer.from(gzipSync(bytes));
    middle.fill(0xff, 30_000, 30_100);
    const other = await replay(file(middle), ...MAX, "--input-file-read-depth", "1");
    // Behind the place, noise may still read as something.
    const intact = recordsIn(gunzipSync(middle.subarray(0, 30_000), { finishFlush: 2 }));
    expect(intact).toBeGreaterThan(500);
    expect(ids(other).slice(0, intact)).toEqual(messages.slice(0, intact).map(({ id }) => id));
    expect(droppedOf(other)).toMatchObject({ "bad-gzip": 1 });
  });

  it("with rubbish behind it gives all and tells of the rest", async () => {
    const ran = await replay(file(Buffer.concat([members, Buffer.from("rubbish")])), ...MAX);
    expect(ids(ran)).toHaveLength(4000);
    expect(droppedOf(ran)).toEqual({ "bad-gzip": 1 });
  });
});

describe("a loop", () => {
  it("over nothing ends", async () => {
    const ran = await replay(file("\n"), "--input-file-loop", ...MAX);
    expect(ran.log.join("\n")).toMatch(/nothing to repeat/);
  });
});
