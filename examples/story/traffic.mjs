// @ts-check
// Customers: requests to the shop and the reviews service, over kept-alive connections.
import { Agent, request } from "node:http";

/** Requests under way at once. */
const CUSTOMERS = 8;

/**
 * Sends `count` requests (or goes on until `signal` is aborted) and resolves with how many were answered.
 * @param {{ shop: number, reviews: number, count: number, perSecond: number, signal: AbortSignal, onAnswer: () => void }} options
 */
export async function sendTraffic({ shop, reviews, count, perSecond, signal, onAnswer }) {
  const agent = new Agent({ keepAlive: true, maxSockets: CUSTOMERS });
  let sent = 0;
  let answered = 0;
  const pauseMs = (CUSTOMERS * 1000) / perSecond;
  const customer = async () => {
    while (sent < count && !signal.aborted) {
      const number = sent;
      sent += 1;
      await send(agent, shop, reviews, number);
      answered += 1;
      onAnswer();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: CUSTOMERS }, customer));
  agent.destroy();
  return answered;
}

/**
 * @param {Agent} agent
 * @param {number} shop
 * @param {number} reviews
 * @param {number} number
 * @returns {Promise<void>}
 */
function send(agent, shop, reviews, number) {
  const [port, method, path, body] = plan(shop, reviews, number);
  return new Promise((resolve, reject) => {
    const headers =
      body === "" ? {} : { "Content-Type": "application/json", "Content-Length": body.length };
    const req = request({ host: "127.0.0.1", port, method, path, headers, agent }, (res) => {
      res.resume();
      res.on("end", resolve);
      res.on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/**
 * @param {number} shop
 * @param {number} reviews
 * @param {number} number
 * @returns {[port: number, method: string, path: string, body: string]}
 */
function plan(shop, reviews, number) {
  switch (number % 5) {
    case 0:
      return [shop, "GET", "/products", ""];
    case 1:
      return [shop, "GET", `/products/${number % 40}`, ""];
    case 2:
      return [shop, "POST", "/orders", JSON.stringify({ sku: number, quantity: number % 10 })];
    case 3:
      return [reviews, "GET", `/reviews/${number % 40}`, ""];
    default:
      return [reviews, "POST", "/reviews", JSON.stringify({ product: number % 40, stars: 4 })];
  }
}
