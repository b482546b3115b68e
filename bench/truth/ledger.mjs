// @ts-check
// What the bank knows: customers, accounts, entries, orders, sessions. Names, amounts and texts are the same in every copy; ids, tokens and
// clocks are the copy's own.
import { base64urlOf, hexOf, randomOf, uuidOf } from "./random.mjs";

const CUSTOMERS = 20;
const FIRST = ["Ada", "Bo", "Cléa", "Dag", "Eva", "Finn", "Gül", "Håkon", "Ida", "Jürgen"];
const LAST = ["Berg", "Costa", "Dvořák", "Ek", "Fuchs", "Grün", "Holm", "Ito", "Jansen", "Klee"];
const CURRENCIES = ["EUR", "USD", "CHF"];
const WORDS = ["rent", "salary", "coffee", "books", "café", "train", "tools", "tea", "gift", "fee"];
/** The content of all copies. */
const CONTENT_SEED = 7;

/**
 * @typedef {{ id: number, at: number, cents: number, text: string, kind: string }} Entry
 * @typedef {{ uuid: string, id: number, number: string, currency: string, cents: number, nickname: string | null, openedAt: string, entries: Entry[], owner: string }} Account
 * @typedef {{ uuid: string, user: string, password: string, name: string, email: string, phone: string | null, accounts: Account[], tier: string, isAdmin: boolean }} Customer
 * @typedef {{ id: number, from: string, to: string, cents: number, note: string, status: string, at: number, user: string }} Transfer
 * @typedef {{ number: string, user: string, lines: { sku: string, qty: number, cents: number }[], status: string, at: number }} Order
 * @typedef {{ token: string, csrf: string, user: string, refresh: string }} Session
 */

/** @param {{ base: number, seed: number, now: () => number }} options */
export function makeLedger({ base, seed, now }) {
  const content = randomOf(CONTENT_SEED);
  const random = randomOf(seed);
  let nextId = base;
  const id = () => (nextId += 1);
  const start = now();
  /** @type {Customer[]} */
  const customers = [];
  for (let i = 0; i < CUSTOMERS; i += 1) customers.push(customer(i));

  /** @param {number} i @returns {Customer} */
  function customer(i) {
    const user = `user${String(i).padStart(2, "0")}`;
    const accounts = [];
    for (let k = 0; k < 3; k += 1) accounts.push(account(user, k));
    return {
      uuid: uuidOf(random),
      user,
      password: `pw-${user}`,
      name: `${FIRST[i % FIRST.length]} ${LAST[(i * 3 + Math.floor(i / 10)) % LAST.length]}`,
      email: `${user}@bank.example`,
      phone: content() < 0.6 ? `+49 30 ${Math.floor(content() * 900_000) + 100_000}` : null,
      accounts,
      tier: ["BASIC", "GOLD", "PLATINUM"][i % 3] ?? "BASIC",
      isAdmin: i === 0,
    };
  }

  /** @param {string} owner @param {number} k @returns {Account} */
  function account(owner, k) {
    const own = id();
    const entries = [];
    const count = 12 + Math.floor(content() * 20);
    for (let e = 0; e < count; e += 1) {
      const cents = Math.floor(content() * 50_000) - 20_000;
      const text = WORDS[Math.floor(content() * WORDS.length)] ?? "fee";
      const kind = cents < 0 ? "DEBIT" : "CREDIT";
      entries.push({ id: id(), at: start - (count - e) * 3_600_000, cents, text, kind });
    }
    return {
      uuid: uuidOf(random),
      id: own,
      number: `ACC-${own}`,
      currency: CURRENCIES[k] ?? "EUR",
      cents: 100_000 + Math.floor(content() * 900_000),
      nickname: content() < 0.5 ? (["Savings", "Daily", "Träume"][k] ?? null) : null,
      openedAt: `20${10 + Math.floor(content() * 10)}-0${1 + Math.floor(content() * 9)}-1${Math.floor(content() * 10)}`,
      entries,
      owner,
    };
  }

  /** @type {{ sku: string, id: number, title: string, cents: number, stock: number, tags: string[], rating: number }[]} */
  const products = [];
  for (let i = 0; i < 36; i += 1) {
    products.push({
      sku: `SKU${100 + i}`,
      id: id(),
      title: `${WORDS[i % 10]} ${WORDS[(i * 7 + 3) % 10]} No ${i}`,
      cents: 199 + Math.floor(content() * 20_000),
      stock: Math.floor(content() * 50),
      tags: WORDS.filter(() => content() < 0.3),
      rating: Math.round(content() * 50) / 10,
    });
  }

  return {
    random,
    id,
    customers,
    products,
    uuid: () => uuidOf(random),
    token: () => base64urlOf(random, 24),
    hex: (/** @type {number} */ bytes) => hexOf(random, bytes),
    /** @type {Map<string, Session>} */
    sessions: new Map(),
    /** @type {Map<string, Session>} */
    refreshes: new Map(),
    /** @type {Map<number, Transfer>} */
    transfers: new Map(),
    /** @type {Map<string, Order>} */
    orders: new Map(),
    /** @param {string} uuid */
    accountOf: (uuid) => customers.flatMap(({ accounts }) => accounts).find((a) => a.uuid === uuid),
    /** @param {string} user */
    customerOf: (user) => customers.find((each) => each.user === user),
  };
}
