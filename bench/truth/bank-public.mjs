// @ts-check
// What anybody may see, and the administrator: products, rates, people, pictures, the time.
import { gzipSync } from "node:zlib";
import { png } from "./pictures.mjs";
import { shuffled } from "./random.mjs";

const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
export function anybody(app, bank) {
  products(app, bank);
  rates(app, bank);
  people(app, bank);
  administration(app, bank);
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function products(app, { ledger, random, has }) {
  app.use("/api/products", (_req, _res, next) => {
    if (has("slow endpoint")) setTimeout(next, 60);
    else next();
  });
  app.get("/api/products", (req, res) => {
    const size = 6;
    const page = Number(req.query["page"] ?? 1);
    if (!(page >= 1 && page <= 100)) {
      res.status(400).json({ error: { code: "BAD_PAGE", message: "page must be from 1 to 100" } });
      return;
    }
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function rates(app, { ledger, random, has, now, served }) {
  app.get("/api/rates", (_req, res) => {
    if (has("rare 500") && served() % 5 === 0) {
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
    const { q: asked } = req.query;
    const q = typeof asked === "string" ? asked : "";
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
      .send(`{"exact":${last},"byCurrency":{"EUR":${ledger.products.length},"USD":2}}`);
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function people(app, { ledger, has }) {
  app.get("/u/:user", (req, res) => {
    const customer = ledger.customerOf(req.params["user"]);
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
    const image = png(req.params["user"], has("image bytes"));
    res.type("png").set("cache-control", "public, max-age=3600, immutable").send(image);
  });
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function administration(app, { ledger, has, signedIn }) {
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
}
