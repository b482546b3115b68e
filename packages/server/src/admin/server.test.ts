// The admin server on real sockets: what a browser, an attacker's page and a program of this machine get.
import { get } from "node:https";
import { connect } from "node:net";
import type { TlsOptions } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { certificate, ofAuthority } from "../../test/certificate.ts";
import { countersRoute } from "./counters-route.ts";
import { sendText } from "./route.ts";
import type { Route } from "./route.ts";
import { AdminServer } from "./server.ts";

const servers: AdminServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serving(routes: readonly Route[], hasToken = true, tls?: TlsOptions) {
  const urls: string[] = [];
  let origin = "";
  const server = new AdminServer({
    address: { host: "127.0.0.1", port: 0, path: undefined },
    tls,
    hosts: [],
    routes,
    notFound: "nothing here\n",
    listening: (at) => (origin = at),
    entrance: hasToken ? (url) => urls.push(url) : undefined,
  });
  servers.push(server);
  await server.open();
  return { origin, urls, port: Number(new URL(origin).port) };
}

/** Sends bytes as they are and gives all that comes back. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(text));
    socket.on("data", (piece: Buffer) => (answer += piece.toString("latin1")));
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

const inside: Route = {
  method: "GET",
  path: "/",
  access: "inside",
  answer: (_, response) => sendText(response, 200, "the traffic"),
};

describe("the entrance", () => {
  it("leads from the token to a cookie and an address without it, and only its bearer sees anything", async () => {
    const { port, urls } = await serving([inside]);
    const { pathname, search } = new URL(urls[0] ?? "");
    const host = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n`;
    const entered = await raw(port, `GET ${pathname}${search} HTTP/1.1\r\n${host}\r\n`);
    expect(entered).toMatch(/^HTTP\/1\.1 303 /);
    expect(entered).toMatch(/^location: \/\r$/im);
    const cookie = /^set-cookie: ([^;]+);/im.exec(entered)?.[1] ?? "";
    const seen = await raw(port, `GET / HTTP/1.1\r\n${host}Cookie: ${cookie}\r\n\r\n`);
    expect(seen).toContain("the traffic");
    for (const head of [
      `GET / HTTP/1.1\r\n${host}\r\n`,
      `GET ${pathname}${search} HTTP/1.1\r\n${host}\r\n`,
      `GET / HTTP/1.1\r\nHost: attacker.example:${port}\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}Cookie: ${cookie}\r\nOrigin: http://attacker.example\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}Cookie: ${cookie}\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}Cookie: ${cookie}\r\nContent-Length: 0\r\n\r\n`,
    ]) {
      const answer = await raw(port, head);
      expect(answer, head).toMatch(/^HTTP\/1\.1 40[13] /);
      expect(answer, head).not.toContain("the traffic");
    }
    expect(urls).toHaveLength(2);
  });

  it("tells nobody without the cookie what is there and what is not", async () => {
    const { port } = await serving([inside]);
    const host = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n`;
    for (const path of ["/", "/nothing", "/api/rows", "/../../etc/passwd"]) {
      const answer = await raw(port, `GET ${path} HTTP/1.1\r\n${host}\r\n`);
      expect(answer, path).toMatch(/^HTTP\/1\.1 401 /);
    }
  });
});

describe("with an authority for clients", () => {
  // As the flags' reader gives it: peers of other listeners get as far as to be told why they are refused.
  const tls = { ...certificate, ca: ofAuthority.authority, requestCert: true, rejectUnauthorized: false }; // prettier-ignore
  /** The status, or the code of the error. */
  const asked = (port: number, own: { cert?: string; key?: string }): Promise<unknown> =>
    new Promise((resolve) => {
      get({ port, host: "127.0.0.1", agent: false, ca: certificate.cert, ...own }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      }).on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    });

  it("nobody comes in without a certificate of it", async () => {
    const { port } = await serving([inside], true, tls);
    const { staging, expired, key } = ofAuthority;
    expect(await asked(port, { cert: staging, key })).toBe(401);
    for (const own of [{}, { cert: expired, key }, certificate]) {
      expect(await asked(port, own)).toMatch(/^(?:ERR_SSL_|ECONNRESET|EPIPE)/);
    }
  });
});

describe("every answer", () => {
  it("says that nothing runs but our own files, and that nobody keeps, frames or guesses it", async () => {
    const { port } = await serving([inside]);
    const answer = await raw(
      port,
      `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^content-security-policy: default-src 'none'; script-src 'self';/im);
    expect(answer).not.toContain("unsafe");
    expect(answer).toMatch(/^cache-control: no-store\r$/im);
    expect(answer).toMatch(/^x-content-type-options: nosniff\r$/im);
    expect(answer).toMatch(/^x-frame-options: DENY\r$/im);
    expect(answer).toMatch(/^referrer-policy: no-referrer\r$/im);
  });

  it("survives what is no HTTP, half of it, and a route that throws", async () => {
    const broken: Route = {
      ...inside,
      access: "open",
      path: "/broken",
      answer: () => Promise.reject(new Error("it broke")),
    };
    const { port } = await serving([broken]);
    await raw(port, "\u0000\u0001\u0002");
    await raw(port, "GET / HT");
    const head = `Host: localhost\r\nConnection: close\r\n\r\n`;
    expect(await raw(port, `GET /broken HTTP/1.1\r\n${head}`)).toContain("it broke");
    expect(await raw(port, `GET /broken HTTP/1.1\r\n${head}`)).toMatch(/^HTTP\/1\.1 500 /);
  });
});

describe("counters alone", () => {
  it("need no token, and are plain ASCII without markup whatever they hold", async () => {
    const { origin, urls } = await serving(
      [countersRoute("open", () => ({ name: "<script>\u2028é&" }))],
      false,
    );
    expect(urls).toEqual([]);
    const text = await (await fetch(`${origin}/debug/vars`)).text();
    expect(text).toBe('{"name":"\\u003cscript\\u003e\\u2028\\u00e9\\u0026"}');
    const missing = await fetch(`${origin}/else`);
    expect([missing.status, await missing.text()]).toEqual([404, "nothing here\n"]);
  });
});
