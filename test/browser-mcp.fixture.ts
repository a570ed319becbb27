// An agent's client that uses the tool `browser` over MCP, and a page for it in a container: a form and a file. It asserts nothing.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";
import { onTestFinished } from "vitest";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { START_MS_MAX } from "./browsers.fixture.ts";

const FORM = `<title>Lobster</title><form action=fed.html><label>Name <input name=n></label><button>Feed</button></form><a href=report.txt download>Report</a>`;
const SITE = `mkdir /tmp/site && cd /tmp/site && printf %s "$1" >index.html && printf "<title>Fed</title>" >fed.html && printf "krill\\n" >report.txt
exec python3 -m http.server 80`;

/** In a container of the sandboxes' image, as root. */
export const SERVE_PAGE = ["sh", "-c", SITE, "sh", FORM] as const;

export interface McpClient {
  transport: StreamableHTTPClientTransport;
  /** The text of the result, `[image]` for a picture; begins with `error: ` where the tool says so. */
  call(tool: string, input: Record<string, unknown>): Promise<string>;
  browse(input: Record<string, unknown>): Promise<string>;
}

/** Closed after the test. */
export async function connectMcp({ url, token }: { url: string; token: string | null }): Promise<McpClient> {
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
  return { transport, call, browse: (input) => call("browser", input) };
}

/** What the snapshot calls an element. */
const refOf = (snapshot: string, element: string): string => new RegExp(`${element} \\[ref=(\\w+)\\]`).exec(snapshot)?.[1] ?? "none";

/** Until the list in force allows it, and a page that was left is loaded again. */
export async function openPage({ browse }: McpClient, page: string): Promise<void> {
  let said = "";
  const shows = async (): Promise<boolean> => {
    said = await browse({ action: "navigate", targetUrl: page });
    return said.startsWith("200 Lobster");
  };
  await until(`the browser shows ${page}`, shows, START_MS_MAX).catch((error: unknown) => {
    throw new Error(`the browser says: ${said}`, { cause: error });
  });
}

/** On the page that is open: a picture of it with its form filled, what its file says in the sandbox, and the page after the form was sent. */
export async function usePage({ browse, call }: McpClient): Promise<{ picture: string; file: string; sent: string }> {
  const form = await browse({ action: "snapshot" });
  const click = (ref: string): Promise<string> => browse({ action: "act", request: { kind: "click", ref } });
  await browse({ action: "act", request: { kind: "fill", fields: [{ ref: refOf(form, 'textbox "Name"'), value: "Pinchy" }] } });
  const picture = await browse({ action: "screenshot" });
  const [, saved = "nothing"] = /saved as (\S+)/.exec(await click(refOf(form, 'link "Report"'))) ?? [];
  const file = await call("exec", { command: `cat ${saved}` });
  return { picture, file, sent: await click(refOf(form, 'button "Feed"')) };
}
