// `mirrorball compare` as people and CI run it: exit codes, what it says of bad input, and that it never says "same" without having looked.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mirrorball, root } from "./processes.ts";
import { Wire } from "../../server/test/pcap-kit.ts";

const SEPARATOR = "\n🐵🙈🙉\n";
const COUNT = 12;
let directory = "";
const servers: Server[] = [];

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "mirrorball-compare-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const file = (name: string): string => join(directory, name);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function target(handler: Handler): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    handler(request, response);
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked: () => asked };
}

/** An address where nobody listens. */
async function nobody(): Promise<string> {
  const { url } = await target(() => {});
  await new Promise((closed) => servers.pop()?.close(closed));
  return url;
}

const bodyOf = (i: number): string => JSON.stringify({ name: `thing ${i}`, price: i * 10 });
const good: Handler = ({ url = "" }, response) => {
  response.setHeader("Content-Type", "application/json");
  response.end(bodyOf(Number(url.split("/").at(-1))));
};
const wrong: Handler = ({ url = "" }, response) => {
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify({ name: `thing ${url.split("/").at(-1)}` }));
};

interface Recorded {
  readonly responses?: boolean;
  readonly body?: (i: number) => string;
  readonly count?: number;
}

function recording(
  name: string,
  { responses = true, body = bodyOf, count = COUNT }: Recorded = {},
): string {
  let text = "";
  for (let i = 0; i < count; i += 1) {
    const id = `${i}`.padStart(24, "a");
    const at = 1_732_406_400_000_000_000n + BigInt(i) * 1_000_000n;
    text += `1 ${id} ${at} 0\nGET /things/${i} HTTP/1.1\r\nHost: shop\r\n\r\n${SEPARATOR}`;
    const answer = body(i);
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(answer)}\r\n\r\n`;
    if (responses) text += `2 ${id} ${at + 500_000n} 0\n${head}${answer}${SEPARATOR}`;
  }
  const path = file(name);
  writeFileSync(path, text);
  return path;
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function compare(...words: string[]): Promise<Ran> {
  const program = mirrorball("compare", ...words);
  const code = await program.ended;
  return { code, ...program.out };
}

describe("a build that answers as recorded", () => {
  it("is the same: exit 0, and every report says so", async () => {
    const { url } = await target(good);
    const reports = ["json", "html", "xml", "md"].map((ending) => file(`same.${ending}`));
    const ran = await compare(
      recording("same.gor"),
      "--target",
      url,
      ...reports.flatMap((name) => ["--report", name]),
    );
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining(`SAME`) });
    const report: unknown = JSON.parse(readFileSync(file("same.json"), "utf8"));
    expect(report).toMatchObject({
      schema: "mirrorball.compare/1",
      verdict: "same",
      exchanges: {
        sent: COUNT,
        compared: COUNT,
        statusAlike: COUNT,
        unpaired: 0,
        failed: 0,
        setAside: 0,
        skipped: {},
      },
    });
    expect(readFileSync(file("same.xml"), "utf8")).toContain('failures="0" errors="0"');
  });
});

describe("a build that answers otherwise", () => {
  it("is different: exit 3, with the place", async () => {
    const { url } = await target(wrong);
    const ran = await compare(
      recording("wrong.gor"),
      "--target",
      url,
      "--report",
      file("wrong.json"),
      "--report",
      file("wrong.xml"),
    );
    expect(ran.code).toBe(3);
    expect(ran.stdout).toContain("DIFFERENT");
    expect(JSON.parse(readFileSync(file("wrong.json"), "utf8"))).toMatchObject({
      verdict: "different",
      endpoints: [
        {
          differences: [
            { part: "body", path: "$.price", kind: "missing", count: COUNT, of: COUNT },
          ],
        },
      ],
    });
    expect(readFileSync(file("wrong.xml"), "utf8")).toContain("<failure");
  });

  it("says how to see each example again: both commands work as they are pasted", async () => {
    const { url, asked } = await target(wrong);
    const report = file("again.json");
    await compare(recording("it's again.gor"), "--target", url, "--report", report);
    const example = JSON.parse(readFileSync(report, "utf8")).endpoints[0].differences[0]
      .examples[0];
    const { curl, mirrorball: own } = example.replay;
    const bin = `node ${JSON.stringify(join(root, "packages/cli/bin/mirrorball.mjs"))} `;
    const before = asked();
    const shell = async (command: string): Promise<Ran> => {
      const child = execFile("/bin/sh", ["-c", command]);
      let [stdout, stderr] = ["", ""];
      child.stdout?.on("data", (text: string) => (stdout += text));
      child.stderr?.on("data", (text: string) => (stderr += text));
      const code = await new Promise<number | null>((ended) => child.once("close", ended));
      return { code, stdout, stderr };
    };
    expect((await shell(curl)).stdout).toContain('{"name":"thing');
    expect(asked()).toBe(before + 1);
    const again = await shell(own.replace("mirrorball ", bin));
    expect(again).toMatchObject({ code: 3, stdout: expect.stringContaining("$.price") });
    expect(again.stdout).toContain("1 exchange compared");
    const none = await compare(recording("again.gor"), "--target", url, "--only", "nobody");
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("--only: no recorded") });
  });

  it("counts only what --fail-on names", async () => {
    const { url } = await target(wrong);
    const ran = await compare(
      recording("fail-on.gor"),
      "--target",
      url,
      "--fail-on",
      "status,leak",
    );
    expect(ran.code).toBe(0);
  });

  it("is found between two recordings, too", async () => {
    const [a, b] = [
      recording("a.gor"),
      recording("b.gor", { body: (i) => JSON.stringify({ name: `thing ${i}` }) }),
    ];
    expect((await compare(a, a)).code).toBe(0);
    const ran = await compare(a, b);
    expect(ran).toMatchObject({ code: 3, stdout: expect.stringContaining("$.price") });
  });
});

describe("a packet capture as the recording", () => {
  /** The same exchanges as `recording` has, on one connection. */
  function captured(name: string, count = COUNT): string {
    const wire = new Wire();
    const connection = wire.connect();
    for (let i = 0; i < count; i += 1) {
      const answer = bodyOf(i);
      connection.client(`GET /things/${i} HTTP/1.1\r\nHost: shop\r\n\r\n`);
      connection.server(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${answer.length}\r\n\r\n${answer}`,
      );
    }
    connection.close();
    const path = file(name);
    writeFileSync(path, wire.bytes());
    return path;
  }

  it("is replayed and compared as any other, by its name, a pattern, and with a port", async () => {
    const path = captured("wire.pcap");
    const { url } = await target(good);
    for (const name of [path, file("wi*.pcap"), `${path}:80`]) {
      const ran = await compare(name, "--target", url, "--speed", "100%");
      expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("SAME") });
      expect(ran.stdout).toContain(`${COUNT} exchanges compared`);
    }
    const ran = await compare(path, "--target", (await target(wrong)).url);
    expect(ran).toMatchObject({ code: 3, stdout: expect.stringContaining("$.price") });
    expect((await compare(path, recording("beside-wire.gor"))).code).toBe(0);
  });

  it("that is cut, is of another port or is not there is never the same", async () => {
    const path = captured("whole.pcap");
    const cut = file("cut.pcap");
    writeFileSync(cut, readFileSync(path).subarray(0, -700));
    const { url } = await target(good);
    const damaged = await compare(cut, "--target", url);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain("cut.pcap");
    const other = await compare(`${path}:9`, "--target", url);
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("no exchange was compared"),
    });
    const absent = await compare(file("absent.pcap"), "--target", url);
    expect(absent.code).toBe(1);
    expect(absent.stderr).toContain("absent.pcap");
  });
});

