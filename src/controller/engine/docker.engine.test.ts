// What only a real engine shows of making and changing containers: that every knob reaches it, what it refuses, what it changes in place.
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { diffLive, diffRecreate } from "../decide/fields.ts";
import { effectiveLive } from "../decide/limits.ts";
import { codeOf, eventually, identityOf, run, specOf, UNLIMITED } from "./contract.fixture.ts";
import { expectIdentifyContract } from "./contract-identify.fixture.ts";
import { expectProbeContract } from "./contract-probe.fixture.ts";
import { expectSurveyContract } from "./contract-survey.fixture.ts";
import { docker, IMAGE, MIB, openDocker, shell } from "./docker.fixture.ts";
import { PROCESS_STATE_DIR } from "./docker-create.ts";
import type { Handle } from "./engine.ts";

const bench = openDocker();

test("every knob reaches the engine, and reading it back shows no difference", async () => {
  const [workspace, agent, extra] = [await bench.makeFolder(), await bench.makeFolder(), await bench.makeFolder()];
  const edit: Partial<ContainerSpec> = {
    readOnlyRoot: false,
    tmpfs: [
      { path: "/zone", options: "size=1m" },
      { path: "/a", options: "size=2m,mode=1777" },
    ],
    network: "bridge",
    user: "1234:2345",
    capDrop: ["NET_RAW", "MKNOD"],
    env: { ZED: "last", HOME: "/workspace", EMPTY: "", SPACES: "a b  $(c) `d`", EQUALS: "x=y=z" },
    ulimits: [
      // Equal: runc before 1.1.13 may start a command with the hard limit in place of the soft one.
      { name: "nofile", soft: 512, hard: 512 },
      { name: "core", soft: 0, hard: 0 },
    ],
    shmSize: 32 * MIB,
    seccomp: JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdirat", "mkdir"], action: "SCMP_ACT_ERRNO" }] }),
    dns: ["127.0.0.53", "192.0.2.1"],
    extraHosts: ["example.test:192.0.2.7"],
    mounts: [
      { kind: "workspace", source: workspace, target: "/workspace", readOnly: false },
      { kind: "agent", source: agent, target: "/agent", readOnly: true },
      { kind: "bind", source: extra, target: "/extra", readOnly: true },
    ],
    live: { cpus: 0.75, memory: 96 * MIB, memorySwap: 128 * MIB, pidsLimit: 99 },
  };
  const { observation, raw, handle } = await bench.launch(edit);
  expect(diffRecreate(specOf(IMAGE, edit), observation.created)).toEqual([]);
  expect(observation.created.mounts).toEqual(edit.mounts);
  expect(observation.live).toEqual(edit.live);
  expect(observation.networks).toEqual(["bridge"]);
  expect(raw.HostConfig).toMatchObject({
    Init: true,
    Privileged: false,
    RestartPolicy: { Name: "no" },
    CapDrop: ["NET_RAW", "MKNOD"],
    Memory: 96 * MIB,
    MemorySwap: 128 * MIB,
    NanoCpus: 750_000_000,
    PidsLimit: 99,
    ShmSize: 32 * MIB,
    Dns: ["127.0.0.53", "192.0.2.1"],
  });
  expect(raw.HostConfig.SecurityOpt).toContain("no-new-privileges:true");
  const inside = await run(
    bench.mustEngine(),
    handle,
    shell('id -u; id -g; printf "%s\\n" "$SPACES" "$EQUALS"; ulimit -n; mkdir /tmp/x; grep NoNewPrivs /proc/self/status; pwd'),
  );
  expect(inside.stdout).toBe("1234\n2345\na b  $(c) `d`\nx=y=z\n512\nNoNewPrivs:\t1\n/workspace\n");
  expect(inside.stderr).toContain("Operation not permitted");
});

test("a container without limits has none, and swap that the engine fills in is no difference", async () => {
  const { observation } = await bench.launch({ live: { cpus: null, memory: 64 * MIB, memorySwap: null, pidsLimit: 0 } });
  expect(diffLive({ cpus: null, memory: 64 * MIB, memorySwap: null, pidsLimit: 0 }, observation.live)).toEqual([]);
  expect(diffLive(effectiveLive({ cpus: null, memory: 64 * MIB, memorySwap: 128 * MIB, pidsLimit: 0 }), observation.live)).toEqual([]);
});

test("a mount without its source is refused, and the engine makes no folder for it", async () => {
  const folder = await bench.makeFolder();
  const source = join(folder, "missing");
  const mounts = [{ kind: "bind", source, target: "/data", readOnly: true }] as const;
  const refused = bench.mustEngine().create(identityOf(bench.instance), specOf(IMAGE, { mounts }));
  await expect(refused).rejects.toMatchObject({ code: "SpecRejected", fix: expect.stringContaining("source") });
  expect(await bench.listOurs()).toEqual([]);
});

test("what the host refuses at the start is a rejected spec: a limit above its own, a profile that allows nothing", async () => {
  const start = async (edit: Partial<ContainerSpec>): Promise<string> => {
    const { identity, handle } = await bench.create(edit);
    return await codeOf(bench.mustEngine().act(handle, identity, { kind: "start" }));
  };
  expect(await start({ ulimits: [{ name: "nofile", soft: 10_000_000, hard: 10_000_000 }] })).toBe("SpecRejected");
  expect(await start({ seccomp: JSON.stringify({ defaultAction: "SCMP_ACT_ERRNO" }) })).toBe("SpecRejected");
});

