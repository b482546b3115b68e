// The real command with secrets from files and from the environment: they work, and neither the list of processes nor anything it says has them.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, mirrorball, servingIn } from "./processes.ts";
import type { Program } from "./processes.ts";

const TOKEN = "TOKENSECRET of many characters";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secret");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function ends(program: Program): Promise<void> {
  program.child.kill("SIGTERM");
  await program.ended;
}

function wordsOf({ child }: Program): string {
  const file = `/proc/${child.pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}

describe("secrets", () => {
  it("are proved from a file and from the environment, and set in requests from a file", async () => {
    let saw: (field: string | undefined) => void = () => {};
    const seen = new Promise<string | undefined>((resolve) => {
      saw = resolve;
    });
    const target = createServer((req, res) => {
      saw(req.headers.authorization);
      res.end();
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    closers.push(() => target.close());
    const to = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
    const port = await freePort();
    const fields = fileOf("Authorization: Bearer HDRSECRET\n");
    const receiver = await servingIn(
      { MIRRORBALL_INPUT_TCP_TOKEN: TOKEN },
      "--input-tcp", `127.0.0.1:${port}`, "--output-http", to, "--http-set-header-file", fields, "--verbose", "3",
    ); // prettier-ignore
    closers.push(() => ends(receiver));
    const sender = await servingIn(
      {},
      "--input-dummy", "1", "--output-tcp", `127.0.0.1:${port}`, "--output-tcp-token-file", fileOf(`${TOKEN}\n`), "--verbose", "3",
    ); // prettier-ignore
    closers.push(() => ends(sender));
    expect(await seen).toBe("Bearer HDRSECRET");
    const pages = await Promise.all([receiver, sender].map(async ({ page }) => (await fetch(page)).text())); // prettier-ignore
    const listed = [receiver, sender].map(wordsOf);
    await Promise.all([ends(receiver), ends(sender)]);
    const said = [receiver, sender].map((program) => program.out.stdout + program.out.stderr); // prettier-ignore
    expect([...pages, ...listed, ...said].join("\n")).not.toMatch(/[A-Z]SECRET/);
  });

  it("are not in what a run prints, refuses or sums up", async () => {
    const refused = mirrorball("--input-tcp", ":0", "--output-http", "http://user:p@PASSSECRET@host:99999");
    expect(await refused.ended).toBe(2);
    expect(refused.out.stderr).toMatch(/--output-http: .*; got "http:\/\/user:\*\*\*@host:99999"/);
    const target = `http://user:PASSSECRET@127.0.0.1:${await freePort()}`;
    const run = await servingIn({}, "--input-dummy", "1", "--output-http", target, "--verbose", "3");
    const page = await (await fetch(run.page)).text();
    await ends(run);
    expect(page + run.out.stdout + run.out.stderr).not.toContain("SECRET");
    expect(run.out.stderr).toContain("http://user:***@127.0.0.1");
  }); // prettier-ignore
});
