// A place on this machine's engine for tests: containers of an instance of their own, removed at the end whatever happened.
// Not used by the product.
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { afterAll, afterEach, beforeAll } from "vitest";
import { toInstanceId } from "../../api/brands.ts";
import { LABEL } from "../../api/labels.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";
import { connectDocker } from "./connect.ts";
import { identityOf, specOf } from "./contract.fixture.ts";
import type { DockerEngine } from "./docker.ts";
import { toWaiterText } from "./docker-prestart.ts";
import type { ExecRequest, ExecStream, Handle } from "./engine.ts";
import type { EngineOperation, PrestartResult } from "./operations.ts";

export const IMAGE = "debian:bookworm-slim";
export const MIB = 1024 * 1024;
/** The engine as people use it, past the controller. */
export const docker = new Docker();

export const shell = (script: string): string[] => ["sh", "-c", script];

/** In how many milliseconds one waits that waits at all. */
const CLAIM_MS_MAX = 3_000;

/** The same engine, whose commands are handed to execs that wait, wherever one can be had. */
function toPrestarted(engine: DockerEngine): DockerEngine {
  const exec = async (handle: Handle, request: ExecRequest): Promise<ExecStream> => {
    if (request.mark !== undefined || toWaiterText(request) === null) return await engine.exec(handle, request);
    const endMs = performance.now() + CLAIM_MS_MAX;
    let mark = engine.claim(handle, request);
    if (mark === null) {
      const before = await engine.exec(handle, { argv: ["true"], stdin: false, mark: crypto.randomUUID().replaceAll("-", "") });
      before.stdout.resume();
      before.stderr.resume();
      await before.exit;
    }
    while (mark === null && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      mark = engine.claim(handle, request);
    }
    return await engine.exec(handle, mark === null ? request : { ...request, mark });
  };
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === "exec") return exec;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** @param how commands are begun: by the engine, or handed to an exec that waits */
export function openDocker(how: "anew" | "prestarted" = "anew") {
  const instance = toInstanceId(`engine-${crypto.randomUUID().slice(0, 8)}`);
  const cleanups: (() => unknown)[] = [];
  const folders: string[] = [];
  /** How each command of a tool was begun, so far. */
  const begun: PrestartResult[] = [];
  /** Operations that were asked of the engine, so far. */
  const asked: EngineOperation[] = [];
  const commandBegun = (result: PrestartResult): void => void begun.push(result);
  const observer = (operation: EngineOperation): void => void asked.push(operation);
  const connect = async (environment: NodeJS.ProcessEnv): Promise<DockerEngine> =>
    await connectDocker({ instance, environment, home: homedir(), observer, commandBegun });
  let connected: DockerEngine | null = null;
  const mustEngine = (): DockerEngine => {
    if (connected === null) throw new Error("not connected yet");
    return how === "anew" ? connected : toPrestarted(connected);
  };

  beforeAll(async () => {
    connected = await connect(process.env);
  });
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  afterAll(async () => {
    await Promise.all((await listOurs()).map(async ({ Id }) => await docker.getContainer(Id).remove({ force: true, v: true })));
    await Promise.all(folders.map(async (folder) => await rm(folder, { recursive: true, force: true })));
  });

  const listOurs = async (): Promise<Docker.ContainerInfo[]> =>
    await docker.listContainers({ all: true, filters: { label: [`${LABEL.instance}=${instance}`] } });

  const makeFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "openclaw-engine-"));
    folders.push(folder);
    return folder;
  };

  const create = async (edit: Partial<ContainerSpec> = {}) => {
    const identity = identityOf(instance);
    const handle = await mustEngine().create(identity, specOf(IMAGE, edit));
    cleanups.push(async () => await mustEngine().act(handle, identity, { kind: "retire" }));
    return { identity, handle };
  };

  const launch = async (edit: Partial<ContainerSpec> = {}) => {
    const { identity, handle: created } = await create(edit);
    await mustEngine().act(created, identity, { kind: "start" });
    const [observation] = await mustEngine().observe(identity.name);
    if (observation === undefined) throw new Error("not observed");
    return { identity, observation, handle: observation.handle, raw: await docker.getContainer(created.id).inspect() };
  };

  return { instance, begun, asked, connect, mustEngine, listOurs, makeFolder, create, launch, cleanups };
}
