// The WebSocket by which a page shows a browser's screen, at a path of its own: checks where it comes from, bounds what it may send, and hands it over.
// A page needs a code, which is its first message; who gets one, and what happens then, is browser/browser-views.ts.
import { WebSocketServer } from "ws";
import { OperationError } from "../../api/errors.ts";
import { BROWSER_VIEW_PATH } from "../../api/gateway-protocol/operations-browsers.ts";
import type { Upgrade } from "../../api/http-server.ts";
import type { Say } from "../../api/place.ts";
import type { BrowserViews } from "../browser/browser-views.ts";
import type { OriginRules } from "../http/origin.ts";
import type { Sockets } from "./sockets.ts";
import { checkUpgrade, pathOf, refuse } from "./upgrade-check.ts";

/** A paste of a megabyte, and its head. */
const FRAME_BYTES_MAX = 1_050_000;

interface ViewSocketsParts {
  views: BrowserViews;
  rules(): OriginRules;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

class ViewSockets {
  readonly #parts: ViewSocketsParts;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false });

  constructor(parts: ViewSocketsParts) {
    this.#parts = parts;
  }

  accept(upgrade: Upgrade): void {
    const { views, rules, say } = this.#parts;
    const { request, socket, head } = upgrade;
    try {
      checkUpgrade(upgrade, rules());
      // Programs send no Origin; whoever watches is a person at a page.
      if (request.headers.origin === undefined)
        throw new OperationError("Forbidden", "the view of a browser is for the gateway's own page");
    } catch (error) {
      return refuse(upgrade, error, say);
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => views.accept(webSocket, () => upgrade.known()));
  }
}

interface UpgradeParts extends ViewSocketsParts {
  sockets: Sockets;
}

/** By its path, an upgrade is one of a page that watches a browser, or of the gateway's protocol. */
export function routeUpgrades({ sockets, ...parts }: UpgradeParts): (upgrade: Upgrade) => void {
  const views = new ViewSockets(parts);
  return (upgrade) => (pathOf(upgrade) === BROWSER_VIEW_PATH ? views : sockets).accept(upgrade);
}
