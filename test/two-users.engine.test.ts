// Controller and gateway as two users of one group, in the folders that manifests/systemd lays out, over a real engine: what they share works, and
// a gateway that is taken over can't get further by its user's rights. What the units confine beyond that is systemd-units.test.ts's.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, chown, copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findGatewayToken, findGatewayUrl } from "../src/api/store/gateway-files.ts";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite, type Site } from "../src/controller/fixtures/site.fixture.ts";
import { run } from "./run-program.ts";

const PROGRAM = join(import.meta.dirname, "..", "src", "cli", "main.ts");
const ENGINE_SOCKET = "/var/run/docker.sock";
/** Numbers that no machine gives away by itself. */
const CONTROLLER = 61_001;
const GATEWAY = 61_002;
const GROUP = 61_000;
/** The controller's user is in it, and the gateway's is not. */
const CONFIG_GROUP = 61_003;
const IDS: Readonly<Record<string, number>> = {
  root: 0,
  "openclaw-controller": CONTROLLER,
  "openclaw-gateway": GATEWAY,
  openclaw: GROUP,
  "openclaw-config": CONFIG_GROUP,
};

/** As `User=`, `Group=` and `SupplementaryGroups=` of a unit. */
const asUser = (uid: number, groups: readonly number[]): string[] => [
  "setpriv",
  `--reuid=${uid}`,
  `--regid=${GROUP}`,
  groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
  "--no-new-privs",
  "--bounding-set=-all",
];

/** The folders of openclaw.tmpfiles.conf, below the site's folder. */
async function layOut(site: Site): Promise<{ stateDir: string; configPath: string }> {
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
function start(site: Site, command: readonly string[], program: readonly string[]): () => string {
  const [setpriv = "", ...options] = [...command, process.execPath, "--disable-warning=ExperimentalWarning", PROGRAM, ...program];
  let log = "";
  const child = spawn(setpriv, options, { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH, HOME: "/nonexistent" } });
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
function obstacle(): string | null {
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

test("with controller and gateway as two users, a session that comes by HTTP gets its sandbox, and the gateway's user can do nothing else", async (context) => {
  const because = obstacle();
  if (because !== null) return context.skip(because);
  const site = await createSite();
  const { stateDir, configPath } = await layOut(site);
  const engineGroup = (await stat(ENGINE_SOCKET)).gid;
  const controllerLog = start(site, asUser(CONTROLLER, [engineGroup, CONFIG_GROUP]), [
    ...["controller", "--state-dir", stateDir, "--config", configPath],
    ...["--instance", site.instance, "--metrics-listen", "127.0.0.1:0"],
  ]);
  const gatewayLog = start(site, asUser(GATEWAY, []), ["gateway", "--state-dir", stateDir, "--config-source", "controller", "--port", "0"]);
  const url = await until("the gateway listens", () => findGatewayUrl(stateDir)).catch((error: Error) => {
    throw new Error(`${error.message}\n${gatewayLog()}`);
  });
  const headers = { authorization: `Bearer ${await findGatewayToken(stateDir)}`, "content-type": "application/json" };
  const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`${url}${path}`, { ...init, headers });

  await until("both are ready", async () => (await ask("/readyz")).ok).catch((error: Error) => {
    throw new Error(`${error.message}\n${controllerLog()}${gatewayLog()}`);
  });
  const made = await ask("/v1/sessions", { method: "POST", body: JSON.stringify({ key: "agent:main:chat" }) });
  expect(made.status, await made.text()).toBe(200);
  const { State } = await site.serves("agent:main");
  expect(State.Status).toBe("running");
  const tool = await ask("/v1/sessions/agent%3Amain%3Achat/tools/exec", { method: "POST", body: JSON.stringify({ command: "id -u" }) });
  expect(await tool.text()).toContain(String(CONTROLLER));

  await ask("/v1/sessions/agent%3Amain%3Achat/messages", { method: "POST", body: JSON.stringify({ text: "hello" }) });
  const sessions = join(stateDir, "agents", "main", "sessions");
  const modeOf = async (suffix: string): Promise<string> => {
    const name = (await readdir(sessions)).find((found) => found.endsWith(suffix)) ?? suffix;
    return ((await stat(join(sessions, name))).mode & 0o7777).toString(8);
  };
  expect({ session: await modeOf(".session.json"), transcript: await modeOf(".jsonl") }).toEqual({ session: "640", transcript: "600" });

  const attempt = async (script: string): Promise<number | null> => {
    const [setpriv = "", ...options] = asUser(GATEWAY, []);
    return (await run(setpriv, [...options, "sh", "-c", script], { env: { PATH: process.env.PATH ?? "" } })).code;
  };
  const connect = (socket: string): string =>
    `'${process.execPath}' -e 'require("net").connect("${socket}").on("connect", () => process.exit(0)).on("error", () => process.exit(1))'`;
  expect(await attempt(`echo >${stateDir}/agents/proof && ${connect(`${stateDir}/run/stream.sock`)}`)).toBe(0);
  const refused = [
    connect(ENGINE_SOCKET),
    connect(join(stateDir, "run", "admin", "admin.sock")),
    `cat ${configPath}`,
    `echo '{}' >>${configPath}`,
    `touch ${configPath}.new`,
    `mv ${configPath} ${configPath}.old`,
    ...["", "controller", "requests", "run", "sandboxes"].map((folder) => `touch ${join(stateDir, folder, "proof")}`),
    `ls ${join(stateDir, "controller")}`,
    `ls ${join(stateDir, "requests")}`,
  ];
  for (const script of refused) expect(await attempt(`${script} 2>&1`), script).not.toBe(0);
});
