// @ts-check
// Accounts and what was booked on them: lists in any order, pages with cursors, CSV, NDJSON, events.
import { shuffled } from "./random.mjs";

const iso = (/** @type {number} */ ms) => new Date(ms).toISOString();

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
export function accounts(app, bank) {
  list(app, bank);
  detail(app, bank);
  entries(app, bank);
  exports(app, bank);
}

/** What an answer shows of an account. @param {import("./ledger.mjs").Account} account @param {(name: string) => boolean} has */
function accountView(account, has) {
  return {
    uuid: account.uuid,
    id: has("id format") ? `A${account.id}` : account.id,
    number: has("number format") ? account.number.replace("ACC-", "ACC/0") : account.number,
    currency: account.currency,
    balance: has("number as string") ? (account.cents / 100).toFixed(2) : account.cents / 100,
    nickname: account.nickname,
    openedAt: has("date format")
      ? account.openedAt.split("-").toReversed().join(".")
      : account.openedAt,
  };
}

/** The account of the path, if it is the caller's. @param {import("./bank.mjs").Bank} bank @returns {import("express").RequestHandler} */
function ownOf({ ledger, has }) {
  return (req, res, next) => {
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function list(app, { ledger, random, has, now, served, signedIn }) {
  app.get("/api/accounts", signedIn, (_req, res) => {
    let { accounts } = res.locals["customer"];
    if (has("truncated list")) accounts = accounts.slice(0, -1);
    if (has("duplicate element")) accounts = [...accounts, accounts[0]];
    if (has("another tenant's data") && served() % 3 === 0) {
      const at = ledger.customers.indexOf(res.locals["customer"]);
      accounts = ledger.customers[(at + 1) % ledger.customers.length]?.accounts ?? [];
    }
    res.json({
      accounts: shuffled(random, accounts).map((account) => accountView(account, has)),
      asOf: now(),
    });
  });
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function detail(app, bank) {
  const { ledger, random, has, signedIn } = bank;
  const own = ownOf(bank);
  app.get("/api/accounts/:uuid", signedIn, own, (req, res) => {
    const { account } = res.locals;
    if (has("empty body")) {
      res.status(200).type("json").end();
      return;
    }
    const body = {
      ...accountView(account, has),
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function entries(app, bank) {
  const { has, signedIn } = bank;
  const own = ownOf(bank);
  app.get("/api/accounts/:uuid/entries", signedIn, own, (req, res) => {
    const { account } = res.locals;
    const limit = Math.min(50, Number(req.query["limit"] ?? 5));
    let from = 0;
    if (req.query["cursor"] !== undefined) {
      const text = Buffer.from(textOf(req.query["cursor"]), "base64url").toString();
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
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function exports(app, bank) {
  const { has, now, signedIn } = bank;
  const own = ownOf(bank);
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
}

/** @param {unknown} value A query parameter: text, or a list where it stands twice. */
function textOf(value) {
  return typeof value === "string" ? value : "";
}
