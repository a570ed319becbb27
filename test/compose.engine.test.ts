// The product as people run it with docker-compose.yml: what the gateway's container can't reach, where a sandbox's files are on the host,
// and that an edited config, a killed process and an end leave what a person expects.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chown, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { containersWith, docker, inspect, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { connectRaw, makeDevice } from "../src/gateway/ws/device.fixture.ts";
import { buildImage, findCompose, Stack, variables } from "./compose.fixture.ts";
import { type Run, run } from "./run-program.ts";

const compose = await findCompose();
const BUILD_MS_MAX = 600_000;
const IMAGE = process.env.OPENCLAW_IMAGE ?? "openclaw:local";
const STATE = "/home/node/.openclaw";
const keptConfig = `cat ${STATE}/gateway/config.json`;

beforeAll(buildImage, BUILD_MS_MAX);

const config = (docker: object = {}): object => ({
  gateway: { mode: "local" },
  agents: { defaults: { sandbox: { mode: "all", docker } }, list: [{ id: "main" }, { id: "work" }] },
});

const Confinement = z.object({
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    Privileged: z.boolean(),
    CapAdd: z.array(z.string()).nullable(),
    CapDrop: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
  }),
  Mounts: z.array(z.object({ Destination: z.string(), Source: z.string(), RW: z.boolean() })),
  NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
});

const confinement = async (id: string): Promise<z.output<typeof Confinement>> =>
  z
    .array(Confinement)
    .length(1)
    .parse(JSON.parse(await docker("container", "inspect", id)))[0] as z.output<typeof Confinement>;

