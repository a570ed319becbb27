// What a process in a container sees of its config when people edit it on the host: as a single file that is mounted, and in a folder that is.
// The kernel mounts a file, not a name: one that is put in its place afterwards is another file. docs/docker.md says what to do.
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { replaceFile } from "../src/api/store/atomic-file.ts";
import { docker, IMAGE, inspect, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { variables } from "./compose.fixture.ts";
import { run } from "./run-program.ts";

const checkout = resolve(import.meta.dirname, "..");
const LABEL = "ai.openclaw.test=config-mount";

/** Invalid, and recognised in the log by its key. */
const withKey = (key: string): string =>
  JSON.stringify({ gateway: { mode: "local" }, agents: { defaults: { sandbox: { [key]: "all" } } } });

async function startGateway() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "openclaw-mount-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "config", "openclaw.json");
  await mkdir(join(folder, "config"), { mode: 0o700 });
  await writeFile(path, JSON.stringify({ gateway: { mode: "local" } }), { mode: 0o600 });
  const mounts = [
    `${checkout}:/app:ro`,
    `${await realpath(process.execPath)}:/node:ro`,
    `${path}:/file/openclaw.json`,
    `${folder}/config:/folder`,
  ];
  const id = await docker(
    ...["run", "--detach", "--init", "--network=none", "--user=0:0", "--read-only", "--tmpfs=/state:mode=0700", `--label=${LABEL}`],
    ...mounts.flatMap((mount) => ["--volume", mount]),
    ...[IMAGE, "/node", "/app/src/cli/main.ts", "gateway", "--state-dir=/state", "--config=/file/openclaw.json", "--config-source=file"],
  );
  onTestFinished(async () => void (await tryDocker("rm", "-f", id)));
  const logs = async (what: string): Promise<void> => {
    await until(`the gateway logs ${what}`, async () => (await readLog(id)).includes(what));
  };
  await logs("gateway started");
  const sees = (place: "file" | "folder"): Promise<string> => docker("exec", id, "cat", `/${place}/openclaw.json`);
  return { id, path, logs, sees };
}

/** Both outputs. */
async function readLog(id: string): Promise<string> {
  const { stdout, stderr } = await run("docker", ["logs", id], { env: variables() });
  return stdout + stderr;
}

test("an edit in place of a config that is mounted as a single file is seen; one by rename is not, until the container starts again", async () => {
  const { id, path, logs, sees } = await startGateway();
  await writeFile(path, withKey("scoep"));
  await logs("scoep");
  await writeFile(path, withKey("moed"));
  await logs("moed");

  const before = await sees("file");
  await replaceFile(path, withKey("strat"), { durable: false });
  expect(await sees("folder")).toContain("strat");
  expect(await sees("file")).toBe(before);
  // Also what is written into the new file later.
  await writeFile(path, withKey("backned"));
  expect(await sees("folder")).toContain("backned");
  expect(await sees("file")).toBe(before);
  expect(await readLog(id)).not.toContain("strat");

  await docker("restart", "--time=2", id);
  await logs("backned");
  await until("it ended with an error", async () => ((await inspect(id))?.State.ExitCode ?? 0) !== 0);
});
