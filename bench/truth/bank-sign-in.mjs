// @ts-check
// Tokens for programs, and who they belong to.

const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
export function signIn(app, bank) {
  tokens(app, bank);
  me(app, bank);
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function tokens(app, { ledger, has, now, signedIn, openSession }) {
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function me(app, { ledger, has, now, signedIn }) {
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
}
