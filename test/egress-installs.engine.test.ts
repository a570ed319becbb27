// Egress as people install the product: in Compose's containers, and as two users of one host. The same list, edited where a person edits it, holds in both.
// What a list opens and closes is egress-table.engine.test.ts's.
import { chmod, chown, stat, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { docker, IMAGE, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { buildEgressImage, removeEgress } from "../src/controller/fixtures/egress.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { buildImage, findCompose, Stack } from "./compose.fixture.ts";
import { asUser, CONFIG_GROUP, CONTROLLER, ENGINE_SOCKET, layOut, obstacle, start } from "./two-users.fixture.ts";

const MINUTES_MS = 600_000;

const configOf = (allow: readonly string[]): object => ({
  gateway: { mode: "local" },
  agents: { defaults: { sandbox: { mode: "all", start: "eager", egress: { allow } } }, list: [{ id: "main" }] },
});

/** The container of an instance's one sandbox: by its id, since a name is given to it only when it has started. */
async function findSandbox(instance: string): Promise<string | null> {
  const filters = [`label=openclaw.instance=${instance}`, "label=openclaw.sandbox=1", "status=running"];
  return (await docker("ps", "--format", "{{.ID}}", ...filters.flatMap((filter) => ["--filter", filter]))) || null;
}

/** A server in the proxy's network. @returns its address */
async function serve(instance: string): Promise<string> {
  const network = `openclaw-egress-${instance}`;
  const labels = ["--label", `openclaw.instance=${instance}`];
  const id = await docker("run", "--detach", ...labels, `--network=${network}`, "--user=0:0", IMAGE, "python3", "-m", "http.server", "80");
  return await docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id);
}

/** The status, and what the proxy says of it. */
const ask = async (sandbox: string, url: string): Promise<string> =>
  (await tryDocker("exec", sandbox, "curl", "-sS", "--max-time", "5", "-w", "%{http_code}", url)) ?? "nothing";

/** From a list that names nothing of it to one that does. */
async function expectListHolds(instance: string, writeConfig: (config: object) => Promise<void>): Promise<string> {
  const sandbox = await until("the sandbox is there", async () => await findSandbox(instance), 120_000);
  await until("the list is in force", async () => (await ask(sandbox, "http://other.invalid/")).endsWith("403"), 120_000);
  const address = await serve(instance);
  expect(await ask(sandbox, `http://${address}/`)).toMatch(/is a private address.*403$/s);
  await writeConfig(configOf([`${address}/32`]));
  await until("what the list names is reached", async () => (await ask(sandbox, `http://${address}/`)).endsWith("200"));
  expect(await docker("inspect", "--format", "{{.HostConfig.NetworkMode}}", sandbox)).toBe("none");
  return sandbox;
}

test(
  "in Compose a sandbox reaches what its list names, the product's own containers never, and the command line says what was refused",
  async (context) => {
    const compose = await findCompose();
    if (compose === null) return context.skip("there is neither docker compose nor docker-compose");
    await Promise.all([buildImage(), buildEgressImage()]);
    const stack = await Stack.create(compose, configOf(["allowed.invalid"]));
    try {
      const up = await stack.compose("up", "-d", "openclaw-gateway");
      expect({ code: up.code, stderr: up.code === 0 ? "" : up.stderr }).toEqual({ code: 0, stderr: "" });
      await stack.untilReady();
      const sandbox = await expectListHolds(stack.project, (config) => stack.writeConfig(config));
      // The proxy's own network, and one that a person puts it and the gateway in: named, and refused all the same.
      const addresses = ["openclaw-gateway", "openclaw-controller"].map(async (service) => {
        const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
        return (await docker("inspect", "--format", format, await stack.container(service))).split(" ")[0] ?? "";
      });
      const own = await Promise.all(addresses);
      await stack.writeConfig(configOf(own.map((address) => `${address}/32`)));
      for (const address of own)
        await until("a part of the product is refused", async () => {
          return /is a part of OpenClaw: no rule opens it\n403$/.test(await ask(sandbox, `http://${address}/`));
        });
      const { code, stdout } = await stack.cli("sandbox", "egress", "log", "--refused", "main");
      expect(code).toBe(0);
      expect(stdout).toMatch(/refused GET other\.invalid:80: NotListed/);
      for (const address of own) expect(stdout).toContain(`ProtectedAddress: ${address} is a part of OpenClaw`);
    } finally {
      await stack.end();
      await removeEgress(stack.project);
    }
  },
  MINUTES_MS,
);

test(
  "as two users of one host a sandbox reaches what its list names",
  async (context) => {
    const because =
      process.env.OPENCLAW_TEST_LONG === "1" ? obstacle() : "OPENCLAW_TEST_LONG=1 runs it; two-users.engine.test.ts has the two users";
    if (because !== null) return context.skip(because);
    await buildEgressImage();
    const site = await createSite();
    site.atEnd(() => removeEgress(site.instance));
    const { stateDir, configPath } = await layOut(site);
    const writeConfig = async (config: object): Promise<void> => {
      await writeFile(configPath, JSON.stringify(config));
      await chown(configPath, 0, CONFIG_GROUP);
      await chmod(configPath, 0o640);
    };
    await writeConfig(configOf(["allowed.invalid"]));
    const engineGroup = (await stat(ENGINE_SOCKET)).gid;
    const log = start(site, asUser(CONTROLLER, [engineGroup, CONFIG_GROUP]), [
      ...["controller", "--state-dir", stateDir, "--config", configPath],
      ...["--instance", site.instance, "--metrics-listen", "127.0.0.1:0"],
    ]);
    await expectListHolds(site.instance, writeConfig).catch((error: Error) => {
      throw new Error(`${error.message}\n${log()}`);
    });
  },
  MINUTES_MS,
);
