// Services that are not ESM: Jest and ts-node. The real tools run in a folder of their own.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
// Inside the workspace, so that packages are found as in a service that has installed them; ignored by git.
mkdirSync(join(root, ".cache"), { recursive: true });
const folder = mkdtempSync(join(root, ".cache", "commonjs-"));
const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const tool = (path: string): string => join(root, "node_modules", path);

/** A service in TypeScript that is compiled to CommonJS; it prints what it got. */
const SERVICE = `
import type { MirrorStats } from "@mirrorball/sdk/express";
import { mirror } from "@mirrorball/sdk/express";
const middleware = mirror({ server: "127.0.0.1:9", log: () => {} });
const stats: MirrorStats = middleware.stats();
console.log(typeof middleware, stats.offered);
void middleware.close({ timeoutMs: 0 });
`;

beforeAll(() => {
  put("package.json", JSON.stringify({ name: "service", type: "commonjs", private: true }));
  put("service.ts", SERVICE);
  put(
    "service.test.js",
    `const { mirror } = require("@mirrorball/sdk/express");
     test("is a middleware", async () => {
       const middleware = mirror({ server: "127.0.0.1:9", log: () => {} });
       expect(middleware.stats().offered).toBe(0);
       await middleware.close({ timeoutMs: 0 });
     });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("Jest takes it by require", async () => {
  const { stderr } = await run(
    process.execPath,
    [tool("jest/bin/jest.js"), "--rootDir", folder, "--config", "{}", "--ci"],
    { cwd: folder, env: { ...process.env, NODE_OPTIONS: "" } },
  );
  expect(stderr).toContain("1 passed");
});

it("ts-node takes it in a CommonJS service", async () => {
  const { stdout } = await run(
    process.execPath,
    ["-r", tool("ts-node/register/index.js"), "service.ts"],
    {
      cwd: folder,
      env: {
        ...process.env,
        TS_NODE_COMPILER: tool("typescript5"),
        TS_NODE_COMPILER_OPTIONS: JSON.stringify({
          module: "commonjs",
          moduleResolution: "node10",
          ignoreDeprecations: "5.0",
          types: ["node"],
          typeRoots: [tool("@types")],
          skipLibCheck: true,
        }),
      },
    },
  );
  expect(stdout).toBe("function 0\n");
});
