// A browser from the config to its end, as a program meets it: over MCP, by the egress list, through a real gateway and controller. What the tool can do is
// browser-tool.engine.test.ts's; what the controller does with browsers, browsers.engine.test.ts's.
import { beforeEach, expect, test } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { connectMcp, openPage, SERVE_PAGE, usePage } from "./browser-mcp.fixture.ts";
import { START_MS_MAX, serveByEgress, whyNoBrowserByEgress, withBrowser } from "./browsers.fixture.ts";
import { spawnGateway } from "./gateway.fixture.ts";

const TEST_MS_MAX = 300_000;

beforeEach(async ({ skip }) => {
  const why = await whyNoBrowserByEgress();
  skip(why !== null, why ?? "");
}, TEST_MS_MAX);

test(
  "over MCP a browser opens a page that the egress list allows, fills its form, takes a picture and downloads a file; after kill -9 of the gateway and of the controller nothing of it is left once the client has gone",
  async () => {
    const site = await createSite();
    // A session whose gateway was killed in the middle was used just now.
    const rollout = { hotWindow: "1s" };
    const configOf = (allow: string[]) => withBrowser({}, { egress: { allow }, rollout });
    await site.writeConfig(configOf(["192.0.2.1"]));
    let controller = spawnController(site);
    let gateway = await spawnGateway(site);
    const serve = await serveByEgress(site, () => controller.crash());
    const [allowed, other] = [await serve(...SERVE_PAGE), await serve(...SERVE_PAGE)];
    await site.writeConfig(configOf([allowed]));
    const ready = async () => (await gateway.ask("/readyz")).status === 200;
    await until("both are ready", ready, START_MS_MAX);

    const first = await connectMcp(gateway);
    const page = `http://${allowed}/`;
    await openPage(first, page);
    expect(await first.browse({ action: "navigate", targetUrl: `http://${other}/` })).not.toMatch(/^200/);
    await openPage(first, page);
    const { picture, file, sent } = await usePage(first);
    expect([picture, file, sent]).toEqual([expect.stringContaining("[image]"), "krill\n", expect.stringContaining("fed.html?n=Pinchy")]);

    await gateway.crash();
    await controller.crash();
    controller = spawnController(site);
    gateway = await spawnGateway(site);
    await until("both are ready again", ready, START_MS_MAX);
    const second = await connectMcp(gateway);
    await openPage(second, page);
    await second.transport.terminateSession();
    // The proxy serves the list, not a client.
    await site.writeConfig(withBrowser({}, { rollout }));
    await site.goes("the clients and the egress list have gone");
  },
  TEST_MS_MAX,
);
