// @ts-check
// The mixed load of the chain and of its ceilings: seven small reads, two orders of 300 bytes, one upload of 2 KB.

const ORDER = Buffer.alloc(300, 0x61);
const UPLOAD = Buffer.alloc(2048, 0x61);

/** The request with this number. @param {number} number */
export function mixed(number) {
  const kind = number % 10;
  const body = kind < 7 ? null : kind === 9 ? UPLOAD : ORDER;
  const headers = [
    "Host",
    "shop.test",
    "User-Agent",
    "bench/1",
    "Accept",
    "application/json",
    "Cookie",
    `sid=${number}`,
  ];
  if (body !== null)
    headers.push("Content-Type", "application/json", "Content-Length", String(body.length));
  return {
    method: body === null ? "GET" : "POST",
    path: `/products/${number}?page=1`,
    headers,
    body,
  };
}

/** The same request as bytes. @param {number} number */
export function mixedBytes(number) {
  const { method, path, headers, body } = mixed(number);
  let head = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += "\r\n";
  return body === null
    ? Buffer.from(head, "latin1")
    : Buffer.concat([Buffer.from(head, "latin1"), body]);
}
