// @ts-check
// The traffic: customers with browsers and with programs, several at once, some of them twice at the same time. It uses what answers gave
// it, as real clients do. The choices come from a seed.
import { Agent, request } from "node:http";
import { randomOf } from "./random.mjs";

/** Sessions that run at the same time. */
const AT_ONCE = 8;
/** An account that is nobody's. */
const NOBODY = "00000000-0000-4000-8000-000000000000";

/**
 * @typedef {{ status: number, headers: import("node:http").IncomingHttpHeaders, text: string, json: any }} Answer
 * @typedef {(method: string, path: string, headers?: Record<string, string>, body?: unknown) => Promise<Answer>} Ask
 */

/** Runs the sessions; gives the number of requests. @param {{ port: number, seed: number, sessions: number, atOnce?: number | undefined }} options */
export async function customers({ port, seed, sessions, atOnce = AT_ONCE }) {
  const agent = new Agent({ keepAlive: true });
  let requests = 0;
  const ask = askerOf(port, agent, () => (requests += 1));
  let next = 0;
  const worker = async () => {
    while (next < sessions) {
      const i = next;
      next += 1;
      const random = randomOf(seed * 1000 + i);
      const user = `user${String(i % 3 === 2 ? (i + 19) % 20 : i % 20).padStart(2, "0")}`;
      if (i % 12 === 5) await admin(ask);
      else await (i % 2 === 0 ? program(ask, random, user) : browser(ask, random, user));
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, sessions) }, worker));
  agent.destroy();
  return requests;
}

/** @param {number} port @param {Agent} agent @param {() => void} count @returns {Ask} */
function askerOf(port, agent, count) {
  return (method, path, headers = {}, body) =>
    new Promise((resolve, reject) => {
      count();
      const isForm = headers["content-type"] === "application/x-www-form-urlencoded";
      const text =
        body === undefined
          ? ""
          : typeof body === "string" || body instanceof URLSearchParams
            ? body.toString()
            : JSON.stringify(body);
      /** @type {Record<string, string>} */
      const all = { ...headers };
      if (text !== "") all["content-length"] = String(Buffer.byteLength(text));
      if (text !== "" && !isForm) all["content-type"] = "application/json";
      const req = request({ host: "127.0.0.1", port, agent, method, path, headers: all }, (res) => {
        /** @type {Buffer[]} */
        const chunks = [];
        res.on("data", (chunk) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () => resolve(answerOf(res, Buffer.concat(chunks))));
      });
      req.on("error", reject);
      req.end(text);
    });
}

