// The two units under a systemd that runs, installed by the commands of docs/operations.md: what starts, what is out of the gateway's reach, and
// what survives a restart, a kill -9 and a stop. A minute, so it runs with the long tests alone. What the text says is systemd-units.test.ts's.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { inspect, until } from "../src/controller/fixtures/docker.fixture.ts";
import { Machine, START_MS_MAX } from "./systemd.fixture.ts";

const UNITS = ["openclaw-controller", "openclaw-gateway"] as const;
const USERS = UNITS;
/** Of 100, as systemd-units.test.ts allows it. */
const EXPOSURE_MAX = 15;
const MINUTES_MS_MAX = 300_000;
const isLong = process.env.OPENCLAW_TEST_LONG === "1";

const Started = z.looseObject({ details: z.looseObject({ id: z.string() }) });

/** As the gateway's processes: its user in what its unit leaves of the machine. */
const asGateway = (script: string): string => `
  pid=$(systemctl show --value --property=MainPID openclaw-gateway)
  nsenter --target "$pid" --mount -- setpriv --reuid=openclaw-gateway --regid=openclaw --clear-groups --bounding-set=-all sh -ec '${script}'`;
/** As root there, without root's capabilities, as every process of the unit is. */
const asRootBeside = (script: string): string => `
  pid=$(systemctl show --value --property=MainPID openclaw-gateway)
  nsenter --target "$pid" --mount -- setpriv --bounding-set=-all sh -ec '${script}'`;
const ENGINE = "curl --silent --fail --max-time 5 --unix-socket /run/docker.sock http://engine/_ping";

