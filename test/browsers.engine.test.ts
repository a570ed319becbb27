// Browsers of sessions on a real engine, as the gateway has them: they start with their first use, answer, are reached by nobody else, and go. What a
// plan does with them is src/controller/decide's tests; what the image does by itself, sandbox-browser.engine.test.ts's.
import { once } from "node:events";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { beforeEach, expect, test } from "vitest";
import { LABEL } from "../src/api/labels.ts";
import { docker, staysSo, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { EGRESS_IMAGE } from "../src/controller/fixtures/egress.fixture.ts";
import { BROWSER_IMAGE, BROWSER_PREFIX, BrowserSite, START_MS_MAX, serveByEgress, withBrowser } from "./browsers.fixture.ts";

const TEST_MS_MAX = 300_000;
const SERVE = ["python3", "-m", "http.server", "--directory", "/etc", "80"];

beforeEach(async ({ skip }) => {
  skip((await tryDocker("image", "inspect", BROWSER_IMAGE)) === null, `${BROWSER_IMAGE} is not there: scripts/sandbox-browser-setup.sh`);
});

const kindsOf = async ({ site }: BrowserSite): Promise<string[]> => {
  const filter = `label=${LABEL.instance}=${site.instance}`;
  const kinds = await docker("ps", "-a", "--filter", filter, "--format", `{{.Label "${LABEL.kind}"}}`);
  return kinds === "" ? [] : kinds.split("\n").sort();
};

test(
  "a session's browser starts with its first use, with Chromium's own sandbox and without a network, answers, and goes when it is no longer wanted",
  async () => {
    const world = await BrowserSite.open();
    const session = await world.begin("web");
    await until("the tools' sandbox is there", async () => (await kindsOf(world)).join() === "tools");
    expect(await world.browsers.find(session)).toBeNull();
    const endpoint = await world.open(session);
    expect(endpoint).toMatchObject({
      name: world.site.nameOf("agent:main:web", BROWSER_PREFIX),
      cdpPort: 9222,
      vncPort: 5900,
      headless: false,
    });
    expect(await kindsOf(world)).toEqual(["browser", "tools"]);
    expect(await world.version(endpoint)).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*"Browser": "Chrome\//);
    const { NetworkMode, PortBindings, ReadonlyRootfs, CapDrop } = JSON.parse(
      await docker("inspect", "--format", "{{json .HostConfig}}", endpoint.name),
    );
    expect([NetworkMode, PortBindings ?? {}, ReadonlyRootfs, CapDrop]).toEqual(["none", {}, true, ["ALL"]]);
    const processes = await docker("top", endpoint.name);
    expect(processes).not.toMatch(/ --no-sandbox /);
    // Whoever watches comes through the controller.
    expect(["x11vnc", "websockify"].map((program) => processes.includes(program))).toEqual([true, false]);
    await world.browsers.stop(session);
    await until("only the tools' sandbox is left", async () => (await kindsOf(world)).join() === "tools");
  },
  TEST_MS_MAX,
);

/** Whether the browser runs in this container. */
const runsIn = async (uid: string): Promise<boolean> => (await docker("ps", "-q", "--filter", `label=${LABEL.uid}=${uid}`)) !== "";

const ended = async (stream: Duplex): Promise<void> => {
  if (!stream.destroyed) await once(stream, "close");
};

test(
  "whoever watches holds up no change of the browser, and a tool's connection does; a run that is over is reached by nobody",
  async () => {
    const edit = (headless: boolean) => withBrowser({ headless, enableNoVnc: true }, { rollout: { hotWindow: "1s", canary: 0 } });
    const world = await BrowserSite.open(edit(false));
    const session = await world.begin("web");
    const first = await world.open(session);
    const watching = await world.watch(first);
    await world.site.writeConfig(edit(true));
    await ended(watching);
    const second = await until(
      "the browser was replaced",
      async () => await world.browsers.find(session).then((one) => one?.headless && one),
      START_MS_MAX,
    );
    expect(second.uid).not.toBe(first.uid);
    await expect(world.dial(first)).rejects.toMatchObject({ code: "StaleHandle" });
    await expect(world.dial(second, "vnc")).rejects.toMatchObject({ code: "NotReady" });
    const [tool, other] = await Promise.all([world.dial(second), world.dial(second)]);
    await world.site.writeConfig(edit(false));
    other.destroy();
    await staysSo("the tool's browser stays", async () => await runsIn(second.uid), 4_000);
    tool.destroy();
    await until("the browser was replaced once the tool was done", async () => !(await runsIn(second.uid)), START_MS_MAX);
  },
  TEST_MS_MAX,
);

test(
  "a controller that is killed leaves the browser as it is and no relay in it; with its session the browser goes",
  async () => {
    const world = await BrowserSite.open();
    const session = await world.begin("web");
    const endpoint = await world.open(session);
    const connection = await world.dial(endpoint);
    connection.on("error", () => undefined);
    expect(await docker("top", endpoint.name)).toContain("socat");
    await world.restart();
    const again = await world.open(session);
    expect(again).toEqual(endpoint);
    expect(await world.version(again)).toContain("Chrome/");
    await until("no relay is left", async () => !(await docker("top", endpoint.name)).includes("socat"));
    await world.sessions.delete(session.spec.key);
    await world.controller.crash();
    await world.restart();
    await world.site.requestRecreate(endpoint.name, true);
    await world.site.requestRecreate(world.site.nameOf("agent:main:web"), true);
    await world.site.goes("the session and its browser");
  },
  TEST_MS_MAX,
);

test(
  "a neighbour on its network and the host's other users reach none of its ports; the gateway does",
  async () => {
    const world = await BrowserSite.open(withBrowser({ network: "bridge" }));
    const [web, other] = [await world.begin("web"), await world.begin("other")];
    const [endpoint, neighbour] = await Promise.all([world.open(web), world.open(other)]);
    const address = await docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", endpoint.name);
    for (const port of [9222, 5900, 6080]) {
      const knock = ["bash", "-c", `exec 3<>/dev/tcp/${address}/${port}`];
      expect(await tryDocker("exec", neighbour.name, ...knock), `port ${port} from a neighbour`).toBeNull();
      const socket = connect(port, address);
      await expect(once(socket, "connect"), `port ${port} from the host`).rejects.toThrow("ECONNREFUSED");
    }
    expect(await world.version(endpoint)).toContain("Chrome/");
  },
  TEST_MS_MAX,
);

test(
  "by the egress list a page of an allowed address loads; another address, the browser's own DevTools and its host do not",
  async ({ skip }) => {
    skip((await tryDocker("image", "inspect", EGRESS_IMAGE)) === null, `${EGRESS_IMAGE} is not there: scripts/sandbox-egress-setup.sh`);
    const list = (allow: string[]) => withBrowser({}, { egress: { allow } });
    const world = await BrowserSite.open(list(["192.0.2.1"]));
    const serve = await serveByEgress(world.site, () => world.controller.crash());
    const [allowed, other] = [await serve(...SERVE), await serve(...SERVE)];
    await world.site.writeConfig(list([allowed]));
    const endpoint = await world.open(await world.begin("web"));
    const devTools = await world.devTools(endpoint);
    const shows = async (url: string): Promise<string> => {
      const page = await devTools.open(url);
      const look = async (): Promise<unknown> => (await devTools.evaluate(page, "document.readyState")) === "complete";
      await until(`${url} was tried`, look, START_MS_MAX);
      return String(await devTools.evaluate(page, "document.documentElement.innerText"));
    };
    await until(
      "the page of the allowed address is there",
      async () => (await shows(`http://${allowed}/`)).includes("Directory listing"),
      START_MS_MAX,
    );
    for (const url of [
      `http://${other}/`,
      "http://127.0.0.1:9222/json/version",
      "http://localhost:9222/json/version",
      "http://169.254.169.254/",
    ])
      expect(await shows(url), url).not.toMatch(/Directory listing|webSocketDebuggerUrl/);
  },
  TEST_MS_MAX,
);
