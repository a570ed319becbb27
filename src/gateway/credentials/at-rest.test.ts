// Security row 26: where tokens lie, nobody else gets at them: no other user, no sandbox, no reader of the config.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { loadConfig } from "../../api/config/load.ts";
import { apiKey, openWorld, signInAt } from "./credentials.fixture.ts";
import { startOAuthServer } from "./oauth-server.fixture.ts";

describe("security 26: tokens at rest", () => {
  test("are in one folder of mode 0700, in files of mode 0600, and in no other file of the state folder", async () => {
    const [world, server] = [await openWorld(), await startOAuthServer()];
    const secret = await signInAt(server);
    await world.credentials.put("openai:default", secret);
    await world.credentials.put("anthropic:default", apiKey("sk-ant-0123456789abcdef"));
    world.clock.at += 58 * 60_000;
    await world.credentials.resolve("openai:default", new AbortController().signal);
    await world.credentials.setOrder("openai", ["openai:default"]);
    expect(statSync(world.folder).mode & 0o777).toBe(0o700);
    const files = readdirSync(world.stateDir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const { parentPath, name } of files) {
      const path = join(parentPath, name);
      expect(statSync(path).mode & 0o777, path).toBe(0o600);
      if (name.endsWith(".credential.json")) continue;
      for (const text of [secret.accessToken, secret.refreshToken ?? "-", "sk-ant-0123456789abcdef"])
        expect(readFileSync(path, "utf8"), path).not.toContain(text);
    }
    expect(files.length).toBeGreaterThan(4);
  });

  test.each(["", "/gateway", "/gateway/credentials", "/gateway/credentials/openai%3Adefault.credential.json", "/GATEWAY/Credentials"])(
    "<state>%s is refused as a sandbox's bind, whatever else is allowed",
    async (below) => {
      const stateDir = mkdtempSync(join(tmpdir(), "openclaw-at-rest-"));
      onTestFinished(() => rmSync(stateDir, { recursive: true }));
      const docker = { binds: [`${stateDir}${below}:/secrets:ro`], dangerouslyAllowExternalBindSources: true };
      const path = join(stateDir, "openclaw.json");
      writeFileSync(path, JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", docker } }, list: [{ id: "main" }] } }), {
        mode: 0o600,
      });
      const loaded = await loadConfig(path, { stateDir, home: "/home/claw", variables: {}, trustedOwners: null });
      expect(loaded.issues.filter(({ severity }) => severity === "error").map(({ message }) => message)).toEqual([
        expect.stringContaining("state folder"),
      ]);
    },
  );
});