/** @param {import("node:http").IncomingMessage} res @param {Buffer} bytes @returns {Promise<Answer>} */
async function answerOf(res, bytes) {
  const { gunzipSync } = await import("node:zlib");
  const text = (res.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
  let json;
  try {
    json = JSON.parse(text);
  } catch {}
  return { status: res.statusCode ?? 0, headers: res.headers, text, json };
}

/** @param {() => number} random @param {number} max */
const upTo = (random, max) => Math.floor(random() * max);

/** A customer with an application of its own: bearer token, JSON. @param {Ask} ask @param {() => number} random @param {string} user */
async function program(ask, random, user) {
  if (random() < 0.15) await ask("POST", "/api/token", {}, { user, password: "wrong" });
  const signed = await ask("POST", "/api/token", {}, { user, password: `pw-${user}` });
  let auth = { authorization: `Bearer ${signed.json.access_token}` };
  await ask("GET", "/api/me", auth);
  await ask("GET", "/api/rates");
  const { accounts } = (await ask("GET", "/api/accounts", auth)).json;
  const sorted = [...accounts].sort((x, y) => (x.currency < y.currency ? -1 : 1));
  const account = sorted[upTo(random, 3)];
  await ask("GET", `/api/accounts/${account.uuid}`, auth);
  await pages(ask, auth, account.uuid, 2 + upTo(random, 3));
  if (random() < 0.4) await ask("GET", `/api/accounts/${NOBODY}`, auth);
  if (random() < 0.5) await ask("GET", `/api/accounts/${account.uuid}/statement.csv`, auth);
  if (random() < 0.5) await ask("GET", `/api/accounts/${account.uuid}/export`, auth);
  await ask("GET", `/api/accounts/${account.uuid}/events`, auth);
  await transfers(
    ask,
    random,
    auth,
    account.uuid,
    sorted[0].uuid === account.uuid ? sorted[1].uuid : sorted[0].uuid,
  );
  await ask("GET", `/api/accounts/${account.uuid}`, auth);
  await orders(ask, random, auth);
  if (random() < 0.4) {
    const fresh = await ask(
      "POST",
      "/api/token/refresh",
      {},
      { refresh_token: signed.json.refresh_token },
    );
    auth = { authorization: `Bearer ${fresh.json.access_token}` };
    await ask("GET", "/api/me", auth);
  }
  if (random() < 0.3) await ask("GET", "/api/admin/customers", auth);
  await wander(ask, random, user);
  if (random() < 0.6) {
    await ask("POST", "/api/logout", auth);
    await ask("GET", "/api/me", auth);
  }
}

/** @param {Ask} ask @param {Record<string, string>} auth @param {string} uuid @param {number} most */
async function pages(ask, auth, uuid, most) {
  let path = `/api/accounts/${uuid}/entries?limit=5`;
  for (let i = 0; i < most; i += 1) {
    const { next } = (await ask("GET", path, auth)).json;
    if (typeof next !== "string") return;
    path = `/api/accounts/${uuid}/entries?limit=5&cursor=${next}`;
  }
}

/** @param {Ask} ask @param {() => number} random @param {Record<string, string>} auth @param {string} from @param {string} to */
async function transfers(ask, random, auth, from, to) {
  const count = 1 + upTo(random, 2);
  for (let i = 0; i < count; i += 1) {
    const amount = (100 + upTo(random, 5000)) / 100;
    const made = await ask("POST", "/api/transfers", auth, {
      from,
      to,
      amount,
      note: `gift ${upTo(random, 90) + 10}`,
    });
    if (made.status === 201) await ask("GET", String(made.headers.location), auth);
  }
  if (random() < 0.3)
    await ask("POST", "/api/transfers", auth, { from, to, amount: -1, note: "no" });
  if (random() < 0.3)
    await ask("POST", "/api/transfers", auth, { from, to, amount: 9_999_999, note: "all" });
}

/** @param {Ask} ask @param {() => number} random @param {Record<string, string>} auth */
async function orders(ask, random, auth) {
  const items = [{ sku: `SKU${100 + upTo(random, 36)}`, qty: 1 + upTo(random, 3) }];
  const made = await ask("POST", "/api/orders", auth, { items });
  await ask("GET", `/api/orders/${made.json.number}`, auth);
  if (random() < 0.7) await ask("POST", `/api/orders/${made.json.number}/confirm`, auth);
  if (random() < 0.4) await ask("POST", `/api/orders/${made.json.number}/confirm`, auth);
  await ask("GET", `/api/orders/${made.json.number}`, auth);
  if (random() < 0.15) await ask("POST", "/api/orders", auth, { items: [] });
}

/** What anybody may see. @param {Ask} ask @param {() => number} random @param {string} user */
async function wander(ask, random, user) {
  await ask("GET", `/api/products?page=${1 + upTo(random, 6)}`);
  await ask("GET", `/u/${user}`);
  await ask("GET", `/u/${user}/avatar.png`);
  await ask("GET", "/api/clock");
  const paths = [
    "/terms.txt",
    "/health",
    "/api/search?q=caf%C3%A9",
    "/api/search?q=tea",
    "/api/big",
    "/api/rates",
  ];
  const more = ["/old/products", "/u/nobody", "/nowhere", "/api/products?page=0", "/api/accounts"];
  for (const path of [...paths, ...more]) if (random() < 0.5) await ask("GET", path);
  if (random() < 0.1) await ask("POST", "/api/token", {}, "{broken");
}

/** A customer with a browser: cookies, forms, CSRF. @param {Ask} ask @param {() => number} random @param {string} user */
async function browser(ask, random, user) {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const csrfOf = (/** @type {string} */ html) =>
    /name="_csrf" value="([^"]+)"/.exec(html)?.[1] ?? "";
  const words = (/** @type {Record<string, string>} */ fields) =>
    new URLSearchParams(fields).toString();
  if (random() < 0.15) {
    const first = await ask("GET", "/login");
    await ask(
      "POST",
      "/login",
      form,
      words({ user, password: "wrong", _csrf: csrfOf(first.text) }),
    );
  }
  const login = await ask("GET", "/login");
  const signed = await ask(
    "POST",
    "/login",
    form,
    words({ user, password: `pw-${user}`, _csrf: csrfOf(login.text) }),
  );
  const cookie = (signed.headers["set-cookie"] ?? []).map((each) => each.split(";")[0]).join("; ");
  const auth = { cookie };
  const path = String(signed.headers.location);
  const home = await ask("GET", path, auth);
  const token = /name="csrf-token" content="([^"]+)"/.exec(home.text)?.[1] ?? "";
  const links = [...home.text.matchAll(/href="\/api\/accounts\/([^"]+)"/g)].map(
    (match) => match[1] ?? "",
  );
  await ask("GET", `/api/accounts/${links[0]}`, auth);
  await pages(ask, auth, links[0] ?? "", 2);
  if (random() < 0.5) await ask("GET", `/api/accounts/${links[1]}/statement.csv`, auth);
  await transfers(ask, random, { ...auth, "x-csrf-token": token }, links[0] ?? "", links[1] ?? "");
  if (random() < 0.2)
    await ask("POST", "/api/orders", auth, { items: [{ sku: "SKU100", qty: 1 }] });
  await orders(ask, random, { ...auth, "x-csrf-token": token });
  if (random() < 0.5) {
    await ask(
      "POST",
      "/profile",
      { ...form, ...auth },
      words({ nickname: `Nest ${upTo(random, 90)}`, _csrf: token }),
    );
    await ask("GET", path, auth);
    await ask("GET", `/api/accounts/${links[0]}`, auth);
  }
  await ask("GET", "/api/accounts", auth);
  await wander(ask, random, user);
  if (random() < 0.7) {
    await ask("POST", "/logout", { ...auth, "x-csrf-token": token });
    await ask("GET", path, auth);
  }
}

/** @param {Ask} ask */
async function admin(ask) {
  const signed = await ask("POST", "/api/token", {}, { user: "user00", password: "pw-user00" });
  const auth = { authorization: `Bearer ${signed.json.access_token}` };
  for (let offset = 0; offset < 20; offset += 5)
    await ask("GET", `/api/admin/customers?offset=${offset}`, auth);
  await ask("GET", "/api/me", auth);
}
