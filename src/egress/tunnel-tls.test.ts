import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createSecureContext, TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { GOOD_ADDRESS, RawClient, startDestination, startProxy, toPolicy } from "./proxy.fixture.ts";

let key = "";
let cert = "";

beforeAll(() => {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-egress-tls-"));
  const [keyPath, certPath] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=a.example", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  execFileSync("openssl", ["req", "-x509", "-nodes", ...subject, "-keyout", keyPath, "-out", certPath], { stdio: "ignore" });
  [key, cert] = [readFileSync(keyPath, "utf8"), readFileSync(certPath, "utf8")];
  rmSync(folder, { recursive: true });
});

/** A TLS server that says hello. */
const startTlsServer = (): Promise<number> =>
  startDestination((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
    secured.on("error", () => socket.destroy());
    secured.once("secure", () => secured.end("hello over TLS"));
  });

async function tunnel(authority: string, servername: string | undefined): Promise<{ text: string; bytesOut: number; reasons: string[] }> {
  const under = await startProxy(await startTlsServer());
  under.answers.set("a.example", [GOOD_ADDRESS]);
  await under.proxy.apply(toPolicy(1, { a: { allow: ["a.example", "93.184.0.0/16"] } }));
  const client = new RawClient(under.socketOf("a")).write(`CONNECT ${authority} HTTP/1.1\r\n\r\n`);
  await client.read(/\r\n\r\n/);
  client.socket.removeAllListeners("data");
  const text = await speakTls(client.socket, servername);
  client.socket.destroy();
  await expect.poll(() => under.records().at(-1)?.kind).toBe("end");
  const reasons = under.records().flatMap((record) => (record.kind === "decision" ? [record.reason] : []));
  const bytesOut = under.records().reduce((sum, record) => sum + (record.kind === "end" ? record.bytesOut : 0), 0);
  return { text, bytesOut, reasons };
}

/** What the server says; empty where the connection is cut before. */
async function speakTls(socket: Socket, servername: string | undefined): Promise<string> {
  const secured = connectTls({ socket, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) });
  onTestFinished(() => void secured.destroy());
  let text = "";
  secured.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  secured.on("error", () => undefined);
  await Promise.race([once(secured, "end"), once(secured, "close")].map((wait) => wait.catch(() => undefined)));
  return text;
}

describe("TLS in a tunnel", () => {
  it.each([
    ["a.example:443", "a.example"],
    ["A.EXAMPLE.:443", "a.example"],
    ["a.example:443", "A.Example"],
    [`${GOOD_ADDRESS}:443`, undefined],
  ])("to %s passes when it asks for %s", async (authority, servername) => {
    const { text, reasons } = await tunnel(authority, servername);
    expect(text).toBe("hello over TLS");
    expect(reasons).toEqual(["Allowed"]);
  });

  it.each([
    ["a.example:443", "b.example"],
    ["a.example:443", "a.example.b.example"],
    ["a.example:443", undefined],
    [`${GOOD_ADDRESS}:443`, "b.example"],
  ])("to %s is cut when it asks for %s, and the server is sent nothing of it", async (authority, servername) => {
    const { text, bytesOut, reasons } = await tunnel(authority, servername);
    expect(text).toBe("");
    expect(bytesOut).toBe(0);
    expect(reasons).toEqual(["Allowed", "SniMismatch"]);
  });
});
