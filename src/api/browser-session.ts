// What gateway and controller say to each other about the browser of a session. Shapes only.
import type { SandboxName } from "./brands.ts";
import type { SessionSandbox } from "./wire.ts";

/** One exact run of a browser's container, and what it offers. Whoever holds this is fenced to that run. */
export interface BrowserEndpoint {
  sessionKey: string;
  name: SandboxName;
  uid: string;
  incarnation: string;
  /** Of DevTools, inside. */
  cdpPort: number;
  /** null: there is no display, or nobody may watch it. */
  vncPort: number | null;
  headless: boolean;
}

/** The browser of one live session, as the gateway sees it: `sandbox` is null while it is not known to want one. */
export interface BrowserSession extends SessionSandbox {
  /** null: not ready. */
  endpoint: BrowserEndpoint | null;
}

export const BROWSER_PORTS = ["cdp", "vnc"] as const;
export type BrowserPortName = (typeof BROWSER_PORTS)[number];

/** What a connection is for. `watch` is no use of the browser: it keeps it from nothing, and waits for nothing. */
export const BROWSER_USES = ["tool", "watch"] as const;
export type BrowserUse = (typeof BROWSER_USES)[number];
