// Who is between the door and the room when the house is closed. Certificates are made by openssl.
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, it } from "vitest";
import { AdmissionControl } from "./admission-control.ts";

const folder = mkdtempSync(join(tmpdir(), "mirrorball-door-"));
const certificate = join(folder, "cert.pem");
const certificateKey = join(folder, "key.pem");
/** In CI it must not be skipped. */
const canIssue = issue() || process.env["CI"] !== undefined;

function issue(): boolean {
  try {
    const words = [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
    ];
    const files = ["-keyout", certificateKey, "-out", certificate, "-subj", "/CN=localhost"];
    execFileSync("openssl", [...words, ...files], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Shorter than a handshake may take. */
const BRIEF = { timeout: 4000 };

it.skipIf(!canIssue).each(["unix", "tcp"])(
  "handshakes that are under way when it closes are not waited for: %s",
  BRIEF,
  async (kind) => {
    let admitted: Socket | undefined;
    const door = new AdmissionControl(
      { secure: true, certificate, certificateKey, clientCa: "", connections: 10, connectionsPerAddress: 10 }, // prettier-ignore
      {
        admitted: (socket) => (admitted = socket),
        refused: () => {},
        rejectionFrame: () => Buffer.of(),
      },
    );
    let accepted = 0;
    const server = createServer((socket) => {
      accepted += 1;
      door.accept(socket);
    });
    const path = join(folder, "door.sock");
    await new Promise<void>((resolve) => {
      if (kind === "unix") server.listen(path, resolve);
      else server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.address();
    const where =
      address === null || typeof address === "string"
        ? { path }
        : { port: address.port, host: "127.0.0.1" };
    const silent = [connect(where), connect(where)];
    await expect.poll(() => accepted).toBe(2);
    // It comes in while both stand at the door.
    const guest = connectTls({ ...where, rejectUnauthorized: false });
    await expect.poll(() => admitted).toBeDefined();
    const closed = new Promise((resolve) => server.close(resolve));
    door.close();
    expect(admitted?.destroyed).toBe(false);
    admitted?.end();
    door.end();
    await closed;
    for (const socket of [...silent, guest]) socket.destroy();
  },
);
