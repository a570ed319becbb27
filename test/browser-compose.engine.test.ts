// A browser as people run the product with docker-compose.yml: the gateway in a container of its own, which no port of the browser is published to, the web
// by an egress list, Chromium's own sandbox on. On one host without containers it is browser-journey.engine.test.ts.
import { expect, onTestFinished, test } from "vitest";
import { containersWith, docker, IMAGE, inspect, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { connectMcp, openPage, SERVE_PAGE, usePage } from "./browser-mcp.fixture.ts";
import { START_MS_MAX, whyNoBrowserByEgress, withBrowser } from "./browsers.fixture.ts";
import { buildImage, findCompose, Stack } from "./compose.fixture.ts";

const TEST_MS_MAX = 900_000;

const compose = await findCompose();
/** What an MCP client used is gone soon after it. @param sandbox the list, if there is one */
const configOf = (sandbox: object): object => ({
  gateway: { mode: "local" },
  ...withBrowser({}, { rollout: { hotWindow: "1s" }, ...sandbox }),
});
const listOf = (...allow: string[]): object => configOf({ egress: { allow } });

const LABEL_OF_SERVERS = "openclaw-test-served";

/** A server in the proxy's network. @returns its address */
async function serve({ project }: Stack): Promise<string> {
  const network = `openclaw-egress-${project}`;
  await until("the proxy's network is there", async () => (await tryDocker("network", "inspect", network)) !== null, START_MS_MAX);
  const flags = ["--label", `${LABEL_OF_SERVERS}=${project}`, `--network=${network}`, "--user=0:0"];
  const id = await docker("run", "--detach", ...flags, IMAGE, ...SERVE_PAGE);
  return await docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id);
}

/** Containers of this stack's browsers. */
async function browsersOf({ project }: Stack): Promise<string[]> {
  const filters = [`label=openclaw.instance=${project}`, "label=openclaw.kind=browser"];
  const found = await docker("ps", "-q", ...filters.flatMap((filter) => ["--filter", filter]));
  return found === "" ? [] : found.split("\n");
}

test(
  "in Compose, over MCP, a browser opens a page that a CIDR of the egress list names, fills its form, takes a picture and downloads a file; nothing is published, and nothing is left",
  async ({ skip }) => {
    if (compose === null) return skip("there is neither docker compose nor docker-compose");
    const why = await whyNoBrowserByEgress();
    if (why !== null) return skip(why);
    await buildImage();
    const stack = await Stack.create(compose, listOf("192.0.2.1/32"));
    onTestFinished(async () => {
      await stack.end();
      await tryDocker("rm", "--force", ...(await containersWith(`${LABEL_OF_SERVERS}=${stack.project}`)));
      for (const kind of ["network", "volume"]) await tryDocker(kind, "rm", `openclaw-egress-${stack.project}`);
    });
    const up = await stack.compose("up", "-d", "openclaw-gateway");
    expect({ code: up.code, stderr: up.code === 0 ? "" : up.stderr }).toEqual({ code: 0, stderr: "" });
    await stack.untilReady();
    const [allowed, other] = [await serve(stack), await serve(stack)];
    await stack.renameConfig(listOf(`${allowed}/32`));

    const client = await connectMcp(stack);
    await openPage(client, `http://${allowed}/`);
    expect(await client.browse({ action: "navigate", targetUrl: `http://${other}/` })).not.toMatch(/^200/);
    await openPage(client, `http://${allowed}/`);
    const { picture, file, sent } = await usePage(client);
    expect([picture, file, sent]).toEqual([expect.stringContaining("[image]"), "krill\n", expect.stringContaining("fed.html?n=Pinchy")]);

    const [browser = ""] = await browsersOf(stack);
    expect(await docker("top", browser)).not.toContain("--no-sandbox");
    expect(await docker("port", browser)).toBe("");
    expect(await docker("inspect", "--format", "{{.HostConfig.NetworkMode}}", browser)).toBe("none");

    expect(await client.browse({ action: "stop" })).toContain("stopped");
    await until("the browser is gone", async () => (await inspect(browser)) === null);
    await client.transport.terminateSession();
    // The proxy serves the list, not a client.
    await stack.renameConfig(configOf({}));
    const left = async (): Promise<string[]> => await containersWith(`openclaw.instance=${stack.project}`);
    await until("nothing is left of the session and of egress", async () => (await left()).length === 0, START_MS_MAX);
  },
  TEST_MS_MAX,
);
