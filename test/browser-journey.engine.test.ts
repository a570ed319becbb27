// A browser from the config to its end, as a program meets it: over MCP, by the egress list, through a real gateway and controller. What the tool can do is
// browser-tool.engine.test.ts's; what the controller does with browsers, browsers.engine.test.ts's.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { EGRESS_IMAGE } from "../src/controller/fixtures/egress.fixture.ts";
import { spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { BROWSER_IMAGE, START_MS_MAX, serveByEgress, withBrowser } from "./browsers.fixture.ts";
import { type GatewayProcess, spawnGateway } from "./gateway.fixture.ts";

const TEST_MS_MAX = 300_000;
const FORM = `<title>Lobster</title><form action=fed.html><label>Name <input name=n></label><button>Feed</button></form><a href=report.txt download>Report</a>`;
const SITE = `mkdir /tmp/site && cd /tmp/site && printf %s "$1" >index.html && printf "<title>Fed</title>" >fed.html && printf "krill\\n" >report.txt
exec python3 -m http.server 80`;

beforeEach(async ({ skip }) => {
  for (const [image, script] of [
    [BROWSER_IMAGE, "scripts/sandbox-browser-setup.sh"],
    [EGRESS_IMAGE, "scripts/sandbox-egress-setup.sh"],
  ] as const)
    skip((await tryDocker("image", "inspect", image)) === null, `${image} is not there: ${script}`);
});

async function connect({ url, token }: GatewayProcess) {
  const client = new Client({ name: "test", version: "1" });
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport as Transport);
  onTestFinished(() => client.close());
  const call = async (name: string, input: Record<string, unknown>): Promise<string> => {
    const answer = await client.callTool({ name, arguments: input }, CallToolResultSchema, { timeout: START_MS_MAX });
    const { content, isError } = CallToolResultSchema.parse(answer);
    const text = content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("");
    return isError === true ? `error: ${text}` : text;
  };
  return { transport, call, browse: (input: Record<string, unknown>) => call("browser", input) };
}

/** What the snapshot calls an element. */
const refOf = (snapshot: string, element: string): string => new RegExp(`${element} \\[ref=(\\w+)\\]`).exec(snapshot)?.[1] ?? "none";

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
    const [allowed, other] = [await serve("sh", "-c", SITE, "sh", FORM), await serve("sh", "-c", SITE, "sh", FORM)];
    await site.writeConfig(configOf([allowed]));
    const ready = async () => (await gateway.ask("/readyz")).status === 200;
    await until("both are ready", ready, START_MS_MAX);

    const first = await connect(gateway);
    const page = `http://${allowed}/`;
    await until(
      "the list in force allows the page",
      async () => (await first.browse({ action: "navigate", targetUrl: page })).startsWith("200 Lobster"),
      START_MS_MAX,
    );
    expect(await first.browse({ action: "navigate", targetUrl: `http://${other}/` })).not.toMatch(/^200/);
    await first.browse({ action: "navigate", targetUrl: page });
    const form = await first.browse({ action: "snapshot" });
    await first.browse({ action: "act", request: { kind: "fill", fields: [{ ref: refOf(form, 'textbox "Name"'), value: "Pinchy" }] } });
    expect(await first.browse({ action: "screenshot" })).toContain("[image]");
    const [, saved = ""] =
      /saved as (\S+)/.exec(await first.browse({ action: "act", request: { kind: "click", ref: refOf(form, 'link "Report"') } })) ?? [];
    expect(await first.call("exec", { command: `cat ${saved}` })).toBe("krill\n");
    expect(await first.browse({ action: "act", request: { kind: "click", ref: refOf(form, 'button "Feed"') } })).toContain(
      "fed.html?n=Pinchy",
    );

    await gateway.crash();
    await controller.crash();
    controller = spawnController(site);
    gateway = await spawnGateway(site);
    await until("both are ready again", ready, START_MS_MAX);
    const second = await connect(gateway);
    await until(
      "the page is there again",
      async () => (await second.browse({ action: "navigate", targetUrl: page })).startsWith("200 Lobster"),
      START_MS_MAX,
    );
    await second.transport.terminateSession();
    // The proxy serves the list, not a client.
    await site.writeConfig(withBrowser({}, { rollout }));
    await site.goes("the clients and the egress list have gone");
  },
  TEST_MS_MAX,
);
