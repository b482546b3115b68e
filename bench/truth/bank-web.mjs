// @ts-check
// The pages of the bank: what a browser asks for.
import { gzipSync } from "node:zlib";

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
export function web(app, bank) {
  login(app, bank);
  forms(app, bank);
}

/** @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function login(app, { ledger, has, now, signedIn, openSession }) {
  /** Tokens of sign-in forms. @type {Set<string>} */
  const given = new Set();
  app.get("/login", (_req, res) => {
    const token = ledger.hex(16);
    given.add(token);
    res
      .type("html")
      .send(
        page("Sign in", "", [
          `<h1>${has("html text") ? "Log in" : "Sign in"}</h1>`,
          '<form method="post" action="/login">',
          has("csrf field lost") ? "" : `<input type="hidden" name="_csrf" value="${token}">`,
          '<input name="user"><input name="password" type="password">',
          "</form>",
        ]),
      );
  });
  app.post("/login", (req, res) => {
    const { user, password, _csrf } = req.body ?? {};
    const customer = ledger.customerOf(String(user));
    if (!given.delete(String(_csrf))) {
      res
        .status(403)
        .type("html")
        .send(page("No", "", ["<p>stale form</p>"]));
      return;
    }
    if (customer === undefined || customer.password !== password) {
      res
        .status(401)
        .type("html")
        .send(page("No", "", ["<p>user or password is wrong</p>"]));
      return;
    }
    const session = openSession(customer.user);
    const flags = has("cookie attribute lost") ? "" : "; HttpOnly";
    res.append("set-cookie", `sid=${session.token}; Path=/; Max-Age=3600; SameSite=Lax${flags}`);
    if (!has("cookie lost"))
      res.append("set-cookie", `theme=${customer.tier === "GOLD" ? "gold" : "plain"}; Path=/`);
    res.redirect(302, has("redirect elsewhere") ? "/welcome" : `/home/${customer.uuid}`);
  });
  app.get("/home/:uuid", signedIn, (req, res) => {
    const { customer, session } = res.locals;
    if (customer.uuid !== req.params["uuid"]) {
      res
        .status(404)
        .type("html")
        .send(page("No", "", ["<p>no such page</p>"]));
      return;
    }
    const rows = customer.accounts.map(
      (/** @type {import("./ledger.mjs").Account} */ a) =>
        `<li><a href="/api/accounts/${a.uuid}">${a.number}</a> ${(a.cents / 100).toFixed(has("html decimals") ? 0 : 2)} ${a.currency}</li>`,
    );
    const html = page(`Home of ${customer.name}`, session.csrf, [
      `<p>Hello ${customer.name}, it is ${new Date(now()).toISOString()}.</p>`,
      `<ul>`,
      ...rows,
      `</ul>`,
      `<form method="post" action="/profile"><input type="hidden" name="_csrf" value="${session.csrf}"><input name="nickname"></form>`,
      `<script nonce="${ledger.hex(8)}">window.user = "${customer.uuid}";</script>`,
    ]);
    res.type("html").set("content-encoding", "gzip").send(gzipSync(html));
  });
}

/** What forms change, and texts. @param {import("express").Express} app @param {import("./bank.mjs").Bank} bank */
function forms(app, { ledger, has, signedIn, csrf }) {
  app.post("/profile", signedIn, csrf, (req, res) => {
    const { customer } = res.locals;
    const [first] = customer.accounts;
    if (!has("lost update")) first.nickname = String(req.body?.nickname ?? "");
    res.redirect(303, `http://${req.headers.host}/home/${customer.uuid}`);
  });
  app.post("/logout", signedIn, csrf, (_req, res) => {
    ledger.sessions.delete(res.locals["session"].token);
    res.append("set-cookie", "sid=; Path=/; Max-Age=0");
    res.status(204).end();
  });
  app.get("/old/products", (_req, res) =>
    res.redirect(has("permanent as temporary") ? 302 : 301, "/api/products"),
  );
  app.get("/terms.txt", (_req, res) => {
    const price = has("text changed") ? "5.90" : "4.90";
    res
      .type("text")
      .send(
        `Terms of the bank\n\n1. An account costs ${price} EUR a month.\n2. Interest is paid yearly.\n`,
      );
  });
  app.get("/health", (_req, res) => {
    res.type("text").send("ok");
  });
}

/** @param {string} title @param {string} csrf @param {string[]} lines */
function page(title, csrf, lines) {
  const meta = csrf === "" ? "" : `<meta name="csrf-token" content="${csrf}">`;
  return `<!doctype html>\n<html><head><title>${title}</title>${meta}</head>\n<body>\n${lines.join("\n")}\n</body></html>\n`;
}
