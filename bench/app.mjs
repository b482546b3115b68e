// @ts-check
// The application under load: Express with a JSON hello and a 1 KB POST. argv: "off", "mirror", "copy" or "otel"; the replay
// server's port. Prints `listening PORT`; each line on standard input is answered with the CPU time used so far in µs: of the
// whole process, helpers that collect garbage included, and of the application's own thread.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [mode = "off", replay = "0"] = process.argv.slice(2);
if (mode === "otel") await startTelemetry();
const { default: express } = await import("express");
const app = express();
if (mode === "mirror") {
  const { mirror } = await import(process.env["SDK_PATH"] ?? "@mirrorball/sdk/express");
  app.use(mirror({ server: `127.0.0.1:${replay}` }));
} else if (mode === "copy") {
  app.use(await copier(Number(replay)));
}
app.get("/", (_req, res) => res.json({ hello: "world" }));
app.post("/echo", express.json(), (req, res) => res.json({ length: req.body.text.length }));
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listening ${typeof address === "object" && address !== null ? address.port : 0}`);
});
createInterface({ input: process.stdin }).on("line", () => {
  const { user, system } = process.cpuUsage();
  console.log(`cpu ${user + system} ${threadCpuUs()}`);
});

/** CPU time of this thread; NaN where the system does not tell. */
function threadCpuUs() {
  const { threadCpuUsage } = /** @type {{ threadCpuUsage?: () => NodeJS.CpuUsage }} */ (process);
  if (threadCpuUsage !== undefined) {
    const { user, system } = threadCpuUsage.call(process);
    return user + system;
  }
  try {
    // Milliseconds with six digits: far finer than the clock ticks of `stat`.
    const text = readFileSync(`/proc/self/task/${process.pid}/sched`, "utf8");
    return Math.round(Number(/^se\.sum_exec_runtime\s*:\s*([\d.]+)/m.exec(text)?.[1]) * 1000);
  } catch {
    return Number.NaN;
  }
}

/**
 * What people write by hand: send each request again over HTTP, bodies included.
 * @param {number} port
 */
async function copier(port) {
  const { Pool } = await import("undici");
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 16 });
  return (
    /** @type {import("express").Request} */ req,
    /** @type {import("express").Response} */ _res,
    /** @type {import("express").NextFunction} */ next,
  ) => {
    /** @type {Buffer[]} */
    const chunks = [];
    if (req.method === "POST") req.on("data", (chunk) => chunks.push(chunk));
    const send = () => {
      const body = chunks.length === 0 ? null : Buffer.concat(chunks);
      const { method } = req;
      pool
        .request({ path: req.originalUrl, method, headers: { "user-agent": "copy" }, body })
        .then((answer) => answer.body.dump())
        .catch(() => {});
    };
    if (req.method === "POST") req.on("end", send);
    else send();
    next();
  };
}

async function startTelemetry() {
  const [{ NodeSDK }, { HttpInstrumentation }, { ExpressInstrumentation }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/instrumentation-http"),
    import("@opentelemetry/instrumentation-express"),
  ]);
  const exporter = {
    /** @param {unknown} _spans @param {(result: { code: number }) => void} done */
    export: (_spans, done) => done({ code: 0 }),
    shutdown: async () => {},
  };
  new NodeSDK({
    traceExporter: exporter,
    instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()],
  }).start();
}
