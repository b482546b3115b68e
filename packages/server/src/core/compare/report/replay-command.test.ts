// The commands are run: a real shell, curl and a server that says what it got.
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { curlCommand, mirrorballCommand, quoted } from "./replay-command.ts";

interface Got {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly fields: readonly string[];
  readonly body: Buffer;
}

const got: Got[] = [];
const server = createServer((request: IncomingMessage, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const { method, url, rawHeaders } = request;
    got.push({ method, url, fields: rawHeaders, body: Buffer.concat(parts) });
    response.end("ok");
  });
});
let target = "";
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const shell = async (command: string): Promise<string> =>
  (await promisify(execFile)("/bin/sh", ["-c", command], { env: { PATH: "/usr/bin:/bin" } }))
    .stdout;
const place = (): { target: string; recordings: string[] } => ({ target, recordings: ["a.gor"] });
const leave = (): undefined => undefined;

function requestOf(head: readonly string[], body: Uint8Array = new Uint8Array()): Buffer {
  const length = body.length === 0 ? [] : [`Content-Length: ${body.length}`];
  return Buffer.concat([Buffer.from([...head, ...length, "", ""].join("\r\n"), "latin1"), body]);
}

async function sent(raw: Uint8Array): Promise<Got> {
  const output = await shell(curlCommand(raw, place(), leave) ?? "exit 1");
  expect(output).toMatch(/^HTTP\/1.1 200/);
  const last = got.pop();
  if (last === undefined) throw new Error("nothing came");
  return last;
}

describe("the curl command of an exchange", () => {
  it("sends what was recorded, and no field more, whatever a shell would make of it", async () => {
    const body = Buffer.from(`{"name":"it's $HOME \`id\` \\"quoted\\"","lines":"a\nb"}\n`);
    const fields = ["Cookie: a=1; b=$(id)", 'X-Quote: it\'s "so" & <that> | !!', "X-Empty:"];
    const {
      method,
      url,
      fields: came,
      body: text,
    } = await sent(
      requestOf(
        [
          "PATCH /a/../b?x=[1]&y={2}&z=%27%20' HTTP/1.1",
          "Host: shop",
          "Content-Type: application/json",
          ...fields,
        ],
        body,
      ),
    );
    expect([method, url]).toEqual(["PATCH", "/a/../b?x=[1]&y={2}&z=%27%20'"]);
    const own = new Map(came.flatMap((name, i) => (i % 2 === 0 ? [[name, came[i + 1]]] : [])));
    expect(Object.fromEntries(own)).toEqual({
      Host: new URL(target).host,
      "Content-Type": "application/json",
      Cookie: "a=1; b=$(id)",
      "X-Quote": 'it\'s "so" & <that> | !!',
      "X-Empty": "",
      "Content-Length": String(body.length),
    });
    expect(text).toEqual(body);
  });

  it("sends bytes as they are, and a body that looks like the name of a file", async () => {
    const bytes = Buffer.from([0, 1, 255, 13, 10, 27, 39]);
    expect((await sent(requestOf(["PUT /x HTTP/1.1"], bytes))).body).toEqual(bytes);
    const name = Buffer.from("@/etc/hostname");
    expect((await sent(requestOf(["POST /x HTTP/1.1"], name))).body).toEqual(name);
  });

  it("has the target's ids and tokens", () => {
    const raw = requestOf(["GET /things/17 HTTP/1.1", "Authorization: Bearer old"]);
    const images = new Map([
      ["17", "23"],
      ["old", "new"],
    ]);
    const command = curlCommand(raw, place(), ({ value }) => images.get(value));
    expect(command).toContain(`${target}/things/23`);
    expect(command).toContain("Bearer new");
    expect(command).not.toContain("Content-Type");
  });

  it("keeps to a target's own path, and asks for the head alone where that was asked", () => {
    const raw = requestOf(["HEAD /a HTTP/1.1", "Host: x"]);
    const command = curlCommand(raw, { target: "shop:81/fixed", recordings: [] }, leave);
    expect(command).toMatch(/^curl .* -I .*http:\/\/shop:81\/fixed$/);
  });

  it.each([
    ["a body that is too long", requestOf(["POST / HTTP/1.1"], Buffer.alloc(8193, 97))],
    ["what is no request", Buffer.from("HTTP/1.1 200 OK\r\n\r\n")],
    ["a field with a strange name", requestOf(["GET / HTTP/1.1", "@/etc/passwd: x"])],
    ["a field with control characters", requestOf(["GET / HTTP/1.1", "X: \u001b[2J"])],
  ])("is not given for %s", (_name, raw) => {
    expect(curlCommand(raw, place(), leave)).toBeUndefined();
  });

  it("is not given for a target that curl cannot reach by a URL", () => {
    const raw = requestOf(["GET / HTTP/1.1", "Host: x"]);
    expect(curlCommand(raw, { target: "unix:/run/x.sock", recordings: [] }, leave)).toBeUndefined();
  });
});

describe("the mirrorball command", () => {
  it("names recordings, target and exchange", () => {
    expect(mirrorballCommand("e22a", { target: "http://x:1", recordings: ["day *.gor"] })).toBe(
      "mirrorball compare 'day *.gor' --target http://x:1 --only e22a",
    );
  });

  it("is not given for traffic that came live", () => {
    expect(mirrorballCommand("e22a", { target: "http://x:1", recordings: [] })).toBeUndefined();
  });
});

it("a quoted word is one word to a shell, whatever it holds", async () => {
  const word = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
  await fc.assert(
    fc.asyncProperty(fc.array(word, { minLength: 1, maxLength: 30 }), async (words) => {
      const wanted = words.map((each) => Buffer.from(each, "utf8").toString("utf8"));
      const output = await shell(`printf '%s\\0' ${wanted.map(quoted).join(" ")}`);
      expect(output.split("\0").slice(0, -1)).toEqual(wanted);
    }),
    { numRuns: 15 },
  );
});
