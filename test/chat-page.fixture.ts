// The chat page in a real browser over a real gateway's servers, with an agent that is data: what it is told, and what a person does. It asserts nothing.
import { symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { toSessionKey } from "../src/api/brands.ts";
import type { HistoryItem, RunId } from "../src/gateway/agent/agent-port.ts";
import { type ServerOptions, UI_FOLDER } from "../src/gateway/http/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { buildPage, openBrowser, openPaired } from "./control-ui.fixture.ts";

export const KEY = toSessionKey("agent:main:main");
export const RUN = { runId: "11111111-1111-4111-8111-111111111111" as RunId, session: KEY };
export const PATH = `/chat/${encodeURIComponent(KEY)}`;
/** For one step of a page, on a machine that does much else. */
const PATIENCE_MS = 90_000;

/** A session and a browser that is let in. @param program of Chromium */
export async function openChat(
  program: string,
  { path = PATH, options = {}, serves = {} }: { path?: string; options?: object; serves?: ServerOptions } = {},
) {
  buildPage();
  const server = await openSocketServer(serves);
  symlinkSync(resolve(import.meta.dirname, "../dist/ui"), join(server.stateDir, UI_FOLDER));
  server.agent.available = { model: "aimock/small" };
  await server.service.open({ key: KEY });
  const url = server.url.replace("ws:", "http:");
  const owner = {
    ask: async (asked: string, body?: object) =>
      await server.http(asked, server.ownerKey, body === undefined ? {} : { method: "POST", json: body }),
  };
  const browser = await openBrowser(program);
  const opened = await openPaired(browser, { url, owner, path, options });
  opened.page.setDefaultTimeout(PATIENCE_MS);
  if (path === PATH) await opened.page.getByLabel("Message", { exact: true }).waitFor();
  return { server, agent: server.agent, ...opened };
}

let lastId = 0;

export const said = (text: string): HistoryItem => ({
  ...{ kind: "assistant", text, runId: null, model: "aimock/small", isPartial: false, at: 1_700_000_000_000 as never },
  id: ++lastId,
});
