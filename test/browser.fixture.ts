// A browser of the product's image on the engine, made by hand, for tests of what the gateway does with one: its ports are reached by `docker exec`.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { afterAll } from "vitest";
import { toSandboxName } from "../src/api/brands.ts";
import type { BrowserEndpoint } from "../src/api/browser-session.ts";
import { bridgeAddress, docker, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import type { BrowserPort } from "../src/gateway/browser/browser-port.ts";

export const BROWSER_IMAGE = "openclaw-sandbox-browser:bookworm-slim";
const START_MS_MAX = 60_000;
const CDP_PORT = 9222;
const VNC_PORT = 5900;
/** As the controller makes sandboxes. */
const CONFINED = [
  ...["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init", "--pids-limit=512", "--memory=1g"],
  ...["/tmp", "/var/tmp", "/run"].map((path) => `--tmpfs=${path}:size=256m,mode=1777`),
];

/** Why this host can't run a browser, or null. */
export async function whyNoBrowser(): Promise<string | null> {
  return (await tryDocker("image", "inspect", BROWSER_IMAGE)) !== null
    ? null
    : `the image ${BROWSER_IMAGE} is not built: scripts/sandbox-browser-setup.sh`;
}

export interface TestBrowser extends BrowserPort {
  readonly container: string;
  /** Of DevTools, where a flag published its port. */
  publishedUrl(): Promise<string>;
  /** How often each was dialled. */
  readonly dialled: { tool: number; watch: number };
}

/** What a file's tests started: a hook that is registered within another one never runs, so this one is there from the beginning. */
const started: (() => Promise<unknown>)[] = [];
afterAll(async () => void (await Promise.all(started.splice(0).map((end) => end()))));

/** Gone after the tests of the file. */
export async function startTestBrowser(...flags: string[]): Promise<TestBrowser> {
  const container = `openclaw-test-browser-${randomBytes(4).toString("hex")}`;
  started.push(() => tryDocker("rm", "--force", container));
  await docker("run", "--detach", `--name=${container}`, ...CONFINED, ...flags, BROWSER_IMAGE);
  const headless = flags.some((flag) => flag.includes("HEADLESS=1"));
  const answers = async (): Promise<boolean> =>
    (await tryDocker("exec", container, "openclaw-browser", "--healthy")) !== null &&
    (headless || (await tryDocker("exec", container, "bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/${VNC_PORT}`)) !== null);
  await until("the browser answers", answers, START_MS_MAX);
  const dialled = { tool: 0, watch: 0 };
  const endpoint: BrowserEndpoint = {
    ...{ name: toSandboxName(container), uid: container, incarnation: container, headless },
    ...{ sessionKey: "agent:main:main", cdpPort: CDP_PORT, vncPort: headless ? null : VNC_PORT },
  };
  return {
    container,
    dialled,
    publishedUrl: async () => `http://${(await docker("port", container, `${CDP_PORT}/tcp`)).split("\n")[0]}`,
    open: async () => endpoint,
    find: async () => endpoint,
    dial: async ({ cdpPort, vncPort }, port, use) => {
      dialled[use] += 1;
      return dialContainer(container, port === "cdp" ? cdpPort : (vncPort ?? 0));
    },
    stop: async () => void (await docker("stop", "--time=5", container)),
  };
}

function dialContainer(container: string, port: number): Duplex {
  const relay = spawn("docker", ["exec", "-i", container, "socat", "-t2", "-", `TCP:127.0.0.1:${port}`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  relay.stdin.on("error", () => undefined);
  const stream = Duplex.from({ readable: relay.stdout, writable: relay.stdin });
  stream.once("close", () => relay.kill());
  return stream;
}

/** Pages of this host, as containers on the engine's own network reach them; there until the tests of the file are over. @returns the address, without a path */
export async function servePages(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const host = await bridgeAddress();
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  started.push(() => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections()));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}
