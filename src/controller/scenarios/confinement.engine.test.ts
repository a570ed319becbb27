// What a sandbox sees and may do, looked at from inside a real container that the controller made: nothing of the host, of its neighbours or
// of the controller, and values of the config are never a shell's. Mounts are mounts.engine.test.ts, limits exhaustion.engine.test.ts.
import { readlink } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { docker, type Inspected } from "../fixtures/docker.fixture.ts";
import { eager, startSite } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
const NAMESPACES = ["ipc", "mnt", "net", "pid", "uts"];

async function start(options: object = {}): Promise<{ container: Inspected; inside(script: string): Promise<string> }> {
  const { site } = await startSite(eager({ docker: options }));
  const container = await site.serves(AGENT);
  return { container, inside: (script) => docker("exec", container.Id, "sh", "-c", script) };
}

describe("a sandbox", () => {
  it("sees its own variables and none of the host's", async () => {
    process.env.OPENCLAW_TEST_SECRET = "of the host";
    try {
      const { container } = await start({ env: { OWN: "value" } });
      const variables = (await docker("exec", container.Id, "env")).split("\n");
      expect(variables.map((variable) => variable.slice(0, variable.indexOf("="))).sort()).toEqual([
        "HOME",
        "HOSTNAME",
        "LANG",
        "OWN",
        "PATH",
      ]);
    } finally {
      delete process.env.OPENCLAW_TEST_SECRET;
    }
  });

  it("has no privilege, no capability, a filter of system calls and a root that it can't write", async () => {
    const { inside } = await start();
    const fields = new Map((await inside("cat /proc/self/status")).split("\n").map((line) => line.split(":\t") as [string, string]));
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) expect([set, fields.get(set)]).toEqual([set, "0".repeat(16)]);
    expect(fields.get("NoNewPrivs")).toBe("1");
    expect(fields.get("Seccomp")).toBe("2");
    expect(await inside("id -u")).not.toBe("0");
    expect(await inside("touch /usr/made 2>&1 || true")).toContain("Read-only");
  });

  it("shares no namespace with the host, and has neither the engine's socket nor a device of the host", async () => {
    const { inside } = await start();
    for (const namespace of NAMESPACES) {
      expect(await inside(`readlink /proc/self/ns/${namespace}`)).not.toBe(await readlink(`/proc/self/ns/${namespace}`));
    }
    expect(await inside("find / -xdev -type s 2>/dev/null; ls /var/run/docker.sock /run/docker.sock 2>/dev/null; true")).toBe("");
    expect(await inside("find /dev -type b")).toBe("");
  });

  it("reaches nobody, and nobody reaches it", async () => {
    const { inside, container } = await start();
    expect(await inside("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).toBe("lo");
    expect(JSON.parse(await docker("inspect", "--format", "{{json .NetworkSettings.Ports}}", container.Id))).toEqual({});
    expect(JSON.parse(await docker("inspect", "--format", "{{json .HostConfig.PortBindings}}", container.Id)) ?? {}).toEqual({});
  });

  it("has the config's values as they are: no shell has read them", async () => {
    const trick = "$(touch /workspace/read) `touch /workspace/read`; touch /workspace/read #";
    const { inside } = await start({ env: { TRICK: trick } });
    expect(await inside('printf %s "$TRICK"')).toBe(trick);
    expect(await inside("ls /workspace")).toBe("");
  });
});
