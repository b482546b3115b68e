// What stands in for the host's request once that is over.
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { talk } from "../../test/wire.ts";
import { bareCopyOf } from "./bare-request.ts";

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

it("says what the wire said, how it ended and which route, and holds nothing else", async () => {
  let seen: IncomingMessage | undefined;
  let bare: IncomingMessage | undefined;
  const host = createServer((req, res) => {
    Object.assign(req, { user: {}, baseUrl: "/base", route: { path: "/:id", stack: [{}] } });
    req.resume().on("end", () => {
      seen = req;
      bare = bareCopyOf(req);
      res.end();
    });
  });
  closers.push(() => host.close());
  await once(host.listen(0, "127.0.0.1"), "listening");
  const fields = "Host: a\r\nCookie: b=1\r\nCookie: c=2\r\nX-A: 1\r\nx-a: 2\r\n__proto__: 3\r\n";
  const framing = "Connection: close\r\nTransfer-Encoding: chunked\r\n";
  const body = "1\r\nx\r\n0\r\nX-T: 1\r\n\r\n";
  await talk(
    (host.address() as AddressInfo).port,
    `PUT /p?q HTTP/1.1\r\n${fields}${framing}\r\n${body}`,
  );
  expect(bare).toMatchObject({
    method: "PUT",
    url: "/p?q",
    httpVersion: "1.1",
    httpVersionMajor: 1,
    complete: true,
    rawTrailers: ["X-T", "1"],
    baseUrl: "/base",
    route: { path: "/:id" },
  });
  expect(bare?.rawHeaders).toEqual(seen?.rawHeaders);
  expect({ ...bare?.headers }).toMatchObject({ cookie: "b=1; c=2", "x-a": "1, 2", host: "a" });
  expect(Object.keys(bare ?? {})).not.toContain("user");
  expect([bare?.socket, Object.keys({ ...(bare as { route?: object }).route })]).toEqual([
    undefined,
    ["path"],
  ]);
});
