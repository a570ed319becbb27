// What each operation on browsers does: what runs, a code for who watches, a small picture, and its end. Who may is the table's, operations-browsers.ts;
// whether the session has a browser at all is its tool policy's.
import { type BROWSER_OPERATIONS, BROWSER_VIEW_PATH } from "../../api/gateway-protocol/operations-browsers.ts";
import { allows } from "../../api/gateway-protocol/scopes.ts";
import type { Session } from "../../api/session.ts";
import type { BrowserViews } from "../browser/browser-views.ts";
import type { Browsers } from "../browser/browsers.ts";
import type { Thumbnails } from "../browser/thumbnails.ts";
import { renderActor } from "../devices/identity.ts";
import type { SessionTools } from "../sessions/session-tools.ts";
import type { Handlers } from "./handler.ts";

export interface BrowserHandlerParts {
  browsers: Browsers;
  views: BrowserViews;
  thumbnails: Thumbnails;
  tools: Pick<SessionTools, "admit">;
  find(key: string): Session;
}

export function browserHandlers({
  browsers,
  views,
  thumbnails,
  tools,
  find,
}: BrowserHandlerParts): Pick<Handlers, keyof typeof BROWSER_OPERATIONS> {
  /** @throws OperationError `Forbidden` by the policy */
  const admitted = (params: Readonly<Record<string, string>>): Session => {
    const session = find(params.key ?? "");
    tools.admit(session, "browser");
    return session;
  };
  return {
    getBrowser: async ({ params }) => {
      const endpoint = await browsers.find(admitted(params));
      if (endpoint === null) return { running: false, name: null, headless: null, watchable: false };
      return { running: true, name: endpoint.name, headless: endpoint.headless, watchable: endpoint.vncPort !== null };
    },
    viewBrowser: async ({ params, identity }) => {
      const mayControl = allows(identity.scopes, "operator.write");
      const revoked = identity.kind === "device" ? identity.revoked : null;
      const granted = await views.grant(admitted(params), { by: renderActor(identity), mayControl, revoked });
      return { ...granted, path: BROWSER_VIEW_PATH, mayControl };
    },
    lookAtBrowser: async ({ params }) => ({ picture: await thumbnails.of(admitted(params)) }),
    stopBrowser: async ({ params }) => {
      await browsers.stop(admitted(params));
      return { stopped: true };
    },
  };
}
