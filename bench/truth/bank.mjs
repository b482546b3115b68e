// @ts-check
// A small bank on Express that has what makes replays hard: logins, bearer tokens, cookies, CSRF fields, uuids, numbered ids, cursors, clocks,
// shuffled lists, nonces, floats with noise, gzip, HTML, CSV, NDJSON, server-sent events, images. One fault of `faults.mjs` may be switched on.
import express from "express";
import { accounts } from "./bank-accounts.mjs";
import { anybody } from "./bank-public.mjs";
import { signIn } from "./bank-sign-in.mjs";
import { web } from "./bank-web.mjs";
import { writes } from "./bank-writes.mjs";
import { makeLedger } from "./ledger.mjs";

/**
 * What the routes share.
 * @typedef {object} Bank
 * @property {ReturnType<typeof makeLedger>} ledger
 * @property {() => number} random
 * @property {(name: string) => boolean} has is this fault switched on?
 * @property {() => number} now
 * @property {() => number} served requests so far
 * @property {import("express").RequestHandler} signedIn
 * @property {import("express").RequestHandler} csrf
 * @property {(user: string) => import("./ledger.mjs").Session} openSession
 */

/**
 * @param {{ base: number, seed: number, clockMs?: number, fault?: string, mirror?: import("express").RequestHandler | undefined }} options
 */
export function makeBank({ base, seed, clockMs = 0, fault = "", mirror }) {
  const now = () => Date.now() + clockMs;
  const ledger = makeLedger({ base, seed, now });
  let served = 0;
  const app = express();
  app.set("x-powered-by", false);
  if (mirror !== undefined) app.use(mirror);
  app.use(express.json(), express.urlencoded({ extended: false }));
  const has = (/** @type {string} */ name) => name === fault;
  app.use((_req, res, next) => {
    served += 1;
    res.set("x-request-id", has("request-id format") ? String(served) : ledger.uuid());
    res.set("x-served-by", `node-${1 + Math.floor(ledger.random() * 3)}`);
    if (!has("security header lost")) res.set("x-frame-options", "DENY");
    if (has("header added everywhere")) res.set("x-debug", "on");
    next();
  });
  /** @type {Bank} */
  const bank = {
    ledger,
    random: ledger.random,
    has,
    now,
    served: () => served,
    ...guards(ledger, has),
  };
  for (const routes of [web, signIn, accounts, writes, anybody]) routes(app, bank);
  app.use(badJson);
  return app;
}

/** @type {import("express").ErrorRequestHandler} */
const badJson = (error, _req, res, _next) => {
  res.status(400).json({ error: { code: "BAD_JSON", message: error.name } });
};

/** Who asks, and whether a form is his. @param {ReturnType<typeof makeLedger>} ledger @param {(name: string) => boolean} has */
function guards(ledger, has) {
  /** @param {import("express").Request} req */
  function sessionOf(req) {
    const bearer = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1];
    const cookie = /(?:^|; )sid=([^;]+)/.exec(req.headers.cookie ?? "")?.[1];
    return ledger.sessions.get(bearer ?? cookie ?? "");
  }

  /** @type {import("express").RequestHandler} */
  const signedIn = (req, res, next) => {
    const session = sessionOf(req);
    if (session === undefined) {
      if (!has("www-authenticate lost")) res.set("www-authenticate", 'Bearer realm="bank"');
      res.status(401).json({ error: { code: "UNAUTHENTICATED", message: "sign in first" } });
      return;
    }
    res.locals["session"] = session;
    res.locals["customer"] = ledger.customerOf(session.user);
    next();
  };
  /** @type {import("express").RequestHandler} */
  const csrf = (req, res, next) => {
    const { session } = res.locals;
    const given = req.headers["x-csrf-token"] ?? req.body?._csrf;
    if (req.headers.authorization !== undefined || given === session.csrf) return next();
    res.status(403).json({ error: { code: "CSRF", message: "wrong token" } });
  };

  /** @param {string} user */
  function openSession(user) {
    const session = { token: ledger.token(), csrf: ledger.hex(16), user, refresh: ledger.token() };
    ledger.sessions.set(session.token, session);
    ledger.refreshes.set(session.refresh, session);
    return session;
  }

  return { signedIn, csrf, openSession };
}
