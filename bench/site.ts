// A controller in this process over the real engine, in a temporary state folder, and the raw engine beside it. Everything that it makes
// carries an instance of its own and is gone at the end.
import { randomBytes, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { pino } from "pino";
import { toInstanceId } from "../src/api/brands.ts";
import type { Sandbox } from "../src/api/sandbox.ts";
import { createSystemClock } from "../src/controller/clock.ts";
import { Controller } from "../src/controller/controller.ts";
import { connectDocker } from "../src/controller/engine/connect.ts";
import type { Engine } from "../src/controller/engine/engine.ts";
import { ControllerMetrics } from "../src/controller/metrics.ts";

export const IMAGE = "openclaw-sandbox:bookworm-slim";
/** As many passes at the same time as the product makes on two cores. */
const CONCURRENCY = 6;

export interface Site {
  stateDir: string;
  instance: string;
  controller: Controller;
  writeConfig(config: object): Promise<void>;
  writeFile(path: string, content: string): Promise<void>;
  /** Resolves with the sandbox, as soon as a status of it satisfies. */
  until(holds: (sandbox: Sandbox) => boolean): Promise<Sandbox>;
  close(): Promise<void>;
}

export const docker = new Docker();

export const isConverged = ({ status }: Sandbox): boolean =>
  status.container !== null && status.conditions.every((condition) => condition.status === "True");

/** @param given a model of the engine instead of the real one */
export async function openSite(config: object, given?: (instance: string) => Engine): Promise<Site> {
  const stateDir = await mkdtemp(join(tmpdir(), "openclaw-bench-"));
  const instance = `bench-${randomBytes(4).toString("hex")}`;
  const metrics = new ControllerMetrics({ version: "bench", revision: "bench", processMetrics: false });
  const observer = metrics.engineRequest.bind(metrics);
  const engine =
    given?.(instance) ?? (await connectDocker({ instance: toInstanceId(instance), environment: process.env, home: homedir(), observer }));
  const folders = { stateDir, home: homedir() };
  const writeAtomically = async (path: string, content: string): Promise<void> => {
    await writeFile(`${path}.tmp`, content, { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  };
  const configPath = join(stateDir, "openclaw.json");
  await writeAtomically(configPath, JSON.stringify(config));
  await mkdir(join(stateDir, "agents", "main", "sessions"), { recursive: true });
  const controller = await Controller.open({
    instance: toInstanceId(instance),
    folders,
    configPath,
    environment: { ...folders, variables: {}, trustedOwners: null },
    engine,
    clock: createSystemClock(),
    random: Math.random,
    newUid: randomUUID,
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    concurrency: CONCURRENCY,
    log: pino({ level: "silent" }),
    metrics,
  });
  return {
    stateDir,
    instance,
    controller,
    writeConfig: (next) => writeAtomically(configPath, JSON.stringify(next)),
    writeFile: writeAtomically,
    until: (holds) =>
      new Promise((resolve) => {
        const look = (): boolean => {
          const found = controller.statuses.list().find(holds);
          if (found !== undefined) resolve(found);
          return found !== undefined;
        };
        if (look()) return;
        const end = controller.statuses.subscribe(() => {
          if (look()) end();
        });
      }),
    close: async () => {
      await controller.stop();
      if (given === undefined) await removeContainers(instance);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export async function removeContainers(instance: string): Promise<void> {
  const left = await docker.listContainers({ all: true, filters: { label: [`openclaw.instance=${instance}`] } });
  for (const { Id } of left) await docker.getContainer(Id).remove({ force: true });
}

/** What the engine itself takes for a container like a sandbox's: milliseconds of create plus start, and of a forced removal. */
export async function rawCycle(label = "bench-raw"): Promise<{ made: number; removed: number }> {
  const startedAt = performance.now();
  const container = await rawCreate(label);
  const runsAt = performance.now();
  await container.remove({ force: true });
  return { made: runsAt - startedAt, removed: performance.now() - runsAt };
}

export async function rawCreate(label: string): Promise<Docker.Container> {
  const container = await docker.createContainer({
    Image: IMAGE,
    Cmd: ["/bin/sh", "-c", "exec sleep infinity"],
    User: "1000:1000",
    Labels: { "openclaw.instance": label },
    HostConfig: {
      NetworkMode: "none",
      Init: true,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      PidsLimit: 512,
      Tmpfs: { "/tmp": "size=256m,mode=1777" },
    },
  });
  await container.start();
  return container;
}
