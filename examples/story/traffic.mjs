// @ts-check
// Customers: requests to the shop and the reviews service, over kept-alive connections.
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** Requests under way at once. */
const CUSTOMERS = 8;

/**
 * Sends `count` requests (or goes on until `signal` is aborted). Each customer finishes what it has begun.
 * @param {{ shop: number, reviews: number, count: number, perSecond: number, signal: AbortSignal, onAnswer: () => void }} options
 */
export async function sendTraffic({ shop, reviews, count, perSecond, signal, onAnswer }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CUSTOMERS });
  const pauseMs = (CUSTOMERS * 1000) / perSecond;
  let sent = 0;
  /** @param {number} customer */
  const shopping = async (customer) => {
    // What the shop called this customer's last order: a copy calls its own otherwise.
    let order = "";
    while (sent < count && !signal.aborted) {
      const [port, method, path, body] = plan(shop, reviews, sent, customer, order);
      sent += 1;
      const answer = await send(agent, port, method, path, body);
      if (path === "/orders") order = JSON.parse(answer).order;
      onAnswer();
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, (_, customer) => shopping(customer)));
  agent.destroy();
}

/**
 * @param {Agent} agent
 * @param {number} port
 * @param {string} method
 * @param {string} path
 * @param {string} body
 * @returns {Promise<string>} the answer's body
 */
function send(agent, port, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers =
      body === "" ? {} : { "Content-Type": "application/json", "Content-Length": body.length };
    const req = request({ host: "127.0.0.1", port, method, path, headers, agent }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk) => (text += chunk));
      res.on("end", () => resolve(text));
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/**
 * @param {number} shop
 * @param {number} reviews
 * @param {number} number of the request
 * @param {number} customer
 * @param {string} order
 * @returns {[port: number, method: string, path: string, body: string]}
 */
function plan(shop, reviews, number, customer, order) {
  const product = number % 40;
  switch (number % 6) {
    case 0:
      return [shop, "GET", "/products", ""];
    case 1:
      return [shop, "GET", `/products/${product}`, ""];
    case 2:
      return [shop, "POST", "/orders", JSON.stringify({ sku: number, customer })];
    case 3:
      return [reviews, "GET", `/reviews/${product}`, ""];
    case 4:
      return order === "" ? [shop, "GET", "/products", ""] : [shop, "GET", `/orders/${order}`, ""];
    default:
      return [reviews, "POST", "/reviews", JSON.stringify({ product, stars: 4 })];
  }
}
