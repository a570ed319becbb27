// What is told without a controller by a process in a container, where only the engine knows of which name the sandboxes' own are made.
// What is explained of a config is explain.test.ts's; the doctor's findings are doctor/'s.
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs, toInstanceId, toScopeKey } from "../../api/brands.ts";
import { toDefaultInstance, toSlug } from "../../api/names.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { connectDocker } from "../engine/connect.ts";
import { explainOffline, type OfflineHost } from "./offline.ts";

const QUERY = { sessionKey: null, agentId: "main", name: null, kind: "tools" as const };

async function explained(containerIds: readonly string[], instance?: string) {
  const stateDir = await createFolder();
  await chmod(stateDir, 0o700);
  const configPath = join(stateDir, "openclaw.json");
  await replaceFile(configPath, '{ agents: { defaults: { sandbox: { mode: "all" } } } }', { durable: false });
  const host: OfflineHost = {
    // No engine is there.
    variables: { DOCKER_HOST: `unix://${join(stateDir, "docker.sock")}` },
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    now: () => toEpochMs(Date.UTC(2026, 0, 31)),
    containerIds: async () => containerIds,
    connect: connectDocker,
  };
  const named = instance === undefined ? {} : { instance };
  return { stateDir, view: await explainOffline(QUERY, { stateDir, configPath, home: stateDir, ...named }, host) };
}

const nameOf = (instance: string): string => `openclaw-sbx-${toSlug(toInstanceId(instance), toScopeKey("agent:main"))}`;

test("in a container without an engine the sandbox's name is said not to be known, and why", async () => {
  const { stateDir, view } = await explained(["a".repeat(64)]);
  expect(view.sandbox).toMatchObject({ name: null, scope: "agent", scopeKey: "agent:main" });
  expect(view.mounts.map(({ source }) => source)).toEqual([null]);
  expect(view.missing[0]).toMatch(
    /^the sandbox's name: it depends on the engine's own name for .*, and this process is in a container: no container engine answers/,
  );
  expect(view.missing[1]).toContain(`openclaw controller --state-dir ${stateDir}`);
});

test("outside of one, or where a person named the instance, no engine is needed for it", async () => {
  const { stateDir, view } = await explained([]);
  expect(view.sandbox?.name).toBe(nameOf(toDefaultInstance(stateDir)));
  expect(view.missing).toHaveLength(1);
  expect((await explained(["a".repeat(64)], "mine")).view.sandbox?.name).toBe(nameOf("mine"));
});
