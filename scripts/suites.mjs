// @ts-check
// Other projects' tests with the SDK inside: runs each file as it is, and with `-r @mirrorball/sdk/register` and a replay server that
// listens, and compares what passed. Only packages of the npm registry that carry their tests; they are installed into `.cache/`,
// nothing of them is part of this repository. In: `--short` for what CI runs, names of files. Out: what differs, and exit code 1 then.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Suite
 * @property {string} version
 * @property {Readonly<Record<string, string>>} needs what its tests load beside what it depends on
 * @property {RegExp} files
 * @property {RegExp} short files of the short set
 */

/** @type {Readonly<Record<string, Suite>>} */
const SUITES = {
  fastify: {
    version: "5.12.8",
    needs: {
      "ajv-errors": "3", "ajv-formats": "3", "fast-json-body": "1", "fastify-plugin": "6", "fluent-json-schema": "6", "form-data": "4",
      h2url: "0.2", "http-errors": "2", joi: "18", JSONStream: "1", "node-forge": "1", proxyquire: "2", split2: "4", undici: "7", vary: "1",
    },
    files: /\.test\.js$/,
    short: /^(als|async_hooks|body-limit|client-timeout|close|close-pipelining|connection-timeout|content-length|header-overflow|keep-alive-timeout|max-requests-per-socket|reply-early-hints|reply-error|reply-trailers|request-error|stream\.\d|upgrade|use-semicolon.*)\.test\.js$/,
  },
  "light-my-request": {
    version: "6.8.1",
    needs: { "end-of-stream": "1", express: "5", "form-auto-content": "3", "formdata-node": "6", multer: "2" },
    files: /\.test\.js$/,
    short: /^(index|stream|request|response)\.test\.js$/,
  },
  busboy: { version: "1.6.0", needs: {}, files: /^test-types.*\.js$/, short: /./ },
}; // prettier-ignore

/** Others' tests fail now and then by themselves: only what differs this often in a row counts. */
const ATTEMPTS = 3;
/** One file; those that hang plain, hang the same with the SDK. */
const FILE_MS_MAX = 60_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, ".cache/suites");
const words = process.argv.slice(2);
const short = words.includes("--short");
const wanted = words.filter((word) => !word.startsWith("--"));

install();
const { server, port, summary } = await listen();
process.exitCode = await compareAll();
// Single files may serve nothing.
if ((await received()) === 0 && wanted.length === 0) {
  console.error("suites: the replay server received nothing: the SDK was not there");
  process.exitCode = 1;
}

function install() {
  /** @type {Record<string, string>} */
  const dependencies = {};
  for (const [name, { version, needs }] of Object.entries(SUITES)) {
    dependencies[name] = version;
    Object.assign(dependencies, needs);
  }
  if (Object.keys(SUITES).every((name) => existsSync(join(folder, "node_modules", name)))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const { status } = spawnSync("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error"], {
    cwd: folder,
    stdio: "inherit",
  });
  if (status === 0) return;
  console.error("suites: the packages could not be fetched with npm");
  process.exit(1);
}

/** A replay server that takes everything, on a port that was free a moment ago. */
async function listen() {
  const free = createServer();
  await new Promise((done) => free.listen(0, "127.0.0.1", () => done(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (free.address());
  await new Promise((done) => free.close(done));
  const command = join(root, "packages/cli/bin/mirrorball.mjs");
  const args = [command, "--input-tcp", `127.0.0.1:${port}`, "--output-null"];
  const server = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "pipe"] });
  /** @type {string[]} */
  const summary = [];
  server.stderr.setEncoding("utf8").on("data", (text) => summary.push(text));
  return { server, port, summary };
}

/** How many exchanges it was sent, by its summary. */
async function received() {
  if (server.exitCode === null) {
    server.kill("SIGINT");
    await new Promise((done) => server.once("close", done));
  }
  const text = summary.join("");
  console.log(text.trim());
  return Number(/(\d+) received/.exec(text)?.[1] ?? 0);
}

async function compareAll() {
  let files = 0;
  let passed = 0;
  /** @type {string[]} */
  const worse = [];
  for (const [name, suite] of Object.entries(SUITES)) {
    const place = join(folder, "node_modules", name, "test");
    for (const file of readdirSync(place, { recursive: true, encoding: "utf8" })) {
      if (!suite.files.test(file) || (short && !suite.short.test(file))) continue;
      if (wanted.length > 0 && !wanted.some((word) => `${name}/${file}`.includes(word))) continue;
      const found = await compare(join(place, file));
      files += 1;
      passed += found.passed;
      for (const lost of found.lost) worse.push(`${name}/test/${file}: ${lost}`);
    }
  }
  for (const line of worse) console.log(`only without the SDK passes: ${line}`);
  console.log(
    `other projects' suites: ${files} files, ${passed} tests pass without the SDK, ${worse.length} of them not with it`,
  );
  return worse.length === 0 && passed > 0 ? 0 : 1;
}

/**
 * What passes plain, and what of that does not with the SDK, every time.
 *
 * @param {string} file
 */
async function compare(file) {
  /** @type {Set<string> | undefined} */
  let lost;
  let passed = 0;
  for (let attempt = 0; attempt < ATTEMPTS && (lost === undefined || lost.size > 0); attempt += 1) {
    const [plain, mirrored] = await Promise.all([
      run(file, []),
      run(file, ["-r", "@mirrorball/sdk/register"]),
    ]);
    passed = Math.max(passed, plain.size);
    const missing = [...plain].filter((name) => !mirrored.has(name));
    lost = new Set(lost === undefined ? missing : missing.filter((name) => lost?.has(name)));
  }
  return { passed, lost: lost ?? [] };
}

/**
 * Names of the tests that pass, and "exit 0".
 *
 * @param {string} file
 * @param {readonly string[]} preload
 * @returns {Promise<Set<string>>}
 */
async function run(file, preload) {
  // The package is resolved from where Node is started.
  const args = [
    ...preload.map((word) =>
      word.replace("@mirrorball/sdk/register", join(root, "packages/sdk/cjs/register.js")),
    ),
    "--test-reporter=tap",
    file,
  ];
  const child = spawn(process.execPath, args, {
    cwd: join(file, "..", ".."),
    env: { ...process.env, MIRRORBALL_SERVER: `127.0.0.1:${port}`, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (out += chunk));
  const timer = setTimeout(() => child.kill("SIGKILL"), FILE_MS_MAX);
  const code = await new Promise((done) => child.once("close", done));
  clearTimeout(timer);
  /** @type {Set<string>} */
  const passed = new Set(code === 0 ? ["exit 0"] : []);
  // Numbers and times are no part of a name; several tests may have the same one.
  for (const [, indent = "", name = ""] of out.matchAll(/^( *)ok \d+ - (.*)$/gm)) {
    let unique = `${indent}${name.replace(/ # .*$/, "")}`;
    while (passed.has(unique)) unique += "'";
    passed.add(unique);
  }
  return passed;
}
