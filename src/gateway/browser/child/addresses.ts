// Which addresses a tab may be sent to, and at which of them the tool looks. Pure. What of the network answers is the browser's egress list's.
import { Refusal, toShort } from "./refusals.ts";

const URL_LENGTH_MAX = 8_192;
/** Pages of the web. `file:` shows the browser's own files; `chrome:`, `devtools:` and `view-source:` steer the browser; `javascript:` and `data:` run what the caller wrote, which is `evaluate`'s. */
const SENT_TO = new Set(["http:", "https:"]);
/** Also where a page of the web can lead by itself. */
const LOOKED_AT = new Set(["http:", "https:", "about:", "blob:", "data:", "chrome-error:"]);

/** In normal form; what has no scheme is `https`. @throws Refusal */
export function toAddress(text: string): string {
  const said = text.trim();
  if (said === "about:blank") return said;
  if (said.length > URL_LENGTH_MAX) throw new Refusal(`the address is longer than ${URL_LENGTH_MAX} characters`);
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:/i.test(said) && !/^[^/]*:\d/.test(said) ? said : `https://${said}`);
  if (url === null) throw new Refusal(`${JSON.stringify(toShort(said))} is no address`);
  if (!SENT_TO.has(url.protocol)) throw new Refusal(`a tab goes to addresses of http, https and about:blank, not of ${url.protocol}`);
  return url.href;
}

/** @throws Refusal a page that is none of the web: a person, or the browser itself, opened it */
export function checkLookedAt(url: string): void {
  const protocol = URL.parse(url)?.protocol;
  if (url === "" || (protocol !== undefined && LOOKED_AT.has(protocol))) return;
  throw new Refusal(`the tab shows a page of ${protocol ?? "no scheme"}, which the tool neither shows nor touches; navigate it elsewhere`);
}
