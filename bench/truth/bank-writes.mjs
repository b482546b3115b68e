// @ts-check
// Transfers and orders: what customers change.

const VAT = 0.19;
const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
export function writes(app, bank) {
  transfers(app, bank);
  orders(app, bank);
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function transfers(app, { ledger, has, now, signedIn, csrf }) {
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function orders(app, { ledger, has, now, signedIn, csrf }) {
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
}