describe("the image", () => {
  const ask = async (script: string): Promise<string> =>
    await docker("run", "--rm", "--network=none", "--entrypoint", "sh", IMAGE, "-c", script);

  test("carries what runs and nothing of its build: no certificate of the builder, no proxy, no npm, no source", async () => {
    const env = z.array(z.string()).parse(JSON.parse(await docker("image", "inspect", "--format", "{{json .Config.Env}}", IMAGE)));
    expect(env.map((entry) => entry.split("=")[0]).sort()).toEqual([
      "HOME",
      "NODE_ENV",
      "OPENCLAW_GATEWAY_BIND",
      "OPENCLAW_REVISION",
      "PATH",
    ]);
    expect(await docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", IMAGE)).not.toMatch(/build-ca|proxy|NPM_REGISTRY/i);
    expect(
      await ask("ls -A /app; command -v npm; find /app/dist -name '*.test.js'; ls -d /app/node_modules/typescript 2>/dev/null; true"),
    ).toBe("LICENSE\ndist\nimages\nnode_modules\npackage.json");
  });

  test("has no program that changes its user, no private key, and no tests of its packages", async () => {
    const asRoot = async (script: string): Promise<string> =>
      await docker("run", "--rm", "--network=none", "--user", "0:0", "--entrypoint", "sh", IMAGE, "-c", script);
    expect(await asRoot("find / -xdev -perm /6000")).toBe("");
    // Certificates of authorities are no keys.
    const names = ["*.key", "*.p12", "*.pfx", "*.ppk", "*.jks", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"];
    expect(await asRoot(`find / -xdev -type f \\( ${names.map((name) => `-name '${name}'`).join(" -o ")} \\)`)).toBe("");
    const headers = "^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY( BLOCK)?-----|^PuTTY-User-Key-File-";
    expect(await asRoot(`grep -rlsIE -e '${headers}' / --exclude-dir=proc --exclude-dir=sys || true`)).toBe("");
    expect(await asRoot("find /app/node_modules -type d \\( -name test -o -name tests -o -name __tests__ \\)")).toBe("");
  });

  test.each(["4294967296", "0", "00", "-1", "1000:0"])("becomes no root by the number %s", async (id) => {
    for (const names of [
      { OPENCLAW_UID: id, OPENCLAW_GID: "1000" },
      { OPENCLAW_UID: "1000", OPENCLAW_GID: id },
    ]) {
      const options = Object.entries(names).map(([name, value]) => `--env=${name}=${value}`);
      expect(await tryDocker("run", "--rm", "--network=none", "--user", "0:0", ...options, IMAGE, "sh", "-c", "id")).toBeNull();
    }
  });

  test("installs browsers by the Playwright that it brings, into the home that a volume keeps unless a variable names another place", async () => {
    const whereTo = async (...env: string[]): Promise<string> =>
      await docker(
        ...["run", "--rm", "--network=none", ...env.map((entry) => `--env=${entry}`), IMAGE],
        ...["node", "/app/node_modules/playwright-core/cli.js", "install", "--dry-run", "chromium"],
      );
    expect(await whereTo()).toMatch(/Install location: +\/home\/node\/\.cache\/ms-playwright\/chromium-/);
    expect(await whereTo("PLAYWRIGHT_BROWSERS_PATH=/home/node/browsers")).toMatch(/Install location: +\/home\/node\/browsers\/chromium-/);
  });

  test("runs as node, with a home that it can write, and any program by its name", async () => {
    expect(await ask("id -un; id -u; touch ~/x && cd && pwd")).toBe("node\n1000\n/home/node");
    expect(await docker("run", "--rm", IMAGE, "node", "-p", "process.cwd()")).toBe("/app");
    expect(await docker("run", "--rm", IMAGE, "--version")).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe("docker-compose.yml", () => {
  let stack: Stack;
  /** Id and address of the controller's container. */
  let controller: { id: string; address: string };
  const sandboxes = (): Promise<string[]> => containersWith(`openclaw.instance=${stack.project}`);
  let name = "";

  beforeAll(async () => {
    if (compose === null) return;
    stack = await Stack.create(compose, config());
    const up = await stack.compose("up", "-d", "openclaw-gateway");
    expect({ code: up.code, stderr: up.code === 0 ? "" : up.stderr }).toEqual({ code: 0, stderr: "" });
    await stack.untilReady();
    const id = await stack.container("openclaw-controller");
    const [network] = Object.values((await confinement(id)).NetworkSettings.Networks);
    controller = { id, address: network?.IPAddress ?? "" };
    return async () => await stack.end();
  });

  beforeEach(({ skip }) => skip(compose === null, "there is neither docker compose nor docker-compose"));

  test("a tool runs in a sandbox whose files the host has, owned by the user of the containers", async () => {
    await stack.gateway.ask("/v1/sessions", { key: "agent:main:main" });
    const answer = await stack.gateway.tool("main", "exec", { command: "echo kept >file; id -u; pwd" });
    expect([answer.status, answer.text]).toEqual([200, "1000\n/workspace\n"]);
    const listed = z
      .object({ items: z.array(z.object({ metadata: z.object({ name: z.string() }) })) })
      .parse((await stack.gateway.ask("/v1/sandboxes")).body).items;
    name = listed[0]?.metadata.name ?? "";
    const container = await inspect(name);
    const workspace = container?.Mounts.find(({ Destination }) => Destination === "/workspace")?.Source ?? "";
    expect(workspace.startsWith(join(stack.stateDir, "sandboxes"))).toBe(true);
    expect((await stat(join(workspace, "file"))).uid).toBe(1000);
  });

  test("a file of the host goes into a sandbox and out of it through pipes, as the hints say it", async () => {
    const bytes = "one\r\ntwo\n\u00e9".repeat(20_000);
    expect(await stack.piped(bytes, "sandbox", "cp", "-", "main:piped.txt")).toMatchObject({ code: 0 });
    const { code, stdout } = await stack.piped("", "sandbox", "cp", "main:piped.txt", "-");
    expect([code, stdout === bytes]).toEqual([0, true]);
  });

  test("an agent's MCP client is answered by the command of the hints, which ends with its pipe and leaves nothing behind", async () => {
    const before = await containersWith(`com.docker.compose.project=${stack.project}`);
    const client = stack.spawnMcp();
    const ended = once(client, "exit");
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "test", version: "1" } };
    client.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
    const [answer] = await once(createInterface({ input: client.stdout }), "line");
    expect(JSON.parse(answer)).toMatchObject({ id: 1, result: { serverInfo: { name: "openclaw" } } });
    client.stdin.end();
    expect(await ended).toEqual([0, null]);
    expect(await containersWith(`com.docker.compose.project=${stack.project}`)).toEqual(before);
    expect(await stack.inside("openclaw-gateway", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).not.toMatch(/index\.js mcp /);
  });

  test("the gateway's container has no engine, no capability, and nothing to write but its own folders", async () => {
    const gateway = await confinement(await stack.container("openclaw-gateway"));
    expect(gateway.HostConfig).toEqual({
      ReadonlyRootfs: true,
      Privileged: false,
      CapAdd: null,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
    });
    expect(gateway.Mounts.map(({ Destination, RW }) => `${Destination}:${RW ? "rw" : "ro"}`).sort()).toEqual([
      `${STATE}/agents:rw`,
      `${STATE}/gateway:rw`,
      `${STATE}/run:ro`,
    ]);
    expect(gateway.Mounts.filter(({ Source }) => Source === stack.stateDir || /docker\.sock|admin/.test(Source))).toEqual([]);
    const written = await stack.inside(
      "openclaw-gateway",
      `for path in / /app ${STATE} ${STATE}/openclaw.json ${STATE}/requests/x ${STATE}/run/x ${STATE}/controller/x; do [ -w $path ] && echo $path; touch $path-new 2>/dev/null && echo $path-new; done`,
    );
    expect(written).toBe("");
    expect(await stack.inside("openclaw-gateway", "grep -c '^Cap.*[[:space:]]0*$' /proc/self/status; id -u")).toBe("5\n1000");
  });

  test("from inside the gateway's container neither the controller's port, nor the admin socket, nor a sandbox's files are reached", async () => {
    const probe = `
      const net = require("node:net");
      const tryTo = (name, options) => new Promise((done) => {
        const socket = net.connect({ ...options, timeout: 1500 });
        const end = (word) => { console.log(name, word); socket.destroy(); done(); };
        socket.on("connect", () => end("reached")).on("timeout", () => end("closed")).on("error", () => end("closed"));
      });
      (async () => {
        await tryTo("metrics", { host: "${controller.address}", port: 9464 });
        await tryTo("name", { host: "openclaw-controller", port: 9464 });
        await tryTo("admin", { path: "${STATE}/run/admin/admin.sock" });
        await tryTo("engine", { path: "/var/run/docker.sock" });
        await tryTo("stream", { path: "${STATE}/run/stream.sock" });
      })();`;
    const told = await docker("exec", await stack.container("openclaw-gateway"), "node", "-e", probe);
    expect(told.split("\n")).toEqual(["metrics closed", "name closed", "admin closed", "engine closed", "stream reached"]);
    expect(await stack.inside("openclaw-gateway", `ls -A ${STATE}`)).toBe("agents\ngateway\nrun");
    expect(await stack.inside("openclaw-controller", `ls ${STATE}/sandboxes`)).not.toBe("");
  });

  test("no file of a workspace, of the config or of the controller is in the gateway's container, whatever its mode", async () => {
    const secret = randomBytes(16).toString("hex");
    await stack.gateway.tool("main", "exec", { command: `umask 077; echo ${secret} >private; echo ${secret} | tee .profile` });
    for (const folder of ["workspace", "requests", "state"]) {
      await mkdir(join(stack.stateDir, folder), { recursive: true });
      await writeFile(join(stack.stateDir, folder, "private"), secret, { mode: 0o600 });
      for (const name of ["", "private"]) await chown(join(stack.stateDir, folder, name), 1000, 1000);
    }
    await stack.writeConfig({ ...config(), tools: { deny: [secret] } });
    await until("the config is in force in the gateway", async () => (await stack.inside("openclaw-gateway", keptConfig)).includes(secret));
    await stack.writeConfig(config({ env: { API_KEY: secret } }));
    await until("the next one too", async () => !(await stack.inside("openclaw-gateway", keptConfig)).includes(secret));
    const all = "grep -rlsI --exclude-dir=proc --exclude-dir=sys -e";
    expect(await stack.inside("openclaw-controller", `${all} ${secret} ${STATE}`)).toContain("/private");
    // The transcript of a session is the gateway's own.
    expect(await stack.inside("openclaw-gateway", `${all} ${secret} / | grep -v ^${STATE}/agents/`)).toBe("");
    expect(await stack.inside("openclaw-gateway", `cat /proc/[0-9]*/root${STATE}/openclaw.json | head -c 100`)).not.toContain("gateway:");
  });

  test("a config that is saved by rename is in force in the gateway within seconds, one that is not valid changes nothing", async () => {
    const { body } = await stack.gateway.ask("/v1/sessions", { key: "agent:late:main" });
    expect(JSON.stringify(body)).toContain("no agent");
    const withLate = {
      ...config(),
      agents: { defaults: { sandbox: { mode: "all" } }, list: [{ id: "main" }, { id: "work" }, { id: "late" }] },
    };
    await stack.renameConfig(withLate);
    const opens = async (agent: string): Promise<boolean> =>
      (await stack.gateway.ask("/v1/sessions", { key: `agent:${agent}:main` })).status === 200;
    await until("the new agent is there", () => opens("late"), 10_000);
    await stack.renameConfig({ ...withLate, agents: { ...withLate.agents, lsit: [], defaults: { sandbox: { moed: "all" } } } });
    const log = async (): Promise<string> => (await stack.compose("logs", "--no-color", "openclaw-gateway")).stdout;
    await until("the gateway says what is wrong", async () => /moed[^\n]*config is (not valid|invalid)/.test(await log()));
    expect(await opens("late")).toBe(true);
    await stack.renameConfig(config());
    await until("the agent is gone", async () => !(await opens("late")));
  });

  test("without a controller the gateway starts with the config that it had, and follows again when one is there", async () => {
    const name = "known-while-alone";
    await stack.writeConfig({ ...config(), tools: { deny: [name] } });
    await until("it is in force", async () => (await stack.inside("openclaw-gateway", keptConfig)).includes(name));
    await stack.compose("stop", "--timeout", "5", "openclaw-controller");
    await stack.compose("restart", "--timeout", "5", "openclaw-gateway");
    await until("the gateway answers", async () => (await stack.gateway.ask("/v1/sessions").catch(() => null))?.status === 200);
    expect((await stack.gateway.ask("/readyz")).status).toBe(503);
    await stack.writeConfig(config());
    await stack.compose("start", "openclaw-controller");
    await stack.untilReady();
    await until("the newest is in force", async () => !(await stack.inside("openclaw-gateway", keptConfig)).includes(name));
  });

  test("the controller starts as root to read the socket's group, and works as uid 1000 without a capability", async () => {
    const capabilities = await stack.inside(
      "openclaw-controller",
      "for status in /proc/[0-9]*/status; do grep -q '^Uid:.1000.1000.1000' $status && grep -hE '^Cap(Prm|Eff|Bnd)' $status; done",
    );
    expect(capabilities).toMatch(/^(Cap\w+:\s+0+\n?){3,}$/);
  });

  test("the CLI in its container sees sandboxes, controller and gateway", async () => {
    const list = await stack.cli("sandbox", "list", "--json");
    expect(JSON.parse(list.stdout)).toMatchObject({ items: [{ metadata: { name } }] });
    const status = await stack.cli("status");
    expect({ code: status.code, text: status.stdout }).toMatchObject({ code: 0, text: expect.stringContaining("Sandboxes:     1") });
    expect(status.stdout).toContain("Gateway at http://openclaw-gateway");
    expect(await stack.cli("dashboard", "--no-open")).toMatchObject({ code: 0, stdout: expect.stringContaining("http://127.0.0.1:") });
    expect(await stack.cli("onboard", "--non-interactive")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("nothing to change"),
    });
    const health = await stack.compose("exec", "-T", "openclaw-gateway", "node", "dist/index.js", "health");
    expect({ code: health.code, stderr: health.stderr }).toMatchObject({ code: 0 });
  });

  test("a device that asks is listed, and in once the CLI in its container approved it, its signature known to the controller; and out once revoked", async () => {
    const [device, url, scopes] = [makeDevice(), stack.url.replace("http", "ws"), ["operator.write", "operator.approvals"]];
    const { answer, closed } = await connectRaw(url, device, { token: stack.token, scopes });
    expect(answer).toMatchObject({ ok: false, error: { code: "NOT_PAIRED" } });
    expect(await closed).toEqual({ code: 1008, reason: "pairing required" });
    const { requestId, pairingCode } = (answer as { error: { details: { requestId: string; pairingCode: string } } }).error.details;
    expect((await stack.cli("devices", "list")).stdout).toMatch(new RegExp(`${requestId} +${pairingCode}`));
    const approved = await stack.cli("devices", "approve", requestId);
    expect({ code: approved.code, stdout: approved.stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^paired .*operator\.approvals/),
    });
    expect(approved.stderr).toContain("its signature ends live work and prunes");
    const keys = join(stack.stateDir, "controller", "approval-keys.json");
    expect(await readFile(keys, "utf8")).toContain(device.id);
    expect((await stat(keys)).mode & 0o777).toBe(0o600);
    expect((await connectRaw(url, device, { scopes })).answer).toMatchObject({ ok: true, payload: { auth: { scopes } } });
    expect((await stack.cli("devices", "revoke", device.id)).code).toBe(0);
    expect((await connectRaw(url, device, { scopes })).answer).toMatchObject({ error: { details: { reason: "revoked" } } });
    expect(await readFile(keys, "utf8")).not.toContain(device.publicKey);
  });

  test("an edited config converges, and the metrics say so on loopback", async () => {
    const [id = ""] = await sandboxes();
    await stack.writeConfig(config({ memory: "128m" }));
    await until("the limit is there", async () => (await inspect(id))?.HostConfig.Memory === 128 * 1_048_576);
    const metrics = await (await fetch(`http://127.0.0.1:${stack.metricsPort}/metrics`)).text();
    expect(metrics).toMatch(/^openclaw_build_info\{/m);
  });

  test("killed, gateway and controller come back, and the sandbox serves on", async () => {
    const [before] = await sandboxes();
    for (const service of ["openclaw-gateway", "openclaw-controller"]) {
      const id = await stack.container(service);
      const started = (await inspect(id))?.State.StartedAt;
      await docker("exec", "--user", "1000", id, "sh", "-c", "kill -9 -1").catch(() => undefined);
      await until(`${service} was started again`, async () => (await inspect(id))?.State.StartedAt !== started);
    }
    await stack.untilReady();
    const answer = await until("the tool runs again", async () => {
      const tried = await stack.gateway.tool("main", "exec", { command: "cat file" });
      return tried.status === 200 ? tried : null;
    });
    expect([answer.text, await sandboxes()]).toEqual(["kept\n", [before]]);
  });

  test("a deleted session and a stack that is taken down leave nothing on the engine", async () => {
    expect((await stack.gateway.ask("/v1/sessions/main", undefined, "DELETE")).status).toBe(200);
    await stack.cli("sandbox", "recreate", "--all", "--force", "--kill");
    await until("its sandbox is gone", async () => (await sandboxes()).length === 0);
    const down = await stack.compose("down", "--volumes", "--timeout", "5");
    expect(down.code).toBe(0);
    for (const kind of ["container", "volume", "network"])
      expect(await docker(kind, "ls", "-q", "--filter", `label=com.docker.compose.project=${stack.project}`)).toBe("");
  });
});

describe("a controller in a container", () => {
  const instance = `openclaw-test-${randomBytes(4).toString("hex")}`;
  const volume = instance;
  const once = (...mounts: string[]): Promise<Run> => {
    const socket = ["-v", "/var/run/docker.sock:/var/run/docker.sock", "--user", "0:0"];
    const args = ["run", "--rm", "--label", `openclaw-test=${instance}`, ...socket, ...mounts, IMAGE];
    return run("docker", [...args, "controller", "--once", "--instance", instance], { env: variables(), timeoutMs: 60_000 });
  };
  const write = async (config: object): Promise<void> => {
    const script = "umask 077; cat >/state/openclaw.json; chown -R 1000:1000 /state; chmod 700 /state";
    const args = ["run", "--rm", "-i", "--user", "0:0", "--entrypoint", "sh", "-v", `${volume}:/state`, IMAGE, "-c", script];
    await run("docker", args, { env: variables(), stdin: JSON.stringify(config) });
  };
  const eager = (docker: object = {}): object => ({
    agents: { defaults: { sandbox: { mode: "all", start: "eager", docker } }, list: [{ id: "main" }] },
  });

  beforeAll(() => async () => {
    for (const id of await containersWith(`openclaw.instance=${instance}`)) await docker("rm", "--force", id);
    await tryDocker("volume", "rm", volume);
  });

  test("gives a sandbox the folder that the engine has for a named volume", async () => {
    await write(eager());
    const { code, stderr } = await once("-v", `${volume}:${STATE}`);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    const [id = ""] = await containersWith(`openclaw.instance=${instance}`);
    const source = (await inspect(id))?.Mounts.find(({ Destination }) => Destination === "/workspace")?.Source ?? "";
    const mountpoint = await docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume);
    expect(source.startsWith(`${mountpoint}/sandboxes/`)).toBe(true);
    await docker("exec", id, "sh", "-c", "echo written >/workspace/file");
    expect(await docker("run", "--rm", "--user", "0:0", "-v", `${volume}:/state`, IMAGE, "sh", "-c", "cat /state/sandboxes/*/file")).toBe(
      "written",
    );
  });

  test("names the mount that is missing, for its state folder and for a bind", async () => {
    const { code, stderr } = await once("--tmpfs", `${STATE}:uid=1000,gid=1000,mode=0700`);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`mount it into the controller's container: -v ${STATE}:${STATE}`),
    });
    await write(eager({ binds: ["/srv/data:/data:ro"], dangerouslyAllowExternalBindSources: true }));
    const bound = await once("-v", `${volume}:${STATE}`);
    expect({ code: bound.code, stderr: bound.stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("/srv/data") });
  });
});
