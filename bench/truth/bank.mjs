// @ts-check
// A small bank on Express that has what makes replays hard: logins, bearer tokens, cookies, CSRF fields, uuids, numbered ids, cursors, clocks,
// shuffled lists, nonces, floats with noise, gzip, HTML, CSV, NDJSON, server-sent events, images. One fault of `faults.mjs` may be switched on.
import { gzipSync } from "node:zlib";
import express from "express";
import { makeLedger } from "./ledger.mjs";
import { web } from "./bank-web.mjs";
import { png } from "./pictures.mjs";
import { shuffled } from "./random.mjs";

const VAT = 0.19;

/**
 * @param {{ base: number, seed: number, clockMs?: number, fault?: string, mirror?: import("express").RequestHandler }} options
 */
export function makeBank({ base, seed, clockMs = 0, fault = "", mirror }) {
  const now = () => Date.now() + clockMs;
  const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();
  const ledger = makeLedger({ base, seed, now });
  const { random } = ledger;
  const has = (/** @type {string} */ name) => name === fault;
  let served = 0;
  const app = express();
  app.set("x-powered-by", false);
  if (mirror !== undefined) app.use(mirror);
  app.use(express.json(), express.urlencoded({ extended: false }));
  app.use((_req, res, next) => {
    served += 1;
    res.set("x-request-id", has("request-id format") ? String(served) : ledger.uuid());
    res.set("x-served-by", `node-${1 + Math.floor(random() * 3)}`);
    if (!has("security header lost")) res.set("x-frame-options", "DENY");
    if (has("header added everywhere")) res.set("x-debug", "on");
    next();
  });

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

  web(app, { ledger, has, now, signedIn, csrf, openSession, sessionOf });

  app.post("/api/token", (req, res) => {
    const customer = ledger.customerOf(String(req.body?.user));
    if (customer === undefined || customer.password !== req.body.password) {
      if (!has("www-authenticate lost")) res.set("www-authenticate", 'Bearer realm="bank"');
      const code = has("wrong error code") ? "DENIED" : "BAD_CREDENTIALS";
      res.status(401).json({ error: { code, message: "user or password is wrong" } });
      return;
    }
    const session = openSession(customer.user);
    res.set("cache-control", has("stale cache-control") ? "public, max-age=600" : "no-store");
    res.json({
      access_token: session.token,
      refresh_token: session.refresh,
      token_type: "Bearer",
      expires_in: 3600,
      expires_at: iso(now() + (has("wrong expiry") ? 7_200_000 : 3_600_000)),
      user: { uuid: customer.uuid, name: customer.name },
    });
  });
  app.post("/api/token/refresh", (req, res) => {
    const old = ledger.refreshes.get(String(req.body?.refresh_token));
    if (old === undefined) {
      res.status(400).json({ error: { code: "BAD_REFRESH", message: "unknown token" } });
      return;
    }
    ledger.refreshes.delete(old.refresh);
    const session = openSession(old.user);
    res.json({ access_token: session.token, refresh_token: session.refresh, expires_in: 3600 });
  });
  app.post("/api/logout", signedIn, (_req, res) => {
    ledger.sessions.delete(res.locals["session"].token);
    res.status(204).end();
  });

  app.get("/api/me", signedIn, (_req, res) => {
    const { customer } = res.locals;
    /** @type {Record<string, unknown>} */
    const me = {
      uuid: customer.uuid,
      user: customer.user,
      name: has("unicode broken") ? Buffer.from(customer.name).toString("latin1") : customer.name,
      email: has("swapped fields") ? customer.user : customer.email,
      tier: has("enum case") ? customer.tier.toLowerCase() : customer.tier,
      phone: has("null for one user") && customer.user === "user04" ? null : customer.phone,
      limits: { daily: 5000, single: has("wrong value") ? 1000 : 2500, currency: "EUR" },
      verified: has("wrong type") ? "true" : true,
      nonce: ledger.hex(4),
      lastSeen: iso(now() + (has("time zone shift") ? 7_200_000 : 0)),
    };
    if (has("swapped fields")) me["user"] = customer.email;
    if (has("missing field")) delete me["tier"];
    if (has("added field")) me["passwordHash"] = "x".repeat(20);
    if (has("epoch for iso")) me["lastSeen"] = now();
    res.json(me);
  });

  /** @param {import("./ledger.mjs").Account} account */
  function accountView(account) {
    return {
      uuid: account.uuid,
      id: has("id format") ? `A${account.id}` : account.id,
      number: has("number format") ? account.number.replace("ACC-", "ACC/0") : account.number,
      currency: account.currency,
      balance: has("number as string") ? (account.cents / 100).toFixed(2) : account.cents / 100,
      nickname: account.nickname,
      openedAt: has("date format")
        ? account.openedAt.split("-").reverse().join(".")
        : account.openedAt,
    };
  }
  app.get("/api/accounts", signedIn, (_req, res) => {
    let { accounts } = res.locals["customer"];
    if (has("truncated list")) accounts = accounts.slice(0, -1);
    if (has("duplicate element")) accounts = [...accounts, accounts[0]];
    if (has("another tenant's data") && served % 3 === 0) {
      const at = ledger.customers.indexOf(res.locals["customer"]);
      accounts = ledger.customers[(at + 1) % ledger.customers.length]?.accounts ?? [];
    }
    res.json({ accounts: shuffled(random, accounts).map(accountView), asOf: now() });
  });
  /** @type {import("express").RequestHandler} */
  const own = (req, res, next) => {
    const account = ledger.accountOf(String(req.params["uuid"]));
    if (account === undefined || account.owner !== res.locals["session"].user) {
      const status = has("404 as 400") ? 400 : 404;
      res
        .status(status)
        .json({ error: { code: "NO_ACCOUNT", message: "there is no such account" } });
      return;
    }
    res.locals["account"] = account;
    next();
  };
  app.get("/api/accounts/:uuid", signedIn, own, (req, res) => {
    const { account } = res.locals;
    if (has("empty body")) return res.status(200).type("json").end();
    const body = {
      ...accountView(account),
      score: 0.5 + random() * 1e-9,
      interest: has("float precision") ? Math.fround(0.0175) : 0.0175,
      available: has("rounding") ? Math.round(account.cents / 100) : account.cents / 100,
      entries: account.entries.length,
      links: {
        self: `http://${req.headers.host}/api/accounts/${account.uuid}`,
        entries: has("link elsewhere")
          ? `/v2/accounts/${account.uuid}/entries`
          : `/api/accounts/${account.uuid}/entries`,
      },
    };
    if (has("another customer's uuid")) {
      const at = ledger.customers.findIndex(({ user }) => user === account.owner);
      body.uuid = ledger.customers[(at + 1) % 20]?.accounts[0]?.uuid;
    }
    res.json(body);
  });
  app.get("/api/accounts/:uuid/entries", signedIn, own, (req, res) => {
    const { account } = res.locals;
    const limit = Math.min(50, Number(req.query["limit"] ?? 5));
    let from = 0;
    if (req.query["cursor"] !== undefined) {
      const text = Buffer.from(String(req.query["cursor"]), "base64url").toString();
      const at = account.entries.findIndex(
        (/** @type {{ id: number }} */ { id }) =>
          text === JSON.stringify({ after: id, of: account.uuid }),
      );
      if (at < 0) {
        res.status(400).json({ error: { code: "BAD_CURSOR", message: "unknown cursor" } });
        return;
      }
      from = at + 1;
      if (has("off-by-one page")) from = at;
    }
    const page = account.entries.slice(from, from + limit);
    const last = page.at(-1);
    const after = has("broken cursor") ? Number(last?.id) + 7_000_000 : last?.id;
    const isEnd = from + limit >= account.entries.length;
    const items = page.map((/** @type {import("./ledger.mjs").Entry} */ each) => ({
      id: each.id,
      at: has("time format") ? new Date(each.at).toUTCString() : iso(each.at),
      amount: has("sign turned") ? -each.cents / 100 : each.cents / 100,
      kind: each.kind,
      text: each.text,
    }));
    if (has("order of a list")) items.reverse();
    const next = Buffer.from(JSON.stringify({ after, of: account.uuid })).toString("base64url");
    res.json({ items, next: isEnd ? null : next, total: account.entries.length });
  });
  app.get("/api/accounts/:uuid/statement.csv", signedIn, own, (_req, res) => {
    const { account } = res.locals;
    const lines = account.entries.map((/** @type {import("./ledger.mjs").Entry} */ each) => {
      const amount = (each.cents / 100).toFixed(has("csv decimals") ? 1 : 2);
      return has("csv columns swapped")
        ? `${each.id},${amount},${each.text},${each.kind}`
        : `${each.id},${each.text},${amount},${each.kind}`;
    });
    if (has("csv row lost")) lines.splice(3, 1);
    res.type(has("wrong content-type") ? "text/plain" : "text/csv");
    res.set("content-disposition", 'attachment; filename="statement.csv"');
    res.send(`id,text,amount,kind\n${lines.join("\n")}\n`);
  });
  app.get("/api/accounts/:uuid/export", signedIn, own, (_req, res) => {
    const { account } = res.locals;
    res.type("application/x-ndjson");
    for (const { id, cents, text } of account.entries) {
      const extra = has("ndjson field") ? { note: "" } : {};
      res.write(`${JSON.stringify({ id, cents, text, ...extra })}\n`);
    }
    res.end();
  });
  app.get("/api/accounts/:uuid/events", signedIn, own, (_req, res) => {
    const { account } = res.locals;
    res.type("text/event-stream");
    const last = account.entries.slice(-4);
    for (const [i, { id, cents, kind }] of last.entries()) {
      if (has("event lost") && i === 2) continue;
      const name = has("event renamed") ? "entries" : "entry";
      res.write(
        `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify({ cents, kind, at: iso(now()) })}\n\n`,
      );
    }
    res.write(": heartbeat\n\n");
    res.end("event: end\ndata: done\n\n");
  });

  app.post("/api/transfers", signedIn, csrf, (req, res) => {
    const { from, to, amount, note } = req.body ?? {};
    const { user } = res.locals["session"];
    const cents = Math.round(Number(amount) * 100);
    if (!(cents > 0)) {
      const details = [{ field: "amount", rule: "positive" }];
      res
        .status(400)
        .json({ error: { code: "BAD_AMOUNT", message: "amount must be above 0", details } });
      return;
    }
    const source = ledger.accountOf(String(from));
    const target = ledger.accountOf(String(to));
    if (source === undefined || target === undefined || source.owner !== user) {
      res.status(404).json({ error: { code: "NO_ACCOUNT", message: "there is no such account" } });
      return;
    }
    const isRefused = has("refused write for one user") && user === "user07";
    if (cents > source.cents || isRefused) {
      res.status(409).json({
        error: {
          code: "FUNDS",
          message: "not enough money",
          missing: Math.max(0, cents - source.cents) / 100,
        },
      });
      return;
    }
    const booked = has("rounding on write") ? Math.round(cents / 100) * 100 : cents;
    source.cents -= booked;
    target.cents += booked;
    const id = ledger.id();
    source.entries.push({
      id: ledger.id(),
      at: now(),
      cents: -booked,
      text: String(note),
      kind: "DEBIT",
    });
    target.entries.push({
      id: ledger.id(),
      at: now(),
      cents: booked,
      text: String(note),
      kind: "CREDIT",
    });
    const transfer = {
      id,
      from,
      to,
      cents: booked,
      note: String(note),
      status: "BOOKED",
      at: now(),
      user,
    };
    ledger.transfers.set(id, transfer);
    if (!has("location lost")) res.set("location", `/api/transfers/${id}`);
    res.status(has("200 for 201") ? 200 : 201).json(transferView(transfer));
  });
  /** @param {import("./ledger.mjs").Transfer} transfer */
  function transferView({ id, from, to, cents, note, status, at }) {
    const [x, y] = has("ids mixed") ? [to, from] : [from, to];
    return { id, from: x, to: y, amount: cents / 100, note, status, at: iso(at) };
  }
  app.get("/api/transfers/:id", signedIn, (req, res) => {
    const transfer = ledger.transfers.get(Number(req.params["id"]));
    if (transfer === undefined || transfer.user !== res.locals["session"].user) {
      res
        .status(404)
        .json({ error: { code: "NO_TRANSFER", message: "there is no such transfer" } });
      return;
    }
    const view = transferView(transfer);
    if (has("status field stale")) view.status = "PENDING";
    res.json(view);
  });

  /** @param {import("./ledger.mjs").Order} order */
  function orderView({ number, lines, status, at }) {
    const net = lines.reduce((sum, { qty, cents }) => sum + qty * cents, 0);
    const rate = has("wrong tax") ? 0.16 : VAT;
    return {
      number,
      status,
      lines: lines.map(({ sku, qty, cents }) => ({ sku, qty, price: cents / 100 })),
      net: net / 100,
      tax: Math.round(net * rate) / 100,
      createdAt: Math.floor(at / 1000),
      expiresAt: Math.floor(at / 1000) + (has("wrong epoch expiry") ? 3600 : 1800),
    };
  }
  /** @type {import("express").RequestHandler} */
  const ownOrder = (req, res, next) => {
    const order = ledger.orders.get(String(req.params["number"]));
    if (order === undefined || order.user !== res.locals["session"].user) {
      res.status(404).json({ error: { code: "NO_ORDER", message: "there is no such order" } });
      return;
    }
    res.locals["order"] = order;
    next();
  };
  app.post("/api/orders", signedIn, csrf, (req, res) => {
    const lines = (Array.isArray(req.body?.items) ? req.body.items : []).map(
      (/** @type {{ sku: string, qty: number }} */ { sku, qty }) => ({
        sku,
        qty,
        cents: ledger.products.find((each) => each.sku === sku)?.cents ?? 0,
      }),
    );
    if (lines.length === 0) {
      res.status(400).json({ error: { code: "EMPTY", message: "an order needs items" } });
      return;
    }
    const order = {
      number: `ORD-${ledger.id()}`,
      user: res.locals["session"].user,
      lines,
      status: "OPEN",
      at: now(),
    };
    ledger.orders.set(order.number, order);
    res.status(201).set("location", `/api/orders/${order.number}`).json(orderView(order));
  });
  app.get("/api/orders/:number", signedIn, ownOrder, (_req, res) => {
    res.json(orderView(res.locals["order"]));
  });
  app.post("/api/orders/:number/confirm", signedIn, csrf, ownOrder, (_req, res) => {
    const { order } = res.locals;
    if (order.status !== "OPEN" && !has("conflict not seen")) {
      res.status(409).json({ error: { code: "NOT_OPEN", message: `order is ${order.status}` } });
      return;
    }
    order.status = "CONFIRMED";
    res.json(orderView(order));
  });

  app.get("/api/products", async (req, res) => {
    const size = 6;
    const page = Number(req.query["page"] ?? 1);
    if (!(page >= 1 && page <= 100)) {
      res.status(400).json({ error: { code: "BAD_PAGE", message: "page must be from 1 to 100" } });
      return;
    }
    if (has("slow endpoint")) await new Promise((resolve) => setTimeout(resolve, 60));
    const at = (page - 1) * size;
    const items = ledger.products.slice(at, at + size).map(({ cents, tags, ...rest }) => ({
      ...rest,
      price: cents / 100,
      tags: shuffled(random, tags),
    }));
    if (has("tag lost"))
      for (const item of items) item.tags = item.tags.filter((tag) => tag !== "tea");
    const body = { page, pages: Math.ceil(ledger.products.length / size), items };
    const text = JSON.stringify(has("body of another kind") ? items : body);
    res.type("json").set("vary", "accept-encoding").set("cache-control", "public, max-age=60");
    if (has("lost content-encoding")) res.send(text);
    else res.set("content-encoding", "gzip").send(gzipSync(text));
  });
  app.get("/api/rates", (_req, res) => {
    if (has("rare 500") && served % 5 === 0) {
      res.status(500).json({ error: { code: "INTERNAL", message: "oops" } });
      return;
    }
    const eur = has("rate out of range") ? 11.2 : 1.1;
    res.json({
      id: ledger.uuid(),
      stamp: Math.floor(now() / 1000),
      rates: [
        { pair: "EURUSD", bid: eur + random() * 0.01, volume: Math.floor(random() * 1e6) },
        { pair: "EURCHF", bid: 0.95 + random() * 0.01, volume: Math.floor(random() * 1e6) },
      ],
    });
  });
  app.get("/api/search", (req, res) => {
    const q = String(req.query["q"] ?? "");
    const hits = ledger.products.filter(({ title }) => title.includes(q));
    const listed = has("search misses") ? hits.slice(1) : hits;
    res.json({
      q,
      count: listed.length,
      hits: listed.map(({ sku, title }) => ({ sku, title })),
      tookMs: Math.floor(random() * 9),
    });
  });
  app.get("/api/big", (_req, res) => {
    const last = has("big number rounded") ? "9007199254740992" : "9007199254740993";
    res
      .type("json")
      .send(`{"sequence":${last},"byCurrency":{"EUR":${ledger.products.length},"USD":2}}`);
  });
  app.get("/u/:user", (req, res) => {
    const customer = ledger.customerOf(String(req.params["user"]));
    if (customer === undefined) {
      res.status(404).json({ error: { code: "NO_USER", message: "there is no such user" } });
      return;
    }
    const member = has("nested rename") ? { level: customer.tier } : { tier: customer.tier };
    res.json({
      user: customer.user,
      name: customer.name,
      member,
      joined: customer.accounts[0]?.openedAt,
    });
  });
  app.get("/u/:user/avatar.png", (req, res) => {
    const image = png(String(req.params["user"]), has("image bytes"));
    res.type("png").set("cache-control", "public, max-age=3600, immutable").send(image);
  });
  app.get("/api/admin/customers", signedIn, (req, res) => {
    if (!res.locals["customer"].isAdmin) {
      const status = has("403 as 404") ? 404 : 403;
      res.status(status).json({ error: { code: "FORBIDDEN", message: "admins only" } });
      return;
    }
    const offset = Number(req.query["offset"] ?? 0);
    const listed = ledger.customers.slice(offset, offset + 5);
    res.set("x-total-count", String(has("total count wrong") ? 19 : ledger.customers.length));
    res.json(
      listed.map(({ uuid, user, name, email, tier }) => ({
        uuid,
        user,
        name,
        email: has("masked field") ? "***" : email,
        tier,
      })),
    );
  });
  app.get("/api/clock", (_req, res) => {
    const at = now();
    res.set("last-modified", new Date(at - 60_000).toUTCString());
    res.set("expires", new Date(at + (has("expires header") ? 3_600_000 : 60_000)).toUTCString());
    res.json({
      iso: iso(at),
      seconds: Math.floor(at / 1000),
      ms: at,
      day: iso(at).slice(0, 10),
      http: new Date(at).toUTCString(),
    });
  });
  app.use(
    (
      /** @type {Error} */ error,
      /** @type {import("express").Request} */ _req,
      /** @type {import("express").Response} */ res,
      /** @type {() => void} */ _next,
    ) => {
      res.status(400).json({ error: { code: "BAD_JSON", message: error.name } });
    },
  );
  return app;
}
