// The page at `/` of a gateway whose Control UI was not built: whether it is ready, which version it is, and what to run next. It holds no data, no
// script and nothing of the request, so that it may be shown without the secret. The Control UI is control-ui.ts's.
import { createHash } from "node:crypto";

export interface PageFacts {
  version: string;
  /** Of what is not ready the page says nothing: that is for whoever has the secret. */
  ready: boolean;
}

/** While the gateway is not ready the page asks again by itself; an address may ask 600 times a minute. */
const ASK_AGAIN_S = 5;

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1917; --dim: #57534e; --paper: #fafaf9; --card: #fff; --line: #e7e5e4; --good: #15803d; --bad: #b45309 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f5f5f4; --dim: #a8a29e; --paper: #1c1917; --card: #292524; --line: #44403c; --good: #4ade80; --bad: #fbbf24 }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 4rem }
h1 { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline; margin: 0; font-size: 1.6rem; letter-spacing: -.01em }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.05rem }
p { margin: .5rem 0 }
small, .dim { color: var(--dim) }
.version { font-size: .95rem; font-weight: 400 }
.state { display: flex; gap: .75rem; align-items: baseline; margin: 1.5rem 0 0; padding: .9rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--tone); border-radius: 8px }
.state strong { color: var(--tone); white-space: nowrap }
.good { --tone: var(--good) }
.bad { --tone: var(--bad) }
table { width: 100%; border-spacing: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow: hidden }
th, td { padding: .5rem 1.1rem; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; font-weight: 400 }
tr:first-child > * { border-top: 0 }
th { white-space: nowrap }
code, pre { font: .875rem/1.6 ui-monospace, monospace }
pre { margin: 0; padding: .9rem 1.1rem; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
a { color: inherit }
@media (max-width: 32rem) { th, td { display: block } td { padding-top: 0; border-top: 0 } tr:first-child > td { border-top: 0 } .state { display: block } }
`;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** A dot that a row of tabs shows too. Browsers that find no icon ask for /favicon.ico, without the secret, and such requests count as guesses. */
const toIcon = (colour: string): string =>
  `data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%23${colour}'/%3E%3C/svg%3E`;

/** This page's style and icon by name, and nothing else. */
export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

const NEXT: readonly (readonly [command: string, does: string])[] = [
  ["openclaw health", "what is ready and what is missing"],
  ["openclaw sandbox list", "the sandboxes, and the state of each"],
  ["openclaw dashboard", "this address, and where to find the token"],
];

const STATES = {
  good: ["Ready", "16a34a", "The gateway and its controller are up."],
  bad: ["Not ready", "d97706", "The gateway is up but not fully operational: <code>openclaw health</code> shows what is missing."],
} as const;

export function renderPage({ version, ready }: PageFacts): string {
  const state = ready ? "good" : "bad";
  const [word, colour, sentence] = STATES[state];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${ready ? "" : `<meta http-equiv="refresh" content="${ASK_AGAIN_S}">\n`}<title>OpenClaw gateway: ${word.toLowerCase()}</title>
<link rel="icon" href="${toIcon(colour)}">
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>OpenClaw gateway <span class="version dim">${version.replaceAll(/[^\w.+-]/g, "")}</span></h1>
<p class="state ${state}"><strong>${word}</strong> <span>${sentence}</span></p>
<h2>Run next</h2>
<table>
${NEXT.map(([command, does]) => `<tr><th scope="row"><code>${command}</code></th><td>${does}</td></tr>`).join("\n")}
</table>
<p><small>With Compose, use <code>docker compose run --rm openclaw-cli</code> in place of <code>openclaw</code>.</small></p>
<h2>Give an agent a sandbox</h2>
<pre>claude mcp add openclaw -- openclaw mcp</pre>
<p><small>Any client of the Model Context Protocol works: <code>/mcp</code> at this address, with the token as a header.</small></p>
<h2>Or over HTTP</h2>
<pre>curl -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" "$ADDRESS/v1/sessions"</pre>
<p><small><code>ADDRESS</code> is that of this page; <code>/v1/openapi.json</code> there describes every operation. <a href="/healthz"><code>/healthz</code></a> and
<a href="/readyz"><code>/readyz</code></a> need no token.</small></p>
<h2>The Control UI</h2>
<p class="dim">It is not built here. In a checkout, <code>npm ci &amp;&amp; npm run build</code> builds it; then reload this page.</p>
</main>
</body>
</html>
`;
}
