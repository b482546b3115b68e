/**
 * The built page, read into memory once: nothing that a request says becomes a path. In: the folder that the build made. Out: a route a file, or
 * one sentence when it was not built.
 */
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Route } from "../route.ts";

/** From sources, as in tests, this file uses the built page. */
const FOLDER: string = fileURLToPath(
  import.meta.url.endsWith(".ts")
    ? new URL("../../../dist/page/", import.meta.url)
    : new URL("../../page/", import.meta.url),
);

const TYPES: ReadonlyMap<string, string> = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
  [".txt", "text/plain; charset=utf-8"],
]);
/** The names of built files hold a digest of what is in them. */
const FOR_EVER = "private, max-age=31536000, immutable";

export function assetRoutes(folder: string = FOLDER): Route[] {
  const page = route("/", join(folder, "index.html"), "no-store");
  const assets = readdirSync(join(folder, "assets")).map((name) =>
    route(`/assets/${name}`, join(folder, "assets", name), FOR_EVER),
  );
  return [page, ...assets];
}

function route(path: string, file: string, caching: string): Route {
  const type = TYPES.get(extname(file)) ?? "application/octet-stream";
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new Error(`${file} is missing: npm run build makes it`, { cause: error });
  }
  return {
    method: "GET",
    path,
    access: "inside",
    answer: (_, response) => {
      response.writeHead(200, {
        "content-type": type,
        "content-length": bytes.length,
        "cache-control": caching,
      });
      response.end(bytes);
    },
  };
}
