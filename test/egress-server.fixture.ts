// What the egress tests reach or must not reach: a server in a container that answers every request by what it was asked for, and a DNS server that
// says of names under good.test whatever a rebinding attack would. It imports Node and the DNS fixture alone. One line for each thing asked.
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { networkInterfaces } from "node:os";
import { pipeline } from "node:stream";
import { startDnsServer } from "../src/egress/dns-server.fixture.ts";

const PIECE = Buffer.alloc(65_536);

const print = (line: string): void => void process.stdout.write(`${line}\n`);

const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
const ipv4 = own.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? "";
const ipv6 = own.find(({ family, address, scopeid }) => family === "IPv6" && address.startsWith("fd") && scopeid === 0)?.address ?? "";
const inHex = ipv4.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
const groups = `${inHex[0]}${inHex[1]}:${inHex[2]}${inHex[3]}`;

/** By the first label; everything else below a name that exists is this server. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  v6: [ipv6],
  dual: [ipv4, ipv6],
  private: ["10.99.0.1"],
  loopback: ["127.0.0.1"],
  loopback6: ["::1"],
  zero: ["0.0.0.0"],
  metadata: ["169.254.169.254"],
  cgnat: ["100.64.0.1"],
  linklocal: ["169.254.3.4"],
  linklocal6: ["fe80::1"],
  multicast: ["224.0.0.1"],
  mapped: [`::ffff:${groups}`],
  nat64: [`64:ff9b::${groups}`],
  sixtofour: [`2002:${groups}::1`],
  mixed: [ipv4, "127.0.0.1"],
  mixed6: [ipv4, "::1"],
};
/** Said by whoever starts the test, to whoever asks: `set NAME ADDRESS...` */
const told = new Map<string, readonly string[]>();
let turns = 0;

function answer(name: string): readonly string[] | null {
  print(`dns ${name}`);
  if (!/\.test$/.test(name) || name.startsWith("nowhere.")) return null;
  const first = name.split(".")[0] ?? "";
  // Good and bad in turns, each for both kinds of address, which are asked for together.
  if (first.startsWith("flip")) return [Math.floor(turns++ / 2) % 2 === 0 ? ipv4 : "127.0.0.1"];
  return told.get(first) ?? ANSWERS[first] ?? [ipv4];
}

const respond: RequestListener = (request, response) => {
  const url = new URL(request.url ?? "/", "http://server");
  const name = "servername" in request.socket ? String(request.socket.servername) : "plain";
  if (url.pathname === "/told") told.set(url.searchParams.get("name") ?? "", url.searchParams.getAll("address"));
  print(`asked ${request.method} ${request.headers.host} ${request.url} ${name}`);
  const bytes = Number(url.searchParams.get("bytes") ?? 0);
  if (bytes > 0) return void pipeline(zeros(bytes), response, () => undefined);
  const to = url.searchParams.get("to");
  if (to !== null) response.writeHead(302, { Location: to });
  response.end(`reached ${request.headers.host}\n`);
};

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

const certificate = { key: readFileSync("/certificate/key.pem"), cert: readFileSync("/certificate/cert.pem") };
for (const port of [80, 8080, 22, 25]) createServer(respond).listen(port, "::");
for (const port of [443, 8443]) createTlsServer(certificate, respond).listen(port, "::");
createTcpServer((socket) => socket.on("error", () => undefined).pipe(socket)).listen(7, "::");
await startDnsServer(answer, { address: "0.0.0.0", port: 53 });
print("ready");