describe("never the same", () => {
  it("with a target that is down", async () => {
    const ran = await compare(recording("down.gor"), "--target", await nobody());
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain(`INCONCLUSIVE`);
    expect(ran.stdout).toContain(`${COUNT} requests got no answer`);
    expect(ran.stderr).toContain("refused");
  });

  it("with a recording that has no responses: it says what would help", async () => {
    const { url } = await target(good);
    const ran = await compare(recording("bare.gor", { responses: false }), "--target", url);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toContain("the recording has no responses");
    expect(ran.stdout).toContain("--control URL");
  });

  it("with a control that is down", async () => {
    const { url } = await target(good);
    for (const responses of [true, false]) {
      const ran = await compare(
        recording("lone.gor", { responses }),
        "--target",
        url,
        "--control",
        await nobody(),
      );
      expect(ran.code).toBe(1);
      expect(ran.stdout).not.toContain("SAME");
      expect(ran.stdout).toContain("the control gave no answer");
    }
  });

  it("with an empty recording", async () => {
    const { url } = await target(good);
    const ran = await compare(recording("empty.gor", { count: 0 }), "--target", url);
    expect(ran).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("no exchange was compared"),
    });
  });

  it("when it was interrupted", async () => {
    const held = await target(() => {});
    const program = mirrorball("compare", recording("cut.gor"), "--target", held.url);
    await expect.poll(held.asked, { timeout: 20_000 }).toBeGreaterThan(0);
    program.child.kill("SIGINT");
    expect(await program.ended).toBe(1);
    expect(program.out.stderr).toContain("only a part of the recording was compared");
  });
});

describe("bodies that are not what their type says", () => {
  it("are compared as what they are", async () => {
    const body = (i: number): string => `{broken ${i}`;
    const lies = await target(({ url = "" }, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(body(Number(url.split("/").at(-1))));
    });
    const path = recording("lies.gor", { body });
    expect((await compare(path, "--target", lies.url)).code).toBe(0);
    expect((await compare(path, "--target", (await target(good)).url)).code).toBe(3);
  });
});