describe("the units under systemd", () => {
  let machine: Machine;
  let sandbox: string;
  beforeEach(({ skip }) => skip(!isLong, "it takes minutes: OPENCLAW_TEST_LONG=1 runs it"));
  beforeAll(async () => {
    if (isLong) machine = await Machine.boot();
  }, MINUTES_MS_MAX);
  afterAll(async () => {
    await machine?.end();
  }, MINUTES_MS_MAX);

  const exec = async (session: string, input: object): Promise<string> =>
    JSON.stringify(await machine.ask(`/v1/sessions/${session}/tools/exec`, input));
  const processes = async (session: string): Promise<string> =>
    JSON.stringify(await machine.ask(`/v1/sessions/${session}/tools/process`, { action: "list" }));
  const mainPid = (unit: string): Promise<string> => machine.show(unit, "MainPID");
  const untilOther = (unit: string, before: string): Promise<true> =>
    until(`${unit} runs again`, async () => !["0", before].includes(await mainPid(unit)), START_MS_MAX);
  /** Of both users, with their commands. */
  const left = (): Promise<string> =>
    machine.sh(`for status in /proc/[0-9]*/status; do
      uid=$(awk '$1 == "Uid:" { print $2 }' "$status" 2>/dev/null) || continue
      case $(id -nu "$uid" 2>/dev/null) in ${USERS.join(" | ")}) tr '\\0' ' ' <"\${status%status}cmdline"; echo ;; esac
    done`);

  test(
    "installed as the documentation says, both start, are ready, and a session's tool runs in a sandbox",
    async () => {
      await machine.install(0);
      await machine.untilReady();
      for (const unit of UNITS) expect([unit, await machine.show(unit, "ActiveState")]).toEqual([unit, "active"]);
      await machine.ask("/v1/sessions", { key: "agent:main:chat" });
      expect(await exec("agent:main:chat", { command: "id -u; pwd" })).toContain("/workspace");
      const [only, ...others] = await machine.containers();
      expect(others).toEqual([]);
      sandbox = only ?? "";
      expect((await inspect(sandbox))?.State.Status).toBe("running");
    },
    MINUTES_MS_MAX,
  );

  test("systemd finds nothing wrong with the units, and little exposed", async () => {
    expect(await machine.sh(`systemd-analyze verify ${UNITS.map((unit) => `/etc/systemd/system/${unit}.service`).join(" ")} 2>&1`)).toBe(
      "",
    );
    await machine.sh(`systemd-analyze security --no-pager --threshold=${EXPOSURE_MAX} ${UNITS.map((unit) => `${unit}.service`).join(" ")}`);
  });

  test("the gateway's unit reaches neither the engine's socket, nor the config, nor a file of a workspace, not even as root", async () => {
    expect(await machine.sh(`${ENGINE}; touch /etc/openclaw/proof; rm /etc/openclaw/proof`)).toBe("OK");
    await machine.sh(asGateway("touch /var/lib/openclaw/agents/proof; rm /var/lib/openclaw/agents/proof"));
    // Whoever wrote it, and whatever its mode.
    await machine.sh(
      "mkdir -p /var/lib/openclaw/workspace; echo >/var/lib/openclaw/workspace/file; chmod -R a+rwX /var/lib/openclaw/workspace",
    );
    const refused = [ENGINE, "touch /etc/openclaw/proof", "touch /usr/proof", "touch /var/lib/openclaw/proof"];
    const unseen = ["/etc/openclaw/openclaw.json", "/var/lib/openclaw/workspace/file"].map((path) => `cat ${path}`);
    const closed = ["controller", "requests", "sandboxes", "run/admin"].map((folder) => `ls /var/lib/openclaw/${folder}`);
    for (const script of [...refused, ...unseen, ...closed]) {
      for (const as of [asGateway, asRootBeside]) expect((await machine.attempt(as(script))).code, script).not.toBe(0);
    }
  });

  test(
    "a restart of either unit keeps the sandbox and what runs in it",
    async () => {
      const { id } = Started.parse(
        await machine.ask("/v1/sessions/agent:main:chat/tools/exec", { command: "sleep 3600", background: true }),
      ).details;
      for (const unit of UNITS) {
        const before = await mainPid(unit);
        await machine.sh(`systemctl restart ${unit}`);
        await machine.untilReady();
        expect(await mainPid(unit)).not.toBe(before);
        expect(await processes("agent:main:chat")).toContain(`${id}`);
        expect(await processes("agent:main:chat")).toContain("running");
        expect(await machine.containers()).toEqual([sandbox]);
      }
    },
    MINUTES_MS_MAX,
  );

  test(
    "what is killed is started again, and the sandbox serves on",
    async () => {
      for (const unit of UNITS) {
        const before = await mainPid(unit);
        await machine.sh(`kill -s KILL ${before}`);
        await untilOther(unit, before);
        await machine.untilReady();
        expect(await machine.show(unit, "NRestarts")).toBe("1");
        expect(await exec("agent:main:chat", { command: "echo serves $((6 * 7))" })).toContain("serves 42");
        expect(await machine.containers()).toEqual([sandbox]);
      }
    },
    MINUTES_MS_MAX,
  );

  test("their logs are in the journal, each under its unit, and no stop had to be enforced", async () => {
    for (const unit of UNITS) {
      const name = unit.replace("openclaw-", "");
      const journal = await machine.sh(`journalctl --no-pager --output=cat --unit=${unit}`);
      expect(journal).toContain(`${name} started`);
      expect(journal).not.toContain("timed out");
    }
  });

  test(
    "with host-commands.conf, a session on the gateway's host has a folder and background commands that outlive a restart and a kill -9",
    async () => {
      await machine.sh(`
      cat >/etc/openclaw/openclaw.json <<'END'
{
  gateway: { mode: "local" },
  agents: {
    defaults: { sandbox: { mode: "all" } },
    list: [
      { id: "main" },
      { id: "host", workspace: "/srv/openclaw/host", sandbox: { mode: "off" }, tools: { exec: { host: "gateway" } } },
    ],
  },
}
END`);
      await machine.install(1);
      await machine.untilReady();
      await machine.ask("/v1/sessions", { key: "agent:host:chat" });
      const command = "while :; do date +%s >>beats; sleep 0.2; done";
      const start = await machine.ask("/v1/sessions/agent:host:chat/tools/exec", { command, background: true });
      const { id } = Started.parse(start).details;
      for (const end of [
        "systemctl restart openclaw-gateway",
        'kill -s KILL "$(systemctl show --value --property=MainPID openclaw-gateway)"',
      ]) {
        const before = await mainPid("openclaw-gateway");
        await machine.sh(end);
        await untilOther("openclaw-gateway", before);
        await machine.untilReady();
        expect(await processes("agent:host:chat")).toMatch(new RegExp(`${id}.*running`));
        const beats = (): Promise<string> => machine.sh("wc -l </srv/openclaw/host/beats");
        const now = await beats();
        await until("it goes on", async () => (await beats()) !== now);
      }
      expect(await exec("agent:host:chat", { command: "! sudo -n true && ! touch /usr/proof && echo confined $((6 * 7))" })).toContain(
        "confined 42",
      );
      expect(await left()).toContain("beats");
      await machine.ask("/v1/sessions/agent:host:chat/reset", {});
      expect(await left()).not.toContain("beats");
    },
    MINUTES_MS_MAX,
  );

  test(
    "a stop takes a moment and leaves nothing but the sandbox; a start finds it again",
    async () => {
      const running = await left();
      for (const unit of UNITS) expect(running).toContain(`main.ts ${unit.replace("openclaw-", "")}`);
      const startedAt = performance.now();
      await machine.sh(`systemctl stop ${UNITS.join(" ")}`);
      expect(performance.now() - startedAt).toBeLessThan(20_000);
      for (const unit of UNITS) expect([unit, await machine.show(unit, "Result")]).toEqual([unit, "success"]);
      await until("no process of theirs is left", async () => (await left()) === "");
      expect(await machine.containers()).toEqual([sandbox]);
      expect((await inspect(sandbox))?.State.Status).toBe("running");
      await machine.sh(`systemctl start ${UNITS.join(" ")}`);
      await machine.untilReady();
      expect(await processes("agent:main:chat")).toContain("running");
      expect(await machine.containers()).toEqual([sandbox]);
    },
    MINUTES_MS_MAX,
  );
});
