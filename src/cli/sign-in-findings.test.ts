// What `doctor` finds about sign-ins to model providers, without a controller or an engine.
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import { createFolder } from "../api/store/folder.fixture.ts";
import { openCredentials, toCredentialsFolder } from "../gateway/credentials/main.ts";
import type { CliContext } from "./context.ts";
import { findSignIns } from "./sign-in-findings.ts";

test("none, those of no use, those that end soon, and files that others can read", async () => {
  const stateDir = await createFolder();
  const now = () => toEpochMs(Date.now());
  const credentials = openCredentials({ stateDir, now, configured: () => ({ order: {}, profiles: [] }), refused: () => undefined });
  const context = { env: {}, home: "/home/claw", cwd: "/", now } as unknown as CliContext;
  const find = async (): Promise<string[]> =>
    (await findSignIns(context, { stateDir })).map(({ check, level, message }) => `${check} ${level}: ${message}`);
  expect(await find()).toEqual(["sign-ins ok: none: no model provider is signed in to"]);
  await credentials.put("openai:default", { kind: "api-key", apiKey: "key-of-the-test" });
  expect(await find()).toEqual(["sign-ins ok: 1 ready", "secrets ok: sign-ins are readable for their owner alone"]);
  await credentials.put("anthropic:default", { kind: "token", token: "token-of-the-test", expiresAt: toEpochMs(Date.now() + 3_600_000) });
  expect(await find()).toContain("sign-ins warn: anthropic:default is expiring: it expires within a day");
  chmodSync(join(toCredentialsFolder(stateDir), "openai%3Adefault.credential.json"), 0o640);
  expect((await find()).at(-1)).toContain("secrets fail: other users may read or write");
});
