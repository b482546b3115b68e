// @ts-check
// Child processes of the bench: started, asked for their CPU time, ended. And nginx, the target that is never the bottleneck.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** Clock ticks a second in /proc; the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** The command of this tree. */
export const command = fileURLToPath(
  new URL("../packages/cli/bin/mirrorball.mjs", import.meta.url),
);

/** @type {import("node:child_process").ChildProcess[]} */
const children = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/**
 * @param {string} file in this folder, or an absolute path
 * @param {string[]} words
 */
export function start(file, ...words) {
  const path = file.startsWith("/") ? file : fileURLToPath(new URL(file, import.meta.url));
  const [command, ...rest] = /\.m?js$/.test(path) ? [process.execPath, path] : [path];
  const child = spawn(command ?? "", [...rest, ...words], { stdio: ["pipe", "pipe", "pipe"] });
  children.push(child);
  let stderr = "";
  child.stderr.on("data", (chunk) => (stderr += chunk));
  const lines = createInterface({ input: child.stdout });
  /** @type {Promise<number | null>} */
  const ended = new Promise((resolve) => {
    child.once("close", resolve);
  });
  return {
    child,
    ended,
    stderr: () => stderr,
    /** @param {RegExp} pattern @returns {Promise<string>} */
    line: (pattern) =>
      new Promise((resolve, reject) => {
        /** @param {string} line */
        const look = (line) => {
          const found = pattern.exec(line)?.[1];
          if (found === undefined) return;
          lines.off("line", look);
          resolve(found);
        };
        lines.on("line", look);
        void ended.then((code) => reject(new Error(`${file} ended with ${code}: ${stderr}`)));
      }),
  };
}

/** CPU microseconds and peak memory in MB of a process, from /proc. @param {number | undefined} pid */
export function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    cpuUs: ((Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND) * 1e6,
    peakMb: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
  };
}

/** @returns {Promise<number>} */
export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => {
    probe.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = probe.address();
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * nginx as one process, so that none outlives the bench, that answers everything with two bytes, or with `answer`. Resolves with its port.
 * @param {{ log?: string | undefined, answer?: { body: string, type: string } }} [options] `log`: a file that gets the target of each request, one a line
 */
export async function startNginx({ log, answer = { body: "ok", type: "text/plain" } } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "mirrorball-bench-"));
  const port = await freePort();
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 4096; }
     http { log_format target "$request_uri"; access_log ${log === undefined ? "off" : `${log} target buffer=256k flush=1s`};
       keepalive_requests 100000000; client_max_body_size 64m;
       client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c;
       uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
       server { listen 127.0.0.1:${port}; location /nginx-status { stub_status; } location / { default_type ${answer.type}; return 200 '${answer.body}'; } } }`,
  );
  const nginx = start("/usr/sbin/nginx", "-c", join(folder, "nginx.conf"), "-p", folder);
  for (;;) {
    const up = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (up) return port;
    if (nginx.child.exitCode !== null) throw new Error(`nginx: ${nginx.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Asks an nginx how many requests it has answered, its own questions left out. @param {number} port */
export function answeredBy(port) {
  let asked = 0;
  return async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/nginx-status`)).text();
    asked += 1;
    return Number(/\s(\d+)\s+\n?Reading/.exec(text)?.[1] ?? 0) - asked;
  };
}

/** What the last output of a server has delivered; -1 while its page does not answer. @param {number} page */
export async function delivered(page) {
  try {
    const counters = await (await fetch(`http://127.0.0.1:${page}/debug/vars`)).json();
    return Number(counters.outputs.at(-1).delivered);
  } catch {
    return -1;
  }
}

/** @param {() => Promise<boolean>} test */
export async function until(test) {
  while (!(await test())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/**
 * A producer sends to a server until all is delivered: first what warms up, then, behind `warm`, what is measured. The counters page
 * costs the server something: it is not asked before almost everything is delivered. Resolves with the producer.
 * @param {{ tcp: number, page: number, warmUp: number, requests: number }} load @param {() => void} warm
 */
export async function produced({ tcp, page, warmUp, requests }, warm) {
  await until(async () => (await delivered(page)) >= 0);
  const producer = start("producer.mjs", String(tcp), String(warmUp), String(requests));
  await producer.line(/^(warm)/);
  await until(async () => (await delivered(page)) >= warmUp);
  warm();
  producer.child.stdin.write("go\n");
  await producer.line(/^(done)/);
  await until(async () => (await delivered(page)) >= warmUp + requests);
  return producer;
}
