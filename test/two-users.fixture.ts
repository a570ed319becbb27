// Controller and gateway as two users of one group, in the folders that manifests/systemd lays out, for tests over a real engine. It asserts nothing.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Site } from "../src/controller/fixtures/site.fixture.ts";

const PROGRAM = join(import.meta.dirname, "..", "src", "cli", "main.ts");
export const ENGINE_SOCKET = "/var/run/docker.sock";
/** Numbers that no machine gives away by itself. */
export const CONTROLLER = 61_001;
export const GATEWAY = 61_002;
const GROUP = 61_000;
/** The controller's user is in it, and the gateway's is not. */
export const CONFIG_GROUP = 61_003;
const IDS: Readonly<Record<string, number>> = {
  root: 0,
  "openclaw-controller": CONTROLLER,
  "openclaw-gateway": GATEWAY,
  openclaw: GROUP,
  "openclaw-config": CONFIG_GROUP,
};

/** As `User=`, `Group=` and `SupplementaryGroups=` of a unit. */
export const asUser = (uid: number, groups: readonly number[]): string[] => [
  "setpriv",
  `--reuid=${uid}`,
  `--regid=${GROUP}`,
  groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
  "--no-new-privs",
  "--bounding-set=-all",
];

/** The folders of openclaw.tmpfiles.conf, below the site's folder. */
export async function layOut(site: Site): Promise<{ stateDir: string; configPath: string }> {
  await chmod(site.stateDir, 0o755);
  const lines = (await readFile("manifests/systemd/openclaw.tmpfiles.conf", "utf8")).split("\n").filter((line) => line.startsWith("d "));
  for (const line of lines) {
    const [, path = "", mode = "", user = "", group = ""] = line.split(/\s+/);
    const folder = join(site.stateDir, path);
    await mkdir(folder, { recursive: true });
    await chown(folder, IDS[user] ?? Number.NaN, IDS[group] ?? Number.NaN);
    await chmod(folder, Number.parseInt(mode, 8));
  }
  const configPath = join(site.stateDir, "etc", "openclaw", "openclaw.json");
  await copyFile("manifests/systemd/openclaw.json5", configPath);
  await chown(configPath, 0, CONFIG_GROUP);
  await chmod(configPath, 0o640);
  return { stateDir: join(site.stateDir, "var", "lib", "openclaw"), configPath };
}

/** Killed after the test. @returns its standard error so far */
export function start(site: Site, command: readonly string[], program: readonly string[]): () => string {
  const [setpriv = "", ...options] = [...command, process.execPath, "--disable-warning=ExperimentalWarning", PROGRAM, ...program];
  let log = "";
  const { PATH, OPENCLAW_EGRESS_IMAGE } = process.env;
  const env = { PATH, HOME: "/nonexistent", OPENCLAW_EGRESS_IMAGE };
  const child = spawn(setpriv, options, { stdio: ["ignore", "ignore", "pipe"], env });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  site.atEnd(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return () => log;
}

/** Why this machine can't have them. null: it can. */
export function obstacle(): string | null {
  if (process.getuid?.() !== 0) return "only root can start processes as other users";
  if (!existsSync(ENGINE_SOCKET)) return `there is no engine at ${ENGINE_SOCKET}`;
  try {
    const [setpriv = "", ...options] = asUser(GATEWAY, []);
    execFileSync(setpriv, [...options, process.execPath, PROGRAM, "--version"], { stdio: "ignore" });
    return null;
  } catch {
    return "other users can't run this checkout (setpriv is missing, or a folder above it is closed to them)";
  }
}
