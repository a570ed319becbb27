// The page at `/`: says what this is and how to use it. It holds no data and no script, so that it may be shown without the secret.
// A control panel is not here.

export function renderPage(version: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>OpenClaw gateway</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}pre{background:#8882;padding:1rem;overflow:auto}</style>
<h1>OpenClaw gateway ${version.replaceAll(/[^\w.+-]/g, "")}</h1>
<p>This gateway runs. It has no control panel on this page yet; everything is done over HTTP with the gateway's token.</p>
<pre>curl -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" HOST/v1/sessions</pre>
<p><code>/v1/openapi.json</code> describes every operation. <code>/healthz</code> and <code>/readyz</code> need no token.</p>
</html>
`;
}
