// Controller and gateway as two users of one group, in the folders that manifests/systemd lays out, over a real engine: what they share works, and
// a gateway that is taken over can't get further by its user's rights. What the units confine beyond that is systemd-units.test.ts's.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findGatewayToken, findGatewayUrl } from "../src/api/store/gateway-files.ts";
import { until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { run } from "./run-program.ts";
import { asUser, CONFIG_GROUP, CONTROLLER, ENGINE_SOCKET, GATEWAY, layOut, obstacle, start } from "./two-users.fixture.ts";

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
