// A plan that would feed itself is refused before anything starts; its neighbours are not.
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { catalogue } from "../../catalogue.ts";
import { planFrom } from "./plan.ts";

function errors(words: string): readonly string[] {
  const made = planFrom(words.split(" "), catalogue);
  return "errors" in made ? made.errors : [];
}

const own = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

it.each([
  "--input-http :8080 --output-http http://127.0.0.1:8080",
  "--input-http :8080 --output-http localhost:8080/path",
  "--input-http 127.0.0.1:8080 --output-http http://localhost:8080",
  "--input-http 0.0.0.0:80 --output-http http://127.0.0.2",
  "--input-http [::1]:8443 --output-http https://[::1]:8443",
  "--input-tcp :28020 --output-tcp :28020",
  "--input-tcp unix:/run/a.sock --output-tcp unix:/run/a.sock",
  "--input-raw :80 --output-http http://127.0.0.1:80",
  "--input-raw :80,443 --output-http https://localhost",
  "--input-raw : --output-http localhost:3000",
  "--input-raw lo:80 --output-http localhost",
  "--input-raw 127.0.0.1:80 --input-raw-promisc --output-http http://127.0.0.2",
  "--input-raw lo:80 --output-http http://[::1]",
  "--input-http localhost:80 --output-http http://[::1]",
  "--input-http [::]:80 --output-http http://127.0.0.1",
  "--input-http 127.0.0.1:80 --output-http http://0.0.0.0",
  "--input-http 127.0.0.1:80 --output-http http://[::ffff:127.0.0.1]",
  "--input-http [0:0::0:1]:80 --output-http http://[::1]",
  `--input-raw :80 --output-http ${own ?? "127.0.0.1"}`,
  `--input-http :80 --output-http ${hostname()}`,
])("refuses %s", (words) => {
  expect(errors(words)).toEqual([expect.stringContaining("would go round in a circle")]);
});

it.each([
  "--input-http :8080 --output-http http://127.0.0.1:8081",
  "--input-raw :80 --output-http http://staging.test",
  "--input-raw 192.0.2.1:80 --output-http http://127.0.0.1",
  // What goes to one address is not seen by who listens on or captures another one.
  "--input-raw 127.0.0.1:8080 --output-http http://[::1]:8080",
  "--input-raw 127.0.0.1:8080 --output-http http://127.0.0.2:8080",
  "--input-raw [::1]:8080 --output-http http://127.0.0.1:8080",
  "--input-http 127.0.0.1:8080 --output-http http://[::1]:8080",
  "--input-http 0.0.0.0:8080 --output-http http://[::1]:8080",
  "--input-http 127.0.0.2:8080 --output-http http://localhost:8080",
  "--input-raw eth0:80 --output-http localhost",
  "--input-raw shop.pcap:80 --output-http http://127.0.0.1",
  "--input-tcp :28020 --output-tcp 192.0.2.1:28020",
  "--input-tcp unix:/run/a.sock --output-tcp unix:/run/b.sock",
])("takes %s", (words) => {
  expect(errors(words)).toEqual([]);
});

describe("files", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mirrorball-"));
    for (const name of ["a.gor", "b.gor", "n_0.gor", "n_1.gor", "x.pcap"])
      writeFileSync(join(folder, name), "");
    symlinkSync("a.gor", join(folder, "symbolic.gor"));
    linkSync(join(folder, "a.gor"), join(folder, "hard.gor"));
    symlinkSync(folder, join(folder, "here"));
    execFileSync("sh", ["-c", 'mkfifo "$0"', join(folder, "pipe")]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const inFolder = (words: string): string => words.replaceAll("@", `${folder}/`);

  it.each([
    "--input-file @a.gor --output-file @a.gor --output-file-append",
    "--input-file @a.gor --output-file @here/../a.gor --output-file-append",
    "--input-file @a.gor --output-file @here/a.gor --output-file-append",
    "--input-file @a.gor --output-file @symbolic.gor --output-file-append",
    "--input-file @hard.gor --output-file @a.gor --output-file-append",
    "--input-file @*.gor --output-file @b.gor --output-file-append",
    "--input-file @n.gor --output-file @n_1.gor --output-file-append",
    "--input-file @pipe --output-file @pipe --output-file-append",
    "--input-raw @x.pcap --output-file @x.pcap --output-file-append",
    // Numbered files of the recording that is read: the next replay would read them, too.
    "--input-file @a.gor --output-file @a.gor",
    "--input-file @n.gor --output-file @n.gor",
    "--input-file @n_*.gor --input-file-loop --output-file @n.gor",
    "--input-tcp unix:@new.sock --output-tcp unix:@here/new.sock",
  ])("refuses %s", (words) => {
    expect(errors(inFolder(words))).toEqual([expect.stringContaining("round in a circle")]);
  });

  it.each([
    "--input-file @a.gor --output-file @b.gor --output-file-append",
    "--input-file @n_*.gor --output-file @n.gor",
    "--input-file @*.gor --output-file @new/a.gor --output-file-append",
    "--input-file /dev/null --output-file /dev/null --output-file-append",
    "--input-file @[ --output-file @a.gor",
    "--input-file @a.gor --output-stdout",
  ])("takes %s", (words) => {
    expect(errors(inFolder(words))).toEqual([]);
  });
});
