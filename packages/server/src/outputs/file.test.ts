// Files as they lie on disk after a run: names, chunks, limits, appending, and what a failing disk costs.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { HttpMessage, MessageKind } from "@mirrorball/protocol";
import type { Message } from "@mirrorball/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { get, responseTo, run } from "../../test/kit.ts";
import type { Ran } from "../../test/kit.ts";
import { RecordDecoder } from "../core/record/decode.ts";
import { encodeRecords } from "../core/record/encode.ts";
import { chunkPath, nextChunkIndex } from "./file/chunk-name.ts";
import { NameTemplate } from "./file/template.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-output-file-"));
  folders.push(folder);
  return folder;
}

const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, i) => get(`/${i}`));
const store = (batch: readonly Message[], path: string, ...flags: string[]): Promise<Ran> =>
  run(batch, ["--output-file", path, ...flags]);

function idsIn(path: string): string[] {
  const out = { messages: [] as Message[], timesNs: [] };
  const decoder = new RecordDecoder({ skipped: (...told) => expect(told).toEqual([]) });
  const bytes = readFileSync(path);
  decoder.push(path.endsWith(".gz") ? gunzipSync(bytes) : bytes, out);
  decoder.end(out);
  return out.messages.map(({ id }) => id);
}
const idsOf = (batch: readonly Message[]): string[] => batch.map(({ id }) => id);

describe("names", () => {
  const us = new Date(2026, 10, 4, 7, 8, 9, 123).getTime() * 1000 + 456;
  const name = (template: string, message?: Message): string =>
    new NameTemplate(template, () => 0.5).nameFor(message, us);

  it("have gor's variables, in local time, the longest first", () => {
    expect(name("%Y-%m-%d/%H%M%S.gor")).toBe("2026-11-04/070809.gor");
    expect(name("%NS-%S%S.gor")).toBe("123456000-0909.gor");
    expect(name("./a%i.gor")).toBe("annnnnnnn.gor");
    expect(name("100%.gor")).toBe("100%.gor");
  });

  it("tell the type with and without the id", () => {
    const request = get("/");
    expect(name("%t.gor", request)).toBe("1.gor");
    expect(name("%r_%t.gor", responseTo(request, "HTTP/1.1 200 OK\r\n\r\n"))).toBe(
      `${request.id}_2.gor`,
    );
  });

  it("stay in their folder, whatever an id says", () => {
    expect(name("d/%r.gor", { ...get("/"), id: "../../etc/passwd" })).toBe("d/__.._etc_passwd.gor");
    expect(name("d/%r.gor", { ...get("/"), id: ".." })).toBe("d/_.gor");
  });

  it.each([
    ["/tmp/logs", 0, "/tmp/logs_0"],
    ["/tmp/logs", 12, "/tmp/logs_12"],
    ["/tmp/logs.gor", 1, "/tmp/logs_1.gor"],
    ["/tmp/logs.gz", 10, "/tmp/logs_10.gz"],
    ["/tmp/logs.gor.gz", 2, "/tmp/logs.gor_2.gz"],
    ["/tmp/logs_2024.gor", 0, "/tmp/logs_2024_0.gor"],
    ["logs.gor", 0, "logs_0.gor"],
  ])("%s, chunk %i: %s", (path, index, expected) => {
    expect(chunkPath(path, index)).toBe(expected);
    expect(nextChunkIndex(path, [basename(expected)])).toBe(index + 1);
  });

  it("continue by number, and with no other capture's", () => {
    expect(nextChunkIndex("r.gor", ["r_2.gor", "r_10.gor", "r_9.gor"])).toBe(11);
    expect(
      nextChunkIndex("r.gor", [
        "requests_7.gor",
        "r_7.gor.bak",
        "r_x.gor",
        "r_.gor",
        "r.gor",
        "r_2024_7.gor",
      ]),
    ).toBe(0);
  });
});

describe("chunks", () => {
  it("change after so many records", async () => {
    const folder = newFolder();
    const batch = messages(10);
    await store(batch, join(folder, "r.gor"), "--output-file-queue-limit", "4");
    expect(readdirSync(folder)).toEqual(["r_0.gor", "r_1.gor", "r_2.gor"]);
    expect([0, 1, 2].flatMap((n) => idsIn(join(folder, `r_${n}.gor`)))).toEqual(idsOf(batch));
    expect(idsIn(join(folder, "r_0.gor"))).toHaveLength(4);
  });

  it("change after 256 records unless told otherwise", async () => {
    const folder = newFolder();
    await store(messages(257), join(folder, "r.gor"));
    expect(idsIn(join(folder, "r_0.gor"))).toHaveLength(256);
    await store(messages(300), join(folder, "s.gor"), "--output-file-queue-limit", "0");
    expect(idsIn(join(folder, "s_0.gor"))).toHaveLength(300);
  });

  it("change when the size is reached, one record beyond it at most", async () => {
    const folder = newFolder();
    const batch = messages(100);
    const recordBytes = encodeRecords(batch.slice(99)).length;
    await store(batch, join(folder, "r.gor"), "--output-file-size-limit", "2kb");
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    expect(sizes.length).toBeGreaterThan(4);
    for (const size of sizes) expect(size).toBeLessThan(2048 + recordBytes);
    // The last one may be anything.
    expect(sizes.filter((size) => size < 2048).length).toBeLessThanOrEqual(1);
  });

  it("continue behind the highest, and overwrite nothing", async () => {
    const folder = newFolder();
    for (const name of ["r_0.gor", "r_7.gor", "requests_9.gor"])
      writeFileSync(join(folder, name), "kept");
    await store(messages(1), join(folder, "r.gor"));
    expect(idsIn(join(folder, "r_8.gor"))).toHaveLength(1);
    for (const name of ["r_0.gor", "r_7.gor", "requests_9.gor"])
      expect(readFileSync(join(folder, name), "utf8")).toBe("kept");
  });

  it("are for the owner only", async () => {
    const folder = newFolder();
    await store(messages(1), join(folder, "r.gor"));
    await store(messages(1), join(folder, "a.gor"), "--output-file-append");
    for (const name of readdirSync(folder))
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });
});

