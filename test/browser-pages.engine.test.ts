// What a hostile page of a session's browser tries on its way out, on a real engine: past the egress list, and back into its own container. What it does to the
// tool is browser-tool.engine.test.ts's.
import { expect, test } from "vitest";
import { z } from "zod";
import { bridgeAddress, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { servePages } from "./browser.fixture.ts";
import { connectMcp, openPage, SERVE_PAGE } from "./browser-mcp.fixture.ts";
import { BROWSER_IMAGE, BrowserSite, START_MS_MAX, serveByEgress, whyNoBrowserByEgress, withBrowser } from "./browsers.fixture.ts";
import { cli } from "./cli.fixture.ts";
import { freePort } from "./free-port.ts";
import { spawnGateway } from "./gateway.fixture.ts";

const TEST_MS_MAX = 300_000;
/** Blocks in which the host and its engine have their addresses. */
const WIDE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/** JavaScript that tries to fetch each and to open a socket there, and waits until it knows. */
const tryAll = (urls: readonly string[]): string => `Promise.all(${JSON.stringify(urls)}.flatMap((url) => [
  fetch(url, { mode: "no-cors" }).catch(() => undefined),
  new Promise((done) => { const one = new WebSocket(url); one.onopen = one.onerror = done }),
])).then(() => "tried")`;

const Decisions = z.object({
  items: z.array(
    z.looseObject({ kind: z.string(), verdict: z.string().optional(), host: z.string().optional(), port: z.number().optional() }),
  ),
});

test(
  "a page that tries the metadata address, the gateway, the controller and the host reaches none of them, whatever blocks the list names",
  async ({ skip }) => {
    const why = await whyNoBrowserByEgress();
    if (why !== null) return skip(why);
    const site = await createSite();
    const list = (...allow: string[]) => withBrowser({ evaluateEnabled: true }, { egress: { allow } });
    await site.writeConfig(list("192.0.2.1"));
    const metricsPort = await freePort();
    const controller = spawnController(site, "--metrics-listen", `0.0.0.0:${metricsPort}`);
    const gateway = await spawnGateway(site);
    const serve = await serveByEgress(site, () => controller.crash());
    const allowed = await serve(...SERVE_PAGE);
    await site.writeConfig(list(...WIDE));
    await until("both are ready", async () => (await gateway.ask("/readyz")).status === 200, START_MS_MAX);
    const client = await connectMcp(gateway);
    await openPage(client, `http://${allowed}/`);
    const [host, { port }] = [await bridgeAddress(), new URL(gateway.url)];
    const targets = ["169.254.169.254:80", `127.0.0.1:${port}`, `${host}:${port}`, `127.0.0.1:${metricsPort}`, `${host}:${metricsPort}`];
    const fn = `() => ${tryAll(targets.map((target) => `http://${target}/`))}`;
    expect(await client.browse({ action: "act", request: { kind: "evaluate", fn }, timeoutMs: 60_000 })).toContain('"tried"');
    const [, name = ""] = /running: (\S+)/.exec(await client.browse({ action: "status" })) ?? [];
    const log = await cli(["sandbox", "egress", "log", name, "--json"], { stateDir: site.stateDir });
    const decided = Decisions.parse(JSON.parse(log.stdout)).items.filter(({ kind }) => kind === "decision");
    const verdictsOf = (target: string): unknown[] => [
      ...new Set(decided.filter(({ host, port }) => `${host}:${port}` === target).map(({ verdict }) => verdict)),
    ];
    expect(verdictsOf(`${allowed}:80`)).toContain("allowed");
    expect(targets.map((target) => [target, verdictsOf(target)])).toEqual(targets.map((target) => [target, ["refused"]]));
  },
  TEST_MS_MAX,
);

test(
  "a page that tries its own browser's ports, by an address of loopback or by a name that is pointed there, reaches none of them",
  async ({ skip }) => {
    if ((await tryDocker("image", "inspect", BROWSER_IMAGE)) === null)
      return skip(`${BROWSER_IMAGE} is not there: scripts/sandbox-browser-setup.sh`);
    const world = await BrowserSite.open(withBrowser({ network: "bridge" }, { docker: { extraHosts: ["rebound.test:127.0.0.1"] } }));
    const endpoint = await world.open(await world.begin("web"));
    const devTools = await world.devTools(endpoint);
    const pages = await servePages((_, response) => response.setHeader("content-type", "text/html").end("<title>hostile</title>"));
    const page = await devTools.open(pages);
    await until("the page is there", async () => (await devTools.evaluate(page, "document.title")) === "hostile", START_MS_MAX);
    const hosts = ["127.0.0.1", "127.9.9.9", "localhost", "a.localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "rebound.test"];
    const opens = (url: string): string => `new Promise((done) => {
      const socket = new WebSocket(${JSON.stringify(url)}, "binary");
      socket.onopen = () => done("open");
      socket.onerror = () => done("closed");
    })`;
    for (const host of hosts)
      for (const port of [9222, 5900, 6080])
        expect([host, port, await devTools.evaluate(page, opens(`ws://${host}:${port}/websockify`))]).toEqual([host, port, "closed"]);
    for (const url of [
      "http://127.0.0.1:9222/json/version",
      "http://rebound.test:9222/json/version",
      "http://rebound.test:6080/vnc.html",
    ]) {
      const tab = await devTools.open(url);
      await until(`${url} was tried`, async () => (await devTools.evaluate(tab, "document.readyState")) === "complete", START_MS_MAX);
      expect(await devTools.evaluate(tab, "document.documentElement.outerHTML"), url).not.toMatch(/webSocketDebuggerUrl|<title>noVNC/);
    }
  },
  TEST_MS_MAX,
);
