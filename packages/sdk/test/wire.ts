// Raw clients: bytes in, all bytes of the answers out.
import { connect } from "node:net";
import type { Socket } from "node:net";

/** Opens a connection, writes `steps` one after another, each when the answer so far contains the text before it. */
export function talk(
  port: number,
  ...steps: (string | Buffer | { readonly after: string })[]
): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  let seen = Buffer.alloc(0);
  const rest = [...steps];
  const proceed = (): void => {
    for (let step = rest[0]; step !== undefined; step = rest[0]) {
      if (typeof step === "object" && "after" in step) {
        if (!seen.includes(step.after)) return;
      } else socket.write(typeof step === "string" ? Buffer.from(step, "latin1") : step);
      rest.shift();
    }
  };
  return new Promise((resolve, reject) => {
    socket.on("connect", proceed).on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      proceed();
    });
    socket.on("close", () => resolve(seen));
  });
}

/** A connection whose caller reads and breaks it off. */
export function dial(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("connect", () => {
      socket.write(Buffer.from(bytes, "latin1"));
      resolve(socket);
    });
  });
}

/** A request with `Connection: close`, so that `talk` ends. */
export function ask(line: string, fields: readonly string[] = [], body = ""): string {
  return [`${line} HTTP/1.1`, "Host: app.test", "Connection: close", ...fields, "", body].join(
    "\r\n",
  );
}

/** Answers differ in their Date only. */
export function undated(bytes: Buffer): string {
  return bytes.toString("latin1").replaceAll(/^Date: .*$/gm, "Date: *");
}

export function bodyOf(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}
