// What `config show` may show.
import { expect, test } from "vitest";
import { toMasked } from "./masked.ts";
import { parseText } from "./text.ts";

function masked(text: string): unknown {
  const parsed = parseText("openclaw.json", text);
  if (!parsed.ok) throw new Error("not JSON5");
  return toMasked(parsed.root);
}

test("secrets are said to be set, in whatever branch and by whatever name, and everything else is shown", () => {
  const text = `{
    gateway: { port: 18789, auth: { mode: "token", token: "s1" } }, // token: s0
    channels: { telegram: { botToken: "s2", allow: ["me"] }, custom: { api_key: ["s3"], "PrivateKey": { pem: "s4" } } },
    agents: { defaults: { contextTokens: 200000, sandbox: { docker: { env: { LANG: "s5" }, setupCommand: "curl s6" } } } },
    models: { baseUrl: "https://user:s7@example.org/v1", password: "" },
  }`;
  const shown = JSON.stringify(masked(text));
  expect(shown).not.toMatch(/s\d/);
  expect(masked(text)).toMatchObject({
    gateway: { port: 18789, auth: { mode: "token", token: "(set)" } },
    channels: { telegram: { botToken: "(set)", allow: ["me"] } },
    agents: { defaults: { contextTokens: 200000 } },
    models: { baseUrl: "https://(set)@example.org/v1", password: "" },
  });
});
