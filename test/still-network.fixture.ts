// A network in which no interface ever comes or goes, for browsers of tests: Chromium gives up all that is under way when one does on its machine
// (ERR_NETWORK_CHANGED), and engine tests beside it make and remove interfaces all the time. What such a browser asks for is fetched from here.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { docker, IMAGE, tryDocker } from "../src/controller/fixtures/docker.fixture.ts";

const PROXY_PORT = 1_080;
/** Takes connections in there, and passes them on to a socket out here. */
const PASS = `const { connect, createServer } = require("node:net");
createServer((inside) => {
  const outside = connect(process.argv[1]);
  for (const [one, other] of [[inside, outside], [outside, inside]]) one.on("error", () => other.destroy()).once("close", () => other.destroy());
  inside.pipe(outside).pipe(inside);
}).listen(${PROXY_PORT}, "127.0.0.1", () => console.log("ready"));`;

export interface StillNetwork {
  /** Starts the program in that network. */
  readonly executablePath: string;
  readonly proxy: { readonly server: string; readonly bypass: string };
}

/** Gone after the test. null: this user may not enter another network, or no engine makes one. */
export async function openStillNetwork(program: string): Promise<StillNetwork | null> {
  if (process.getuid?.() !== 0) return null;
  const flags = ["--detach", "--pull=never", "--label=openclaw-test=still", "--network=none", "--init"];
  const id = await tryDocker("run", ...flags, IMAGE, "sleep", "infinity");
  if (id === null) return null;
  onTestFinished(async () => void (await tryDocker("rm", "--force", id)));
  const folder = mkdtempSync(join(tmpdir(), "openclaw-still-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "socks.sock");
  await serveSocks(path);
  const network = `--net=/proc/${await docker("inspect", "--format", "{{.State.Pid}}", id)}/ns/net`;
  const passing = spawn("nsenter", [network, process.execPath, "-e", PASS, path], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void passing.kill("SIGKILL"));
  const [begun] = await Promise.race([once(passing.stdout, "data"), once(passing, "close"), once(passing, "error")]);
  if (!Buffer.isBuffer(begun)) return null;
  const executablePath = join(folder, "chromium");
  writeFileSync(executablePath, `#!/bin/sh\nexec nsenter ${network} ${program} "$@"\n`, { mode: 0o755 });
  // Without the exception it would ask loopback itself, where nothing listens.
  return { executablePath, proxy: { server: `socks5://127.0.0.1:${PROXY_PORT}`, bypass: "<-loopback>" } };
}

async function serveSocks(path: string): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client.once("close", () => sockets.delete(client)));
    client.on("error", () => client.destroy());
    void answerSocks(client).catch(() => client.destroy());
  });
  await once(server.listen(path), "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

/** One connection of SOCKS 5 (RFC 1928) to a port of this machine, without a name or a password. */
async function answerSocks(client: Socket): Promise<void> {
  const [, methods = 0] = await read(client, 2);
  await read(client, methods);
  client.write(Buffer.of(5, 0));
  const [, , , kind] = await read(client, 4);
  const length = kind === 3 ? ((await read(client, 1))[0] ?? 0) : kind === 4 ? 16 : 4;
  await read(client, length);
  const port = (await read(client, 2)).readUInt16BE(0);
  // Whatever the name: of this machine alone is anything asked for.
  const remote = connect(port, "127.0.0.1");
  remote.on("error", () => client.destroy()).once("close", () => client.destroy());
  client.once("close", () => remote.destroy());
  await once(remote, "connect");
  client.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
  client.pipe(remote).pipe(client);
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  for (;;) {
    const found: Buffer | null = bytes === 0 ? Buffer.alloc(0) : socket.read(bytes);
    if (found !== null) return found;
    if (socket.readableEnded || socket.destroyed) throw new Error("it ended");
    await Promise.race([once(socket, "readable"), once(socket, "close")]);
  }
}
