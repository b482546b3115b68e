// @ts-check
// The faults of the bank, and where each must be reported: endpoint, part and path. `also`: further places of the same fault, or what follows
// from it so plainly that a person would not mind to see it.

/**
 * @typedef {{ method: string, route: string, part: string, path: string, kind?: string }} Place
 * @typedef {{ name: string, at: Place, also?: Place[] }} Fault
 */

const ACCOUNT = "/api/accounts/:uuid";

/** @param {string} endpoint `GET /path` @param {string} part @param {string} [path] @param {string} [kind] @returns {Place} */
function place(endpoint, part, path = "", kind) {
  const [method = "", route = ""] = endpoint.split(" ");
  return kind === undefined ? { method, route, part, path } : { method, route, part, path, kind };
}

/** The places of one fault that every account shows. @param {string} field @param {string} kind */
function ofAccounts(field, kind) {
  return {
    at: place("GET /api/accounts", "body", `$.accounts[].${field}`, kind),
    also: [place(`GET ${ACCOUNT}`, "body", `$.${field}`, kind)],
  };
}

/** @type {Fault[]} */
export const faults = [
  { name: "wrong value", at: place("GET /api/me", "body", "$.limits.single", "value") },
  { name: "wrong type", at: place("GET /api/me", "body", "$.verified", "type") },
  { name: "missing field", at: place("GET /api/me", "body", "$.tier", "missing") },
  { name: "added field", at: place("GET /api/me", "body", "$.passwordHash", "added") },
  { name: "null for one user", at: place("GET /api/me", "body", "$.phone", "type") },
  {
    name: "swapped fields",
    at: place("GET /api/me", "body", "$.email"),
    also: [place("GET /api/me", "body", "$.user")],
  },
  { name: "enum case", at: place("GET /api/me", "body", "$.tier", "value") },
  { name: "unicode broken", at: place("GET /api/me", "body", "$.name", "value") },
  { name: "time zone shift", at: place("GET /api/me", "body", "$.lastSeen", "value") },
  { name: "epoch for iso", at: place("GET /api/me", "body", "$.lastSeen", "type") },
  { name: "number as string", ...ofAccounts("balance", "type") },
  { name: "id format", ...ofAccounts("id", "type") },
  { name: "number format", ...ofAccounts("number", "value") },
  { name: "date format", ...ofAccounts("openedAt", "format") },
  { name: "truncated list", at: place("GET /api/accounts", "body", "$.accounts", "length") },
  { name: "duplicate element", at: place("GET /api/accounts", "body", "$.accounts", "length") },
  {
    name: "another tenant's data",
    at: place("GET /api/accounts", "body", "$.accounts[].uuid", "leak"),
    also: ["id", "number", "balance", "nickname", "openedAt"].map((field) =>
      place("GET /api/accounts", "body", `$.accounts[].${field}`),
    ),
  },
  { name: "another customer's uuid", at: place(`GET ${ACCOUNT}`, "body", "$.uuid") },
  { name: "rounding", at: place(`GET ${ACCOUNT}`, "body", "$.available", "value") },
  { name: "float precision", at: place(`GET ${ACCOUNT}`, "body", "$.interest", "value") },
  { name: "link elsewhere", at: place(`GET ${ACCOUNT}`, "body", "$.links.entries", "value") },
  {
    name: "empty body",
    at: place(`GET ${ACCOUNT}`, "body", ""),
    also: [place(`GET ${ACCOUNT}`, "header", "etag")],
  },
  { name: "404 as 400", at: place(`GET ${ACCOUNT}`, "status") },
  { name: "order of a list", at: place(`GET ${ACCOUNT}/entries`, "body", "$.items", "order") },
  { name: "sign turned", at: place(`GET ${ACCOUNT}/entries`, "body", "$.items[].amount", "value") },
  { name: "time format", at: place(`GET ${ACCOUNT}/entries`, "body", "$.items[].at", "format") },
  {
    name: "off-by-one page",
    at: place(`GET ${ACCOUNT}/entries`, "body", "$.items[].id"),
    also: [
      ...["", "[]", "[].at", "[].amount", "[].text", "[].kind"].map((field) =>
        place(`GET ${ACCOUNT}/entries`, "body", `$.items${field}`),
      ),
      place(`GET ${ACCOUNT}/entries`, "body", "$.next"),
    ],
  },
  {
    name: "broken cursor",
    at: place(`GET ${ACCOUNT}/entries`, "body", "$.next"),
    also: [place(`GET ${ACCOUNT}/entries`, "status")],
  },
  { name: "csv columns swapped", at: place(`GET ${ACCOUNT}/statement.csv`, "body", "") },
  { name: "csv decimals", at: place(`GET ${ACCOUNT}/statement.csv`, "body", "") },
  { name: "csv row lost", at: place(`GET ${ACCOUNT}/statement.csv`, "body", "") },
  {
    name: "wrong content-type",
    at: place(`GET ${ACCOUNT}/statement.csv`, "header", "content-type", "value"),
  },
  { name: "ndjson field", at: place(`GET ${ACCOUNT}/export`, "body", "", "added") },
  { name: "event lost", at: place(`GET ${ACCOUNT}/events`, "body", "", "length") },
  { name: "event renamed", at: place(`GET ${ACCOUNT}/events`, "body", "", "value") },
  { name: "200 for 201", at: place("POST /api/transfers", "status") },
  { name: "location lost", at: place("POST /api/transfers", "header", "location", "missing") },
  { name: "rounding on write", at: place("POST /api/transfers", "body", "$.amount", "value") },
  { name: "refused write for one user", at: place("POST /api/transfers", "status") },
  {
    name: "ids mixed",
    at: place("POST /api/transfers", "body", "$.from"),
    also: [
      place("POST /api/transfers", "body", "$.to"),
      place("GET /api/transfers/:id", "body", "$.from"),
      place("GET /api/transfers/:id", "body", "$.to"),
    ],
  },
  { name: "status field stale", at: place("GET /api/transfers/:id", "body", "$.status", "value") },
  {
    name: "wrong tax",
    at: place("POST /api/orders", "body", "$.tax", "value"),
    also: [
      place("GET /api/orders/:number", "body", "$.tax"),
      place("POST /api/orders/:number/confirm", "body", "$.tax"),
    ],
  },
  {
    name: "wrong epoch expiry",
    at: place("POST /api/orders", "body", "$.expiresAt", "value"),
    also: [
      place("GET /api/orders/:number", "body", "$.expiresAt"),
      place("POST /api/orders/:number/confirm", "body", "$.expiresAt"),
    ],
  },
  { name: "conflict not seen", at: place("POST /api/orders/:number/confirm", "status") },
  { name: "tag lost", at: place("GET /api/products", "body", "$.items[].tags", "length") },
  { name: "body of another kind", at: place("GET /api/products", "body", "$", "type") },
  {
    name: "lost content-encoding",
    at: place("GET /api/products", "header", "content-encoding", "missing"),
  },
  { name: "slow endpoint", at: place("GET /api/products", "latency", "", "slower") },
  { name: "rare 500", at: place("GET /api/rates", "status") },
  { name: "rate out of range", at: place("GET /api/rates", "body", "$.rates[].bid") },
  {
    name: "search misses",
    at: place("GET /api/search", "body", "$.hits", "length"),
    also: [place("GET /api/search", "body", "$.count", "value")],
  },
  { name: "big number rounded", at: place("GET /api/big", "body", "$.exact", "value") },
  {
    name: "nested rename",
    at: place("GET /u/:user", "body", "$.member.tier", "missing"),
    also: [place("GET /u/:user", "body", "$.member.level", "added")],
  },
  { name: "image bytes", at: place("GET /u/:user/avatar.png", "body", "", "bytes") },
  { name: "403 as 404", at: place("GET /api/admin/customers", "status") },
  {
    name: "total count wrong",
    at: place("GET /api/admin/customers", "header", "x-total-count", "value"),
  },
  { name: "masked field", at: place("GET /api/admin/customers", "body", "$[].email") },
  { name: "expires header", at: place("GET /api/clock", "header", "expires", "value") },
  { name: "wrong expiry", at: place("POST /api/token", "body", "$.expires_at", "value") },
  { name: "wrong error code", at: place("POST /api/token", "body", "$.error.code", "value") },
  { name: "stale cache-control", at: place("POST /api/token", "header", "cache-control", "value") },
  { name: "html text", at: place("GET /login", "body", "", "text") },
  {
    name: "csrf field lost",
    at: place("GET /login", "body", "", "text"),
    also: [place("POST /login", "status")],
  },
  { name: "html decimals", at: place("GET /home/:uuid", "body", "", "text") },
  { name: "cookie attribute lost", at: place("POST /login", "header", "set-cookie", "missing") },
  { name: "cookie lost", at: place("POST /login", "header", "set-cookie", "missing") },
  {
    name: "redirect elsewhere",
    at: place("POST /login", "header", "location", "value"),
    also: [place("POST /login", "body", "", "text")],
  },
  {
    name: "lost update",
    at: place(`GET ${ACCOUNT}`, "body", "$.nickname"),
    also: [place("GET /api/accounts", "body", "$.accounts[].nickname")],
  },
  { name: "permanent as temporary", at: place("GET /old/products", "status") },
  { name: "text changed", at: place("GET /terms.txt", "body", "", "text") },
];

/** Faults that every endpoint shows: reported at one or more endpoints, in one header field. */
export const everywhere = [
  { name: "security header lost", path: "x-frame-options", kind: "missing" },
  { name: "header added everywhere", path: "x-debug", kind: "added" },
  { name: "request-id format", path: "x-request-id", kind: "format" },
  { name: "www-authenticate lost", path: "www-authenticate", kind: "missing" },
];
