// What people get wrong on their first day, and the one line that each mistake gets: of the real command, with its exit code.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mirrorball } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-mistakes-"));
const at = (name: string): string => join(folder, name);
const taken = createServer();
let takenPort = 0;

beforeAll(async () => {
  const files: Readonly<Record<string, string>> = {
    "x.har": '{"log":{"entries":[]}}',
    "text.txt": "not a recording\n",
    "twice.yaml": 'input-tcp: ":0"\noutput-null: true\ninput-tcp: ":0"\n',
    "tabs.yaml": '\tinput-tcp: ":0"\n',
    "list.yaml": "- input-tcp\n",
    "unknown.yaml": 'input-tpc: ":0"\n',
    "dashes.yaml": '--input-tcp: ":0"\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  mkdirSync(at("folder"));
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  takenPort = (taken.address() as AddressInfo).port;
});
afterAll(() => {
  taken.close();
  rmSync(folder, { recursive: true });
});

/** Words that FOLDER and PORT stand in, the line, the exit code. */
type Mistake = readonly [words: readonly string[], line: string, code: number];

const IN = ["--input-tcp", "127.0.0.1:0"];
const IN_OUT = [...IN, "--output-null"];

/** Nothing at all, and words that are nothing. */
const WORDS: readonly Mistake[] = [
  [
    [],
    "at least one input and one output are required; there is no --input-… and no --output-…",
    2,
  ],
  [["chekc"], '"chekc" is no command; did you mean mirrorball check?', 2],
  [["replay.txt"], '"replay.txt" is no command; see mirrorball --help', 2],
  [
    ["requests.gor"],
    '"requests.gor" is no command; to replay a recording: mirrorball --input-file FILE --output-http URL; to look into it: mirrorball inspect FILE',
    2,
  ],
  [
    ["help", "output-htpp"],
    'there is no help on "output-htpp"; did you mean mirrorball help output-http?',
    2,
  ],
  [
    ["——input-tcp", ":0"],
    'the dashes in front of "input-tcp" are no hyphens; write them anew: --input-tcp',
    2,
  ],
  [
    ["--output-null", "–input-tcp", ":0"],
    'the dashes in front of "input-tcp" are no hyphens; write them anew: --input-tcp',
    2,
  ],
  [[...IN_OUT, "-v"], "unknown flag --v; see mirrorball help all", 2],
  [[...IN_OUT, "--secure"], "unknown flag --secure; see mirrorball help secure", 2],
  [
    [...IN, "--output-htp", "http://x"],
    "unknown flag --output-htp; did you mean --output-http?",
    2,
  ],
  [[...IN_OUT, "extra"], '"extra" is not a flag and belongs to none', 2],
  [["--output-null"], "at least one input and one output are required; there is no --input-…", 2],
  [IN, "at least one input and one output are required; there is no --output-…", 2],
];

/** Values that are forgotten, or are none. */
const VALUES: readonly Mistake[] = [
  [
    ["--input-tcp", "--output-null"],
    "--input-tcp: needs a value: --input-tcp ADDRESS; behind it stands the flag --output-null",
    2,
  ],
  [
    [...IN, "--output-file", "-output-null"],
    "--output-file: needs a value: --output-file FILE; behind it stands the flag --output-null",
    2,
  ],
  [["--output-null", "--input-tcp"], "--input-tcp: needs a value: --input-tcp ADDRESS", 2],
  [
    ["--input-tcp", "28020", "--output-null"],
    '--input-tcp: must be an address such as :28020, 127.0.0.1:28020, [::1]:28020 or unix:/run/mirrorball.sock; got "28020"',
    2,
  ],
  [
    [...IN, "--output-http", ":8080"],
    '--output-http: must be an http or https URL such as http://staging:8080, or a Unix socket such as unix:/run/app.sock; got ":8080"',
    2,
  ],
  [
    [...IN_OUT, "--drain-timeout", "5"],
    '--drain-timeout: must be a duration such as 300ms, 1.5s or 2m; got "5"',
    2,
  ],
  [[...IN_OUT, "--verbose", "9"], '--verbose: must be a whole number from 0 to 3; got "9"', 2],
  [
    [...IN_OUT, "--http-allow-url", "("],
    '--http-allow-url: must be a regular expression in Go\'s syntax (RE2): missing closing ): "("; got "("',
    2,
  ],
  [
    [...IN_OUT, "--http-set-header", "Foo"],
    "--http-set-header: must be NAME: VALUE, as in 'User-Agent: Replayed'; got \"Foo\"",
    2,
  ],
  [
    [...IN_OUT, "--input-tcp-token", "short"],
    "--input-tcp-token: must have at least 16 characters",
    2,
  ],
  [
    [...IN, "--output-compare", "report.pdf"],
    '--output-compare: must end in .html, .json, .xml or .md, or be - for the terminal; got "report.pdf"',
    2,
  ],
  [
    [...IN_OUT, "--input-tcp-secure"],
    "input-tcp 127.0.0.1:0: --input-tcp-secure needs --input-tcp-certificate FILE",
    1,
  ],
];

/** Files and places. */
const PLACES: readonly Mistake[] = [
  [["--config", "FOLDER/none.yaml"], "--config: cannot read FOLDER/none.yaml: it does not exist", 2],
  [["--config", "FOLDER/folder"], "--config: cannot read FOLDER/folder: it is a directory", 2],
  [["--config", "FOLDER/twice.yaml"], "FOLDER/twice.yaml:3: input-tcp is there twice; several values are a list: input-tcp: [A, B]", 2],
  [["--config", "FOLDER/tabs.yaml"], "FOLDER/tabs.yaml:1: Tabs are not allowed as indentation", 2],
  [["--config", "FOLDER/list.yaml"], 'FOLDER/list.yaml: must hold names and values, such as input-tcp: ":28020"', 2],
  [["--config", "FOLDER/unknown.yaml"], 'FOLDER/unknown.yaml:1: unknown name "input-tpc"; did you mean input-tcp?', 2],
  [["--config", "FOLDER/dashes.yaml"], "FOLDER/dashes.yaml:1: --input-tcp: must be written without dashes: input-tcp", 2],
  [[...IN, "--output-file", "FOLDER/a.gor", "--output-file", "FOLDER/./a.gor", "--output-file-append"], "--output-file FOLDER/./a.gor: --output-file FOLDER/a.gor writes the same file, which would hold everything twice; give it a name of its own", 2],
  [[...IN, "--output-file", "FOLDER/folder"], "output-file FOLDER/folder: cannot write FOLDER/folder: it is a directory; give the name of a file in it", 1],
  [["--input-file", "FOLDER/none.gor", "--output-null"], "input-file FOLDER/none.gor: no file matches FOLDER/none.gor", 1],
  [["--input-file", "FOLDER/folder", "--output-null"], "input-file FOLDER/folder: cannot read FOLDER/folder: it is a directory", 1],
  [["--input-file", "FOLDER/x.har", "--output-null"], "input-file FOLDER/x.har: FOLDER/x.har is no recording in gor's format; mirrorball convert FOLDER/x.har FOLDER/x.gor makes one", 1],
  [["inspect", "FOLDER/x.har"], "FOLDER/x.har is no recording in gor's format; mirrorball convert FOLDER/x.har FOLDER/x.gor makes one", 1],
  [["inspect", "FOLDER/none.gor"], "no file matches FOLDER/none.gor", 1],
  [["inspect"], "inspect: must be given FILE...; got none", 2],
  [["convert", "FOLDER/text.txt", "FOLDER/y.har"], 'the name "FOLDER/text.txt" does not say its format; give --from gor|har|jsonl', 2],
  [["compare", "FOLDER/a.gor"], "--target URL must be given, or two recordings to compare with each other", 2],
  [["--input-raw", "FOLDER/none.pcap", "--output-null"], "input-raw FOLDER/none.pcap: cannot read FOLDER/none.pcap: it does not exist", 1],
  [[...IN_OUT, "--middleware", "no-such-program-here"], 'middleware: cannot start "no-such-program-here": there is no such program', 1],
  [[...IN_OUT, "--middleware", "FOLDER/none.mjs"], "middleware: there is no file FOLDER/none.mjs", 1],
  [["--input-tcp", "127.0.0.1:PORT", "--output-null"], "input-tcp 127.0.0.1:PORT: cannot listen on 127.0.0.1:PORT: the address is in use by another process", 1],
  [[...IN_OUT, "--http-pprof", "127.0.0.1:PORT"], "--http-pprof: cannot listen on 127.0.0.1:PORT: the address is in use by another process", 1],
  [["--input-tcp", "192.0.2.1:0", "--output-null"], "input-tcp 192.0.2.1:0: cannot listen on 192.0.2.1:0: this machine has no such address", 1],
  [[...IN_OUT, "--journal", "FOLDER/text.txt"], "cannot make the directory FOLDER/text.txt: it is no directory", 1],
]; // prettier-ignore

describe("a mistake gets one line that says what to do", () => {
  it.each([...WORDS, ...VALUES, ...PLACES])("%j", async (words, line, code) => {
    const filled = (text: string): string =>
      text.replaceAll("FOLDER", folder).replaceAll("PORT", String(takenPort));
    const program = mirrorball(...words.map(filled));
    expect(await program.ended).toBe(code);
    const lines = program.out.stderr.split("\n");
    expect(lines).toContain(`mirrorball: ${filled(line)}`);
    // No stack, and no more than a hint beside it.
    expect(program.out.stderr).not.toMatch(/^\s+at /m);
    const told = lines.filter(
      (one) => !/: listening on |^$|^mirrorball: see mirrorball .*--help$/.test(one),
    );
    expect(told).toEqual([`mirrorball: ${filled(line)}`]);
  });

  // The system says of this place that it is there and that it is not: `mkdir` of Node tries it for ever.
  it.runIf(process.platform === "linux")("a journal in /proc", async () => {
    const program = mirrorball(...IN_OUT, "--journal", "/proc/x");
    expect(await program.ended).toBe(1);
    expect(program.out.stderr).toBe(
      "mirrorball: cannot make the directory /proc/x: nothing can be made there\n",
    );
  });
});

describe("a server says where it listens", () => {
  it("in one line for each input, and for the counters", async () => {
    const socket = at("in.sock");
    const program = mirrorball(
      "--input-tcp", "127.0.0.1:0", "--input-tcp", `unix:${socket}`, "--input-http", "127.0.0.1:0", "--output-null", "--http-pprof", "127.0.0.1:0",
    ); // prettier-ignore
    await program.printed(/input-http .*listening on/);
    program.child.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    const lines = program.out.stderr
      .split("\n")
      .filter((line) => /listening on|counters/.test(line));
    expect(lines.map((line) => line.replace(/127\.0\.0\.1:[1-9]\d*/g, "HERE"))).toEqual([
      "mirrorball: counters on http://HERE/debug/vars",
      "mirrorball: input-tcp 127.0.0.1:0: listening on HERE",
      `mirrorball: input-tcp unix:${socket}: listening on unix:${socket}`,
      "mirrorball: input-http 127.0.0.1:0: listening on HERE",
    ]); // prettier-ignore
  });
});
