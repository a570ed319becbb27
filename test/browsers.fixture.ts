// Browsers as the gateway has them, over a real controller: a state folder of a test's own, the gateway's session files, and its client of the stream
// socket. Whatever was made is gone after the test. It asserts nothing.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import { toAgentId, toEpochMs, toSessionKey } from "../src/api/brands.ts";
import type { BrowserEndpoint, BrowserUse } from "../src/api/browser-session.ts";
import type { Session } from "../src/api/session.ts";
import { docker, IMAGE, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { buildEgressImage, removeEgress } from "../src/controller/fixtures/egress.fixture.ts";
import { type ControllerProcess, spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, type Site } from "../src/controller/fixtures/site.fixture.ts";
import type { BrowserStream } from "../src/gateway/sandbox/browser-stream.ts";
import { StreamClient } from "../src/gateway/sandbox/stream-client.ts";
import { openBrowserStream } from "../src/gateway/sessions/browser-marks.ts";
import { Sessions } from "../src/gateway/sessions/sessions.ts";
import { DevTools } from "./devtools.fixture.ts";

export const BROWSER_IMAGE = "openclaw-sandbox-browser:bookworm-slim";
export const BROWSER_PREFIX = "openclaw-sbx-browser-";
/** Of a whole browser, on a machine that does other things too. */
export const START_MS_MAX = 90_000;
const BROWSERS = { enabled: true, autoStartTimeoutMs: START_MS_MAX };
const ALLOWED = { sandbox: { tools: { allow: ["exec", "browser"], deny: [] } } };

/** One agent `main` whose sessions may use a browser. */
export const withBrowser = (browser: object = {}, sandbox: object = {}): object => ({
  agents: { defaults: { sandbox: { mode: "all", scope: "session", ...sandbox, browser: { ...BROWSERS, ...browser } } } },
  tools: ALLOWED,
});

/** Why there is none here, or null: then the proxy by which it reaches pages has an image too. */
export async function whyNoBrowserByEgress(): Promise<string | null> {
  if ((await tryDocker("image", "inspect", BROWSER_IMAGE)) === null)
    return `${BROWSER_IMAGE} is not there: scripts/sandbox-browser-setup.sh`;
  await buildEgressImage();
  return null;
}

const never = new AbortController().signal;

/**
 * Servers on the network of a site's egress proxy, which its lists may name by address; they, the network and the site's containers are gone after the test.
 * @param end stops the controller, which would make them again
 * @returns starts one, as root, of the sandboxes' image; its address
 */
export async function serveByEgress(site: Site, end: () => Promise<unknown>): Promise<(...command: string[]) => Promise<string>> {
  const network = `openclaw-egress-${site.instance}`;
  const served: string[] = [];
  site.atEnd(async () => {
    await end();
    await tryDocker("rm", "--force", ...served);
    await removeEgress(site.instance);
  });
  await until("the proxy's network is there", async () => (await tryDocker("network", "inspect", network)) !== null, START_MS_MAX);
  return async (...command) => {
    const id = await docker("run", "--detach", `--network=${network}`, "--user=0:0", IMAGE, ...command);
    served.push(id);
    return await docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id);
  };
}

export class BrowserSite {
  readonly site: Site;
  readonly sessions: Sessions;
  readonly browsers: BrowserStream;
  readonly client: StreamClient;
  controller: ControllerProcess;

  private constructor(site: Site, sessions: Sessions) {
    this.site = site;
    this.sessions = sessions;
    this.client = new StreamClient(site.stateDir);
    this.browsers = openBrowserStream(this.client, sessions);
    this.controller = spawnController(site, "--log-level", process.env.OPENCLAW_TEST_LOG ?? "warn");
  }

  static async open(config: object = withBrowser()): Promise<BrowserSite> {
    const site = await createSite();
    await site.writeConfig(config);
    const { stateDir } = site;
    const now = () => toEpochMs(Date.now());
    const sessions = await Sessions.open({ stateDir, now, newUid: randomUUID, writeFailed: () => undefined });
    site.atEnd(() => sessions.stop());
    const made = new BrowserSite(site, sessions);
    await made.answers();
    return made;
  }

  /** Waits until the controller's stream socket answers. */
  async answers(): Promise<void> {
    const looks = async (): Promise<boolean> => await this.client.sessionSandbox("agent:main:none").then(Boolean, () => false);
    await until("the controller answers", looks, START_MS_MAX);
  }

  /** kill -9, and another one in its place. */
  async restart(): Promise<void> {
    await this.controller.crash();
    this.controller = spawnController(this.site);
    await this.answers();
  }

  async begin(name: string): Promise<Session> {
    const key = toSessionKey(`agent:main:${name}`);
    return await this.sessions.create({ key, agentId: toAgentId("main"), kind: "direct" });
  }

  async open(session: Session): Promise<BrowserEndpoint> {
    return await this.browsers.open(session, AbortSignal.timeout(START_MS_MAX));
  }

  async dial(endpoint: BrowserEndpoint, port: "cdp" | "vnc" = "cdp", use: BrowserUse = "tool"): Promise<Duplex> {
    return await this.browsers.dial(endpoint, port, use, never);
  }

  /** The display, once it greets: it may take longer than DevTools. */
  async watch(endpoint: BrowserEndpoint): Promise<Duplex> {
    return await until(
      "the display greets",
      async () => {
        const stream = await this.dial(endpoint, "vnc", "watch");
        stream.on("error", () => undefined);
        const greeting = await Promise.race([once(stream, "data"), once(stream, "close")]);
        return String(greeting[0]).startsWith("RFB ") && stream;
      },
      START_MS_MAX,
    );
  }

  /** What DevTools says of itself, over a connection of its own. */
  async version(endpoint: BrowserEndpoint, use: BrowserUse = "tool"): Promise<string> {
    const connection = await this.dial(endpoint, "cdp", use);
    connection.write("GET /json/version HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let answer = "";
    // It keeps the connection, whatever it is asked.
    for await (const chunk of connection) {
      answer += String(chunk);
      if (answer.includes("webSocketDebuggerUrl")) break;
    }
    return answer;
  }

  /** Each connection of the client is dialled anew. */
  async devTools(endpoint: BrowserEndpoint): Promise<DevTools> {
    const server = createServer((socket) => {
      void this.dial(endpoint).then((remote) => {
        for (const stream of [socket, remote]) stream.on("error", () => void [socket, remote].map((each) => each.destroy()));
        socket.pipe(remote).pipe(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const devTools = await DevTools.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      devTools.close();
      server.close();
    });
    return devTools;
  }
}
