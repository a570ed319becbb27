// Opens the browsers of sessions: what drives them, over what reaches them through the controller. Wires; decides nothing.
import { Browsers, type BrowsersParts } from "./browser/browsers.ts";
import type { StreamClient } from "./sandbox/stream-client.ts";
import { openBrowserStream } from "./sessions/browser-marks.ts";
import type { Sessions } from "./sessions/sessions.ts";

export const openBrowsers = (
  { controller, sessions }: { controller: StreamClient; sessions: Sessions },
  parts: Omit<BrowsersParts, "port">,
): Browsers => new Browsers({ ...parts, port: openBrowserStream(controller, sessions) });
