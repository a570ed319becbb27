// `openclaw dashboard`: the address a browser reaches, where the secret is but never the secret, and a QR code that a phone reads.
// Grafana's dashboard is dashboard.test.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeGatewayUrl } from "../src/api/store/gateway-files.ts";
import { makeStateDir } from "../src/controller/servers/server.fixture.ts";
import { openSocketServer } from "../src/gateway/ws/sockets.fixture.ts";
import { type CliResult, cli } from "./cli.fixture.ts";
import { readQrCode } from "./qr-code.fixture.ts";

const ADDRESS = "http://192.0.2.7:18789/";

interface Site {
  /** The gateway section of the config. Absent: there is no config. */
  gateway?: object;
  env?: Record<string, string>;
  /** Whether a gateway ran here: it leaves its address, and the token that it made. */
  ran?: boolean;
}

async function dashboard({ gateway, env = {}, ran = false }: Site, ...flags: string[]): Promise<CliResult & { stateDir: string }> {
  const stateDir = makeStateDir();
  if (gateway !== undefined) writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify({ gateway }), { mode: 0o600 });
  if (ran) {
    mkdirSync(join(stateDir, "gateway"));
    writeFileSync(join(stateDir, "gateway", "address.json"), JSON.stringify({ url: "http://127.0.0.1:4711" }));
    writeFileSync(join(stateDir, "gateway", "token"), "secret-made");
  }
  return { ...(await cli(["dashboard", "--no-open", ...flags], { stateDir, env })), stateDir };
}

test("the address is the one that the gateway left, unless the environment names the one for browsers", async () => {
  expect(await dashboard({ ran: true })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("Dashboard:  http://127.0.0.1:4711/\n"),
  });
  const named = await dashboard({ ran: true, env: { OPENCLAW_DASHBOARD_URL: ADDRESS } });
  expect(named.stdout).toContain(`Dashboard:  ${ADDRESS}\n`);
  const everywhere = await dashboard({ env: { OPENCLAW_DASHBOARD_URL: "http://0.0.0.0:4711/" } });
  expect(everywhere.stdout).toContain("Dashboard:  http://127.0.0.1:4711/\n");
});

test("without a gateway, or with an address that is none, it says so", async () => {
  expect(await dashboard({})).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("no gateway has been started") });
  const wrong = await dashboard({ env: { OPENCLAW_DASHBOARD_URL: "javascript:alert(1)" } });
  expect(wrong).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("OPENCLAW_DASHBOARD_URL is not an HTTP URL") });
});

test.each<[string, Site, string]>([
  [
    "of the environment",
    { env: { OPENCLAW_GATEWAY_TOKEN: "secret-given" }, gateway: { auth: { token: "secret-set" } } },
    "OPENCLAW_GATEWAY_TOKEN",
  ],
  [
    "of the config, although one was made once",
    { gateway: { auth: { token: "secret-set" } } },
    "gateway.auth.token of STATE/openclaw.json",
  ],
  ["that the gateway made", {}, "in STATE/gateway/token"],
  [
    "of a password's config",
    { gateway: { auth: { mode: "password", password: "secret-set" } } },
    "gateway.auth.password of STATE/openclaw.json",
  ],
  ["that is not needed", { gateway: { auth: { mode: "none" } } }, "not known here"],
])("a secret %s is named by its place, and not shown", async (_, site, place) => {
  const { stdout, stderr, stateDir } = await dashboard({ ...site, ran: true });
  expect(stdout).toContain(`Token:      ${place.replace("STATE", stateDir)}`);
  expect(`${stdout}${stderr}`).not.toContain("secret-");
});

test("its QR code holds the address and nothing else", async () => {
  const env = { OPENCLAW_DASHBOARD_URL: ADDRESS, OPENCLAW_GATEWAY_TOKEN: "secret-given" };
  const { stdout, stderr } = await dashboard({ env }, "--qr");
  expect(readQrCode(stdout, { background: "black" })).toBe(ADDRESS);
  expect(stderr).not.toContain("a phone can't reach it");
});

test("a QR code of this machine's own address comes with what a phone needs instead", async () => {
  const { stdout, stderr } = await dashboard({ ran: true }, "--qr");
  expect(readQrCode(stdout, { background: "black" })).toBe("http://127.0.0.1:4711/");
  expect(stderr).toContain("--bind lan, and set OPENCLAW_DASHBOARD_URL=http://ADDRESS:4711/ for this command");
  const inCompose = await dashboard({ ran: true, env: { OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli" } }, "--qr");
  expect(inCompose.stderr).toContain("OPENCLAW_GATEWAY_PUBLISH=ADDRESS ./docker-setup.sh");
});

test("with a gateway that answers, the address is a one-time link in its fragment, for operator.write or, if asked for, every scope", async () => {
  const server = await openSocketServer();
  await writeGatewayUrl(server.stateDir, server.url.replace("ws", "http"));
  const env = { OPENCLAW_DASHBOARD_URL: ADDRESS };
  const run = (...flags: string[]) => cli(["dashboard", "--no-open", ...flags], { stateDir: server.stateDir, env });
  const plain = await run("--qr");
  const link = /Dashboard: +(\S+)/.exec(plain.stdout)?.[1] ?? "";
  expect(link).toMatch(/^http:\/\/192\.0\.2\.7:18789\/#pair=[A-Za-z0-9_-]{22}$/);
  expect(plain).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("within a minute, with operator.write\n") });
  expect(readQrCode(plain.stdout, { background: "black" })).toBe(link);
  expect((await run("--admin")).stdout).toContain("operator.admin, operator.approvals, operator.pairing");
});