describe("a file a request", () => {
  it("holds its response too, however many others were between", async () => {
    const folder = newFolder();
    const requests = messages(300);
    const responses = requests.map((message) => responseTo(message, "HTTP/1.1 200 OK\r\n\r\n"));
    await store([...requests, ...responses], join(folder, "%r.gor"));
    expect(readdirSync(folder)).toHaveLength(300);
    for (const { id } of requests) expect(idsIn(join(folder, `${id}_0.gor`))).toEqual([id, id]);
  });

  it("or a type, compressed", async () => {
    const folder = newFolder();
    const requests = messages(20);
    const responses = requests.map((message) => responseTo(message, "HTTP/1.1 200 OK\r\n\r\n"));
    const mixed = requests.flatMap((request, i) => [request, responses[i] ?? request]);
    await store(mixed, join(folder, "%t.gz"));
    expect(readdirSync(folder)).toEqual(["1_0.gz", "2_0.gz"]);
    expect(idsIn(join(folder, "1_0.gz"))).toEqual(idsOf(requests));
    expect(idsIn(join(folder, "2_0.gz"))).toEqual(idsOf(requests));
  });
});

describe("appending", () => {
  it("keeps what is there, in exactly this file, whatever the limits", async () => {
    const folder = newFolder();
    for (const name of ["r.gor", "r.gz"]) {
      const path = join(folder, name);
      const [first, second] = [messages(300), messages(2)];
      await store(first, path, "--output-file-append");
      await store(second, path, "--output-file-append");
      expect(idsIn(path)).toEqual(idsOf([...first, ...second]));
    }
    expect(readdirSync(folder)).toEqual(["r.gor", "r.gz"]);
  });

  it("ends the record that a crash left open, so that it swallows no other", async () => {
    const path = join(newFolder(), "r.gor");
    const [first, second] = [messages(2), messages(1)];
    writeFileSync(path, encodeRecords(first).subarray(0, -30));
    await store(second, path, "--output-file-append");
    expect(idsIn(path)).toEqual(idsOf([...first, ...second]));
  });
});

describe("the total limit", () => {
  it("drops and counts what comes after it, and costs the neighbours nothing", async () => {
    const folder = newFolder();
    const batch = messages(50);
    const ran = await run(batch, [
      "--output-file",
      join(folder, "r.gor"),
      "--output-file-max-size-limit",
      "1kb",
      "--output-collect",
    ]);
    const [file] = ran.counters.outputs;
    expect(file?.delivered).toBe(idsIn(join(folder, "r_0.gor")).length);
    expect(file?.dropped).toEqual({ "max-size": 50 - (file?.delivered ?? 0) });
    expect(statSync(join(folder, "r_0.gor")).size).toBeGreaterThanOrEqual(1024);
    expect(ran.collected).toHaveLength(50);
    expect(ran.discrepancies).toEqual([0, 0]);
    expect(ran.log.join("\n")).toMatch(/max-size-limit is reached/);
  });
});

describe("what cannot be written", () => {
  it("a missing directory is an error that names it, variables or not", async () => {
    const folder = newFolder();
    for (const path of ["none/r.gor", "none/%Y.gor", "none/%r.gor"]) {
      await expect(store([], join(folder, path))).rejects.toThrow(
        /directory .*none does not exist/,
      );
    }
    writeFileSync(join(folder, "plain"), "");
    await expect(store([], join(folder, "plain/r.gor"))).rejects.toThrow(/not a directory/);
  });

  it("a directory in the place of the file is an error", async () => {
    await expect(store([], newFolder(), "--output-file-append")).rejects.toThrow(
      /it is a directory/,
    );
  });

  it.runIf(existsSync("/dev/full"))("a full disk is told once and counted", async () => {
    const ran = await run(
      messages(30),
      ["--output-file", "/dev/full", "--output-file-append", "--output-collect"],
      { batch: 5 },
    );
    expect(ran.counters.outputs[0]?.failed).toEqual({ "disk-full": 30 });
    expect(ran.collected).toHaveLength(30);
    expect(ran.log.filter((line) => line.includes("the disk is full"))).toHaveLength(1);
  });
});

describe("bodies", () => {
  it("of messages in parts and in bytes are stored as they go over the wire", async () => {
    const path = join(newFolder(), "r.gor");
    const head = {
      method: "POST",
      target: "/",
      version: "HTTP/1.1",
      headers: ["Content-Length", "100000"],
    };
    const parts: Message = {
      kind: MessageKind.request,
      id: "parts",
      startedAt: 1,
      latencyNs: undefined,
      http: HttpMessage.fromParts(head, Buffer.alloc(100_000, 0x61)),
    };
    await store([parts], path, "--output-file-append");
    const text = readFileSync(path, "latin1");
    expect(text).toMatch(
      /^1 parts 1000\nPOST \/ HTTP\/1\.1\r\nContent-Length: 100000\r\n\r\na{100000}\n/,
    );
  });
});