describe("with a control", () => {
  it("a recording without responses is enough", async () => {
    const path = recording("requests.gor", { responses: false });
    const control = await target(good);
    const same = await compare(
      path,
      "--target",
      (await target(good)).url,
      "--control",
      control.url,
    );
    expect(same).toMatchObject({ code: 0, stdout: expect.stringContaining("SAME") });
    const other = await compare(
      path,
      "--target",
      (await target(wrong)).url,
      "--control",
      control.url,
    );
    expect(other).toMatchObject({ code: 3, stdout: expect.stringContaining("$.price") });
  });

  it("its answers are nobody else's: not in files, not among the statuses", async () => {
    const [tested, control] = [
      await target(good),
      await target((_, response) => {
        response.statusCode = 500;
        response.end();
      }),
    ];
    const program = mirrorball(
      "--input-file",
      recording("beside.gor"),
      "--output-http",
      tested.url,
      "--output-file",
      file("beside-out.gor"),
      "--output-compare",
      file("beside.json"),
      "--output-compare-control",
      control.url,
      "--output-compare-probe",
      "50%",
    );
    await program.ended;
    expect(control.asked()).toBe(COUNT);
    // Each was asked once more to see what varies.
    expect(tested.asked()).toBeGreaterThan(COUNT);
    const written = readdirSync(directory).find((name) => name.startsWith("beside-out")) ?? "";
    const kinds = readFileSync(file(written), "utf8")
      .split(SEPARATOR)
      .map((record) => record.charAt(0));
    expect(kinds.filter((kind) => kind === "3")).toHaveLength(COUNT);
    expect(program.out.stderr + program.out.stdout).toContain(
      `statuses: ${COUNT} compared, 0 different`,
    );
  });
});

describe("wrong words and files", () => {
  it.each([
    ["no target", [], "--target URL must be given"],
    ["an unknown kind", ["--target", "http://127.0.0.1:1", "--fail-on", "nonsense"], "--fail-on"],
    [
      "a report of unknown form",
      ["--target", "http://127.0.0.1:1", "--report", "x.pdf"],
      "--report",
    ],
    [
      "a share beyond all",
      ["--target", "http://127.0.0.1:1", "--tolerance", "200%"],
      "--tolerance",
    ],
    ["no URL", ["--target", "::::"], "--target"],
    [
      "rules that are not there",
      ["--target", "http://127.0.0.1:1", "--rules", "/no/such.yaml"],
      "/no/such.yaml",
    ],
    [
      "an unknown form of correlation",
      ["--target", "http://127.0.0.1:1", "--correlate", "/no/such.yaml"],
      "/no/such.yaml",
    ],
    [
      "an OpenAPI file that is not there",
      ["--target", "http://127.0.0.1:1", "--openapi", "/no/such.yaml"],
      "/no/such.yaml",
    ],
  ])("%s: exit 2 and one line", async (_name, words, place) => {
    const ran = await compare(recording("words.gor"), ...words);
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain(place);
    expect(ran.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("a report that cannot be written is told before anything is sent", async () => {
    const { url, asked } = await target(good);
    const ran = await compare(
      recording("unwritable.gor"),
      "--target",
      url,
      "--report",
      file("no/such/place.json"),
    );
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("cannot write");
    expect(asked()).toBe(0);
  });

  it("leave no report behind that looks like a good one", async () => {
    const report = file("left.json");
    const ran = await compare(
      file("absent.gor"),
      "--target",
      "http://127.0.0.1:1",
      "--report",
      report,
    );
    expect(ran.code).toBe(1);
    expect(JSON.parse(readFileSync(report, "utf8"))).toMatchObject({ verdict: "inconclusive" });
  });
});

describe("mirrorball corpus", () => {
  it("makes a small recording that compares as the large one does", async () => {
    const small = file("small.gor");
    const made = mirrorball("corpus", recording("large.gor"), "-o", small);
    expect(await made.ended).toBe(0);
    expect(made.out.stdout).toContain(`1 of ${COUNT} exchanges written`);
    const { url, asked } = await target(good);
    expect((await compare(small, "--target", url, "--probe", "0")).code).toBe(0);
    expect(asked()).toBeGreaterThan(0);
    // What stands there is not replaced unless that is said.
    expect(await mirrorball("corpus", recording("large.gor"), "-o", small).ended).toBe(1);
  });

  it.each([
    ["no file to write", ["x.gor"], 2, "--output FILE must be given"],
    ["no recording", ["/no/such.gor", "-o", "/tmp/never.gor"], 1, "no file matches"],
  ])("with %s says so", async (_name, words, code, place) => {
    const program = mirrorball("corpus", ...words);
    expect(await program.ended).toBe(code);
    expect(program.out.stderr).toContain(place);
  });
});
