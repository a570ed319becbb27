// Security row 25 between containers: the lock of a profile is the kernel's, which two containers over one state folder share, as in Compose. Also what
// `docker inspect` of them says.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, onTestFinished, test } from "vitest";
import { containersWith, docker, IMAGE } from "../src/controller/fixtures/docker.fixture.ts";
import { openWorld, signInAt } from "../src/gateway/credentials/credentials.fixture.ts";
import { startOAuthServer } from "../src/gateway/credentials/oauth-server.fixture.ts";

const CHECKOUT = join(import.meta.dirname, "..");
const AHEAD_MS = 58 * 60_000;
const LABEL = `openclaw.test=${randomUUID()}`;

interface Contained {
  go(): void;
  said(): Promise<string>;
}

async function start(stateDir: string): Promise<Contained> {
  const mounts = ["-v", `${CHECKOUT}:${CHECKOUT}:ro`, "-v", `${stateDir}:/state`];
  const program = [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
    join(CHECKOUT, "src/gateway/credentials/resolve-once.fixture.ts"),
  ];
  const options = ["--rm", "-i", "--network", "host", "--user", `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`, "--label", LABEL];
  const child = spawn("docker", ["run", ...options, ...mounts, IMAGE, ...program, "/state", String(AHEAD_MS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("ready");
  return { go: () => void child.stdin.write("go\n"), said: async () => String((await lines.next()).value) };
}

describe("security 25: the refresh race", () => {
  test("two containers that refresh at once make one refresh, both get the new token, and docker inspect shows none", async () => {
    const [world, server] = [await openWorld(), await startOAuthServer()];
    await chmod(world.stateDir, 0o755);
    const secret = await signInAt(server, world.clock.at);
    await world.credentials.put("openai:default", secret);
    onTestFinished(async () => {
      for (const id of await containersWith(LABEL)) await docker("rm", "-f", id).catch(() => undefined);
    });
    const both = await Promise.all([start(world.stateDir), start(world.stateDir)]);
    const shown = await docker("inspect", ...(await containersWith(LABEL)));
    for (const one of both) one.go();
    const [first, second] = await Promise.all(both.map((one) => one.said()));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(second).toBe(first);
    expect(server.granted("refresh_token")).toBe(1);
    expect(shown).toContain("resolve-once");
    for (const token of [secret.accessToken, secret.refreshToken ?? "-"]) expect(shown).not.toContain(token);
  });
});
