// Browsers of sessions, put together for agents, for people who watch them, and for lists; and where people reach the pages on which they do.
// What each part does is browser/.
import type { BrowserMetrics } from "./browser/browser-metrics.ts";
import type { BrowserPort } from "./browser/browser-port.ts";
import { BrowserViews, type BrowserViewsParts } from "./browser/browser-views.ts";
import { Browsers } from "./browser/browsers.ts";
import { Thumbnails } from "./browser/thumbnails.ts";
import type { ConfigInForce } from "./config/config-in-force.ts";

export interface Browsing {
  browsers: Browsers;
  views: BrowserViews;
  thumbnails: Thumbnails;
  /** The browsers go on. */
  end(): Promise<void>;
}

export interface OpenBrowsingParts extends BrowserViewsParts {
  port: BrowserPort;
  /** Where people reach the gateway's pages, without a slash at the end. */
  pages(): string;
  metrics: BrowserMetrics;
}

export const openBrowsing = ({ port, log, now, newCode, pages, metrics }: OpenBrowsingParts): Browsing => {
  const browsers = new Browsers({ port, log, pages, meter: metrics });
  const views = new BrowserViews({ port, now, newCode, log });
  const end = async (): Promise<void> => {
    views.stop();
    await browsers.end();
  };
  metrics.watch({ processes: () => browsers.count, views: () => views.count });
  return { browsers, views, thumbnails: new Thumbnails({ port, now, meter: metrics }), end };
};

/** As people reach them: where the config says, else at the address that is listened at. */
export function toPages(
  { controlUi }: ConfigInForce["current"]["gateway"],
  { host, port }: { host: string | undefined; port: number },
): string {
  return controlUi.allowedOrigins[0] ?? toUrl({ host: host ?? "::", port });
}

/** As this host reaches it. */
export function toUrl({ host, port }: { host: string; port: number }): string {
  if (host === "::" || host === "0.0.0.0") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