test("the user of a sandbox writes to its tmpfs folders and to the product's own, under a read-only root", async () => {
  const { handle, observation } = await bench.launch();
  const write = await run(
    bench.mustEngine(),
    handle,
    shell(`touch /tmp/a /run/b ${PROCESS_STATE_DIR}/c /workspace/d && echo written; touch /e`),
  );
  expect(write.stdout).toBe("written\n");
  expect(write.stderr).toContain("Read-only file system");
  expect(observation.created.tmpfs.map(({ path }) => path)).toEqual(["/run", "/tmp", "/workspace"]);
  const other = await bench.launch({ user: "root", tmpfs: [] });
  expect((await run(bench.mustEngine(), other.handle, shell(`touch ${PROCESS_STATE_DIR}/c; stat -c %a ${PROCESS_STATE_DIR}`))).stdout).toBe(
    "1777\n",
  );
});

test("whether profiles of AppArmor confine is known, since this engine accepts their names in either case", async () => {
  const engine = bench.mustEngine();
  expect(engine.capabilities.appArmor).toBe((await engine.info()).securityOptions.includes("apparmor"));
  if (engine.capabilities.appArmor) return;
  const { observation } = await bench.launch({ apparmorProfile: "openclaw-no-such-profile" });
  expect(observation).toMatchObject({ state: "running", created: { apparmorProfile: "openclaw-no-such-profile" } });
});

test("a memory limit changes in place: same id, same run", async () => {
  const { identity, handle } = await bench.launch({ live: { ...UNLIMITED, memory: 64 * MIB } });
  await bench.mustEngine().act(handle, identity, { kind: "update", live: { ...UNLIMITED, memory: 256 * MIB } });
  const [after] = await bench.mustEngine().observe(identity.name);
  expect(after).toMatchObject({ handle, live: { memory: 256 * MIB, memorySwap: null } });
});

test("a limit below what is in use is not possible now, and nothing is broken by trying", async () => {
  const { identity, handle } = await bench.launch({ live: { ...UNLIMITED, memory: 256 * MIB } });
  const fill = await run(bench.mustEngine(), handle, shell("head -c 14000000 /dev/zero > /tmp/fill; echo filled"));
  expect(fill.stdout).toBe("filled\n");
  const code = await codeOf(bench.mustEngine().act(handle, identity, { kind: "update", live: { ...UNLIMITED, memory: 8 * MIB } }));
  // cgroup v2 takes it and kills; cgroup v1 refuses.
  expect(code).toBe((await bench.mustEngine().info()).cgroupVersion === "1" ? "NotReady" : "OK");
});

test("the sandbox's first process ends quickly when it is asked to", async () => {
  const { handle } = await bench.launch();
  const startedMs = performance.now();
  await docker.getContainer(handle.id).stop({ t: 10 });
  expect(performance.now() - startedMs).toBeLessThan(3_000);
});

test("processes whose parent has gone are reaped", async () => {
  const { handle } = await bench.launch();
  await run(bench.mustEngine(), handle, shell("for i in 1 2 3 4 5; do (sleep 0.05 &) ; done"));
  await eventually(
    async () => (await run(bench.mustEngine(), handle, shell("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ') Z ' || true"))).stdout,
    (zombies) => zombies === "0\n",
  );
});

test("a survey shows what confines each container, and what it wrote, as long as it is there", async () => {
  await expectSurveyContract(bench.mustEngine(), bench.instance, IMAGE);
});

test("what is mounted is what the path meant at the start of this run, whoever is asked", async () => {
  const end = async ({ id }: Handle): Promise<void> => {
    await docker.getContainer(id).kill({ signal: "KILL" });
    await docker.getContainer(id).wait();
  };
  await expectIdentifyContract({ engine: bench.mustEngine(), instance: bench.instance, image: IMAGE, end });
});

test("a probe runs beside the sandboxes, unseen by listings, and is gone afterwards", async () => {
  await expectProbeContract(bench.mustEngine(), bench.instance, IMAGE);
});

test("a probe whose controller was killed goes when its own time is over", async () => {
  const look = Promise.withResolvers<void>();
  const probing = bench.mustEngine().probe({ spec: specOf(IMAGE), script: "true" }, async () => await look.promise);
  const raw = await eventually(
    async () => {
      const [found] = await bench.mustEngine().objects("probe");
      // The engine lists a container for a moment before it can be inspected.
      return found === undefined
        ? null
        : await docker
            .getContainer(found.ref)
            .inspect()
            .catch(() => null);
    },
    (seen) => seen?.State.Running === true,
  );
  expect(raw?.Config.Cmd).toEqual(["true\nexec sleep 60"]);
  await docker.getContainer(raw?.Id ?? "").kill({ signal: "TERM" });
  await eventually(
    async () => await bench.mustEngine().objects("probe"),
    (left) => left.length === 0,
  );
  look.resolve();
  await probing;
});
