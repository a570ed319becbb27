// A browser that is whatever a test puts at the other end of its connections.
import type { Duplex } from "node:stream";
import { toSandboxName } from "../../api/brands.ts";
import type { BrowserEndpoint, BrowserPortName, BrowserUse } from "../../api/browser-session.ts";
import type { BrowserPort } from "./browser-port.ts";

export interface FakeBrowser extends BrowserPort {
  readonly dialled: { port: BrowserPortName; use: BrowserUse }[];
}

/** @param dial a stream each time */
export function fakeBrowser(dial: () => Duplex): FakeBrowser {
  const name = toSandboxName("openclaw-test-fake");
  const endpoint: BrowserEndpoint = {
    sessionKey: "agent:main:main",
    name,
    uid: "1",
    incarnation: "1",
    cdpPort: 9222,
    vncPort: 5900,
    headless: false,
  };
  const dialled: FakeBrowser["dialled"] = [];
  return {
    dialled,
    open: async () => endpoint,
    find: async () => endpoint,
    dial: async (_, port, use) => {
      dialled.push({ port, use });
      return dial();
    },
    stop: async () => undefined,
  };
}
