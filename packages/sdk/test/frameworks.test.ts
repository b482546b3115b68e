// Every framework with its real package, loaded by import and by require, in a process of its own: the bytes a client sees are
// the same with the mirror and without, and the whole server is mirrored whatever ran before the middleware.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { Sink } from "./sink.ts";
import { ask, talk, undated } from "./wire.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** `[binding, module]` pairs and the program that uses them; it must print `listening PORT`. */
interface Program {
  readonly modules: readonly (readonly [binding: string, module: string])[];
  readonly code: string;
}

const LISTEN = `.listen(0, "127.0.0.1", function () { console.log("listening " + this.address().port) });`;

function express(module: string): Program {
  return {
    modules: [["express", module], ["{ mirror }", "@mirrorball/sdk/express"]],
    code: `const app = express();
      app.use((req, res, next) => (req.url === "/early" ? res.send("early") : next()));
      app.use(mirror());
      app.get("/", (req, res) => res.json({ hello: "world" }));
      app.post("/items/:id", express.json(), (req, res) => res.status(201).json(req.body));
      app${LISTEN}`,
  }; // prettier-ignore
}

function koa(module: string): Program {
  return {
    modules: [["Koa", module], ["{ mirror }", "@mirrorball/sdk/koa"]],
    code: `const app = new Koa();
      app.use((ctx, next) => { if (ctx.path !== "/early") return next(); ctx.body = "early"; });
      app.use(mirror());
      app.use(async (ctx) => {
        if (ctx.path === "/") ctx.body = { hello: "world" };
        else if (ctx.method === "POST") { ctx.status = 201; ctx.body = ctx.req; }
      });
      app${LISTEN}`,
  }; // prettier-ignore
}

const PROGRAMS: Record<string, Program> = {
  "Express 5": express("express"),
  "Express 4": express("express4"),
  "Koa 3": koa("koa"),
  "Koa 2": koa("koa2"),
  "plain http": {
    modules: [["{ createServer }", "node:http"], ["{ createMirror }", "@mirrorball/sdk"]],
    code: `createMirror().attach(createServer((req, res) => {
        if (req.method === "POST") { res.statusCode = 201; req.pipe(res); }
        else res.end(req.url === "/early" ? "early" : '{"hello":"world"}');
      }))${LISTEN}`,
  },
  Fastify: {
    modules: [["Fastify", "fastify"], ["{ createMirror }", "@mirrorball/sdk"]],
    code: `const app = Fastify();
      createMirror().attach(app.server);
      app.get("/early", () => "early");
      app.get("/", () => ({ hello: "world" }));
      app.post("/items/:id", (req, reply) => reply.code(201).send(req.body));
      app.listen({ port: 0, host: "127.0.0.1" }).then(() => console.log("listening " + app.server.address().port));`,
  },
  Hono: {
    modules: [["{ Hono }", "hono"], ["{ serve }", "@hono/node-server"], ["{ createMirror }", "@mirrorball/sdk"]],
    code: `const app = new Hono();
      app.get("/early", (c) => c.text("early"));
      app.get("/", (c) => c.json({ hello: "world" }));
      app.post("/items/:id", async (c) => c.json(await c.req.json(), 201));
      const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => console.log("listening " + info.port));
      createMirror().attach(server);`,
  },
  register: {
    modules: [["express", "express"]],
    code: `const app = express();
      app.get("/early", (req, res) => res.send("early"));
      app.get("/", (req, res) => res.json({ hello: "world" }));
      app.post("/items/:id", express.json(), (req, res) => res.status(201).json(req.body));
      app${LISTEN}`,
  },
}; // prettier-ignore

function start(
  name: string,
  loader: "import" | "require",
  env: Record<string, string>,
): Promise<number> {
  const { modules, code } = PROGRAMS[name] ?? { modules: [], code: "" };
  const lines = modules.map(([binding, module]) =>
    loader === "import"
      ? `import ${binding} from "${module}";`
      : `const ${binding} = require("${module}");`,
  );
  const child = spawn(
    process.execPath,
    [
      ...(name === "register" ? ["--import", "@mirrorball/sdk/register"] : []),
      `--input-type=${loader === "import" ? "module" : "commonjs"}`,
      "-e",
      `${lines.join("\n")}\n${code}`,
    ],
    { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  closers.push(() => child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    child.once("close", (code2) => reject(new Error(`${name} ended with ${code2}: ${stderr}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const port = /^listening (\d+)$/.exec(line)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

const BODY = '{"n":1.50,"text":"gr\u00fc\u00df"}';
const BODY_BYTES = Buffer.from(BODY);
const REQUESTS: Buffer[] = [
  Buffer.from(ask("GET /early")),
  Buffer.from(ask("GET /")),
  Buffer.concat([
    Buffer.from(
      ask("POST /items/7?x=1", [
        "Content-Type: application/json",
        `Content-Length: ${BODY_BYTES.length}`,
      ]),
    ),
    BODY_BYTES,
  ]),
  Buffer.from(ask("GET /nothing/here")),
  Buffer.from(ask("HEAD /")),
];

describe.each(Object.keys(PROGRAMS))("%s", (name) => {
  it.each(["import", "require"] as const)(
    "loaded by %s: same bytes, all of it recorded",
    async (loader) => {
      const sink = await Sink.listen();
      closers.push(() => sink.close());
      const [plain, teed] = await Promise.all([
        start(name, loader, { MIRRORBALL_DISABLED: "1" }),
        start(name, loader, { MIRRORBALL_SERVER: sink.address, MIRRORBALL_SERVICE: "twin" }),
      ]);
      for (const request of REQUESTS) {
        expect(undated(await talk(teed, request))).toBe(undated(await talk(plain, request)));
      }
      const records = await sink.exchanges(REQUESTS.length);
      const sorted = records.toSorted((a, b) => a[2] - b[2]);
      expect(sorted.map((record) => `${record[7]} ${record[8]}`)).toEqual([
        "GET /early",
        "GET /",
        "POST /items/7?x=1",
        "GET /nothing/here",
        "HEAD /",
      ]);
      const post = sorted[2];
      expect(Buffer.from(post?.[11] ?? []).equals(BODY_BYTES)).toBe(true);
      expect(post?.[16]).toMatch(/^HTTP\/1\.1 201 /);
      if (name.startsWith("Express")) expect(post?.[20]).toBe("/items/:id");
    },
  );
});
