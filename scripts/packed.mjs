// @ts-check
// Packs the packages, installs the tarballs in an empty folder outside of the repository as strangers do, and uses them from there. On
// every line of Node: services that are ES modules, CommonJS and unaware of their mirror, the command, and staging behind it, which must
// get every request. Once: Jest, ts-node, and TypeScript 5 under every `moduleResolution`.
//
// In: numbers of lines of Node beside the one that runs this. Out: one line for each use, and exit code 1 when one failed. Versions are
// those of our own lock, so that npm finds them in its cache.
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { nodeOf } from "./node-line.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const PACKAGES = ["protocol", "sdk", "server", "cli"];
/** What the strangers have from others, lent by this repository in the folder above theirs: their names, and where they are here. */
const TOOLS = {
  express: "express",
  jest: "jest",
  "ts-node": "ts-node",
  typescript: "typescript5",
  "@types": "@types",
};
/** Requests that each service gets. */
const REQUESTS = 5;

/** What is started in the folder. @type {readonly [string, ...string[]][]} */
const SERVICES = [
  ["esm", "service.mjs"],
  ["cjs", "service.cjs"],
  ["registered", "-r", "@mirrorball/sdk/register", "bare.cjs"],
];
/** @type {readonly [string, ...string[]][]} */
const ONCE = [
  ["jest", "../node_modules/jest/bin/jest.js", "--ci"],
  ["ts-node", "../node_modules/ts-node/dist/bin.js", "service.ts"],
];

/** `module`, `moduleResolution`, the files that TypeScript is asked about. @type {readonly [string, string, ...string[]][]} */
const RESOLUTIONS = [
  ["commonjs", "node10", "types.ts"],
  ["node16", "node16", "types.cts", "types.mts"],
  ["nodenext", "nodenext", "types.cts", "types.mts"],
  ["esnext", "bundler", "types.ts"],
];

const above = mkdtempSync(join(tmpdir(), "mirrorball-packed-"));
const folder = join(above, "stranger");
let failures = 0;
try {
  install();
  await Promise.all(RESOLUTIONS.map(resolution));
  const lines = process.argv.slice(2).map(nodeOf);
  await story(process.execPath, [...SERVICES, ...ONCE]);
  for (const node of lines) await story(node, SERVICES);
} finally {
  rmSync(above, { recursive: true, force: true });
}
process.exit(failures === 0 ? 0 : 1);

/** @param {string} what @param {boolean} ok @param {string} said */
function tell(what, ok, said) {
  console.log(`${ok ? "ok  " : "FAIL"} packed: ${what}`);
  if (ok) return;
  failures += 1;
  console.log(said);
}

function install() {
  mkdirSync(folder);
  mkdirSync(join(above, "node_modules"));
  for (const [name, lent] of Object.entries(TOOLS)) {
    symlinkSync(join(root, "node_modules", lent), join(above, "node_modules", name), "junction");
  }
  const from = PACKAGES.flatMap((name) => ["--workspace", `packages/${name}`]);
  npm(root, "pack", ...from, "--pack-destination", folder, "--silent");
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const dependencies = Object.fromEntries(
    tarballs.map((name) => [
      name.replace(/-\d.*$/, "").replace(/^mirrorball-/, "@mirrorball/"),
      `file:${name}`,
    ]),
  );
  const manifest = { name: "stranger", private: true, dependencies };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const packages = Object.entries(lock.packages).filter(
    ([path, entry]) => path.startsWith("node_modules/") && entry.link !== true,
  );
  const pinned = { ...lock, name: "stranger", packages: Object.fromEntries(packages) };
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(pinned));
  // The capture library, which is optional, would be compiled; nothing else has scripts that matter.
  npm(folder, "install", "--ignore-scripts", "--prefer-offline", "--no-fund", "--no-audit");
  cpSync(join(root, "scripts/packed"), folder, { recursive: true });
  for (const kind of ["cts", "mts"]) {
    copyFileSync(join(folder, "types.ts"), join(folder, `types.${kind}`));
  }
}

/** @param {string} cwd @param {string[]} words */
function npm(cwd, ...words) {
  const { status, stdout, stderr } = spawnSync("npm", words, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status !== 0) throw new Error(`npm ${words.join(" ")}: ${stdout}${stderr}`);
}

/** @param {readonly [string, string, ...string[]]} row */
async function resolution([module, moduleResolution, ...files]) {
  const options = { module, moduleResolution, types: "node", target: "es2022" };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const tsc = join(root, "node_modules/typescript5/bin/tsc");
  const words = [tsc, ...flags, "--noEmit", "--strict", "--skipLibCheck", ...files];
  const fault = await promisify(execFile)(process.execPath, words, { cwd: folder }).then(
    () => undefined,
    (/** @type {{ stdout: string }} */ error) => error.stdout,
  );
  tell(`TypeScript, ${moduleResolution}: ${files.join(", ")}`, fault === undefined, fault ?? "");
}

/** The sixty seconds of the README with what was packed. @param {string} node @param {readonly [string, ...string[]][]} services */
async function story(node, services) {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout.trim();
  /** @type {Set<string>} */
  const arrived = new Set();
  const staging = createServer((req, res) => {
    arrived.add(req.url ?? "");
    res.end();
  }).listen(0, "127.0.0.1");
  await once(staging, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (staging.address());
  const socket = join(folder, `${version}.sock`);
  const command = join(folder, "node_modules/mirrorball/bin/mirrorball.mjs");
  const words = ["--input-tcp", `unix:${socket}`, "--output-http", `http://127.0.0.1:${port}`];
  const server = spawn(node, [command, ...words], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(server, "exit");
  let said = "";
  const listening = new Promise((resolve) => {
    createInterface({ input: server.stderr }).on("line", (line) => {
      said += `${line}\n`;
      if (line.includes("listening on")) resolve(undefined);
    });
  });
  await Promise.race([listening, ended]);
  for (const [name, ...program] of services) await service(node, version, socket, name, program);
  server.kill("SIGTERM");
  const [status] = await ended;
  staging.close();
  staging.closeAllConnections();
  const wanted = services.flatMap(([name]) => pathsOf(name));
  const missing = wanted.filter((path) => !arrived.has(path));
  const figures = `: ${wanted.length} received, ${wanted.length} delivered\n`;
  const isTold = said.includes(figures) && said.endsWith("nothing was lost\n");
  const whole = status === 0 && missing.length === 0 && isTold;
  const told = `exit ${status}, missing ${missing.join(" ")}\n${said}`;
  tell(`${version}: the command, ${wanted.length} of ${wanted.length} delivered`, whole, told);
}

/** @param {string} name */
function pathsOf(name) {
  return Array.from({ length: REQUESTS }, (_, i) => `/${name}/${i + 1}`);
}

/** @param {string} node @param {string} version @param {string} socket @param {string} name @param {string[]} program */
async function service(node, version, socket, name, program) {
  const child = spawn(node, program, {
    cwd: folder,
    env: {
      ...process.env,
      MIRRORBALL_SERVER: `unix:${socket}`,
      MIRRORBALL_BREAKER: "off",
      PATHS: pathsOf(name).join(" "),
      PATH: `${dirname(node)}${delimiter}${process.env["PATH"]}`,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk) => (out += chunk));
  const [status] = await once(child, "close");
  tell(`${version}: ${name}`, status === 0, out);
}
