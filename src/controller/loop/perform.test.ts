// One action at a time against a model of an engine and a ledger on disk: what must be true right before, at and after the engine's call.
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ContainerId, toContainerId, toSandboxUid } from "../../api/brands.ts";
import { NO_SANDBOX_FOLDERS, type SandboxFolders } from "../../api/config/sandbox-folders.ts";
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { VirtualClock } from "../../api/virtual-clock.fixture.ts";
import { desiredOf, INSTANCE, inputOf } from "../decide/decide.fixture.ts";
import type { Evidence, PlanInput } from "../decide/types.ts";
import type { Act, Handle, Identity } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";
import { IMAGE } from "../fixtures/model.fixture.ts";
import { lookUpRealPath } from "../folders/host-folders.ts";
import { Ledger } from "../records/ledger.ts";
import { MountCheck } from "./mount-check.ts";
import { Performer, StillInUse } from "./perform.ts";
import { SetupRunner } from "./setup-runner.ts";
import { Uses } from "./uses.ts";

/** Tells a test that the engine was asked, before it does anything. */
class WatchedEngine extends FakeEngine {
  asked: (call: "create" | Act["kind"]) => void | Promise<void> = () => undefined;
  use: "yes" | "no" | "unknown" = "no";

  override async create(identity: Identity, spec: Parameters<FakeEngine["create"]>[1]): Promise<Handle> {
    await this.asked("create");
    return await super.create(identity, spec);
  }

  override async act(handle: Handle, identity: Pick<Identity, "name">, act: Act): Promise<void> {
    await this.asked(act.kind);
    await super.act(handle, identity, act);
  }

  override async inUse(): Promise<"yes" | "no" | "unknown"> {
    return this.use;
  }
}

const desired = desiredOf();
const evidence: Evidence = { kind: "replaced", by: "c2" };
const create = { kind: "create", hash: "" as never, cause: "wanted", because: "a test" } as const;
const retire = (handle: Handle, guard: "unless-used" | "always" = "unless-used") =>
  ({ kind: "retire", handle, evidence, guard, cause: "drift", because: "docker.env.A changed" }) as const;

async function createPerformer() {
  const folder = join(await createFolder(), "ledger");
  const clock = new VirtualClock();
  const world = new FakeWorld(clock);
  world.tag(IMAGE, `sha256:${"a".repeat(64)}`);
  const engine = new WatchedEngine(world, INSTANCE);
  const ledger = await Ledger.open(folder, clock.now());
  const uses = new Uses();
  /** `foldersAsked`: at the beginning of each making of folders. */
  const hooks = { foldersAsked: (): SandboxFolders => NO_SANDBOX_FOLDERS, lookUp: lookUpRealPath };
  const removed: { id: ContainerId; isSealed: boolean }[] = [];
  const performer = new Performer({
    now: () => clock.now(),
    newUid: randomUUID,
    folders: { stateDir: "/state", home: "/home/user" },
    sandboxFolders: () => hooks.foldersAsked(),
    lookUp: (path) => hooks.lookUp(path),
    controller: { uid: 0, gid: 0 },
    engine,
    ledger,
    mounts: new MountCheck({
      now: () => clock.now(),
      newUid: randomUUID,
      engine,
      folders: { stateDir: "/state", home: "/home/user" },
      calibrationFolder: join(folder, "calibration"),
      sandboxFolders: () => NO_SANDBOX_FOLDERS,
      users: () => [],
      refused: () => undefined,
    }),
    setups: new SetupRunner({ engine, clock, newMarker: randomUUID, observer: { output: () => undefined, ended: () => undefined } }),
    uses,
    relays: { attach: async () => undefined, remove: async () => undefined },
    removed: (id) => removed.push({ id, isSealed: uses.stopOf(id) !== null }),
  });
  /** What the next process would find. */
  const onDisk = async () => (await Ledger.open(folder, clock.now())).entries();
  const make = async (input: PlanInput = inputOf(desired, [])): Promise<Handle> => {
    const handle = await performer.perform(create, input);
    if (handle === null) throw new Error("nothing was made");
    return handle;
  };
  const remove = (handle: Handle, guard?: "unless-used" | "always") => performer.perform(retire(handle, guard), inputOf(desired, []));
  return { folder, clock, world, engine, ledger, uses, removed, performer, hooks, onDisk, make, remove };
}

test("the ledger on disk knows of a container before the engine is asked to make it, and its id once it is made", async () => {
  const { engine, onDisk, make } = await createPerformer();
  let before: unknown[] = [];
  engine.asked = async () => {
    before = [...(await onDisk())];
  };
  const handle = await make();
  expect(before).toMatchObject([{ uid: handle.uid, name: desired.name, containerId: null, workspace: desired.workspace.dir }]);
  expect(await onDisk()).toMatchObject([{ uid: handle.uid, containerId: handle.id }]);
});

test("nothing is made when the ledger can't be written", async () => {
  const { world, ledger, make } = await createPerformer();
  ledger.record = async () => await Promise.reject(new OperationError("HostRejected", "no space left on the device"));
  await expect(make()).rejects.toThrow("no space left");
  expect(world.calls).toEqual([]);
});

const REFUSALS: readonly ErrorCode[] = ["SpecRejected", "ImageMissing", "EngineConflict"];
const LOST: readonly ErrorCode[] = ["EngineTimeout", "EngineUnreachable", "EngineFailed"];

test.each(REFUSALS)("a creation that the engine refused (%s) leaves no entry", async (code) => {
  const { world, onDisk, make } = await createPerformer();
  world.failCall("create", 1, new OperationError(code, "no"));
  await expect(make()).rejects.toThrow("no");
  expect(await onDisk()).toEqual([]);
});

test.each(LOST)("a creation whose answer is lost (%s) leaves its entry: the container may be there", async (code) => {
  const { world, onDisk, make } = await createPerformer();
  world.failCall("create", 1, new OperationError(code, "lost"), "after");
  await expect(make()).rejects.toThrow("lost");
  expect(world.containers.size).toBe(1);
  expect(await onDisk()).toMatchObject([{ name: desired.name, containerId: null }]);
});

test("mounts are judged once more right before a container is made, and nothing is made or written down where they are refused", async () => {
  const { world, ledger, make } = await createPerformer();
  const docker = { ...desired.settings.docker, binds: [{ source: "/etc", target: "/data", readOnly: true }] };
  const refused = { ...desired, settings: { ...desired.settings, docker } };
  await expect(make(inputOf(refused, []))).rejects.toThrow(/docker.binds: \/etc: .* belongs to the host/);
  expect([world.calls, ledger.entries()]).toEqual([[], []]);
});

test("a container's entry goes after the container, and stays when the engine did not remove it", async () => {
  const { engine, world, onDisk, make, remove } = await createPerformer();
  const handle = await make();
  world.failCall("retire", 1, new OperationError("EngineFailed", "device or resource busy"));
  await expect(remove(handle)).rejects.toThrow("busy");
  expect(await onDisk()).toHaveLength(1);
  let atRemoval = 0;
  engine.asked = async () => {
    atRemoval = (await onDisk()).length;
  };
  await remove(handle);
  expect([atRemoval, world.containers.size, await onDisk()]).toEqual([1, 0, []]);
});

test("no use begins from the moment at which use is asked for until the container is gone", async () => {
  const { engine, uses, make, remove } = await createPerformer();
  const handle = await make();
  const begin = (): string => {
    try {
      uses.hold(handle.id)[Symbol.dispose]();
      return "a use began";
    } catch (error) {
      return error instanceof OperationError ? error.code : "another error";
    }
  };
  const tried: string[] = [];
  engine.inUse = async () => {
    tried.push(begin());
    return "no";
  };
  engine.asked = () => void tried.push(begin());
  await remove(handle);
  expect(tried).toEqual(["StaleHandle", "StaleHandle"]);
});

test("a stop that fails or is given up lets uses begin again", async () => {
  const { engine, uses, world, make, remove } = await createPerformer();
  const handle = await make();
  world.failCall("retire", 1, new OperationError("EngineFailed", "busy"));
  await expect(remove(handle)).rejects.toThrow("busy");
  uses.hold(handle.id)[Symbol.dispose]();
  engine.use = "yes";
  await expect(remove(handle)).rejects.toThrow(StillInUse);
  uses.hold(handle.id)[Symbol.dispose]();
});

test("a container is not stopped while it is in use, nor while the engine can't tell", async () => {
  const { engine, world, make, remove } = await createPerformer();
  const handle = await make();
  for (const use of ["yes", "unknown"] as const) {
    engine.use = use;
    await expect(remove(handle)).rejects.toThrow(StillInUse);
  }
  expect(world.containers.size).toBe(1);
  engine.use = "no";
  await remove(handle);
  expect(world.containers.size).toBe(0);
});

test("a use through the product's own servers keeps a container, also where the engine knows of none", async () => {
  const { uses, world, make, remove } = await createPerformer();
  const handle = await make();
  const hold = uses.hold(handle.id);
  await expect(remove(handle)).rejects.toThrow(StillInUse);
  expect([world.containers.size, hold.revoked.aborted]).toEqual([1, false]);
  hold[Symbol.dispose]();
  await remove(handle);
  expect(world.containers.size).toBe(0);
});

test("work that goes with its container is told before the container is removed", async () => {
  const { engine, uses, make, remove } = await createPerformer();
  const handle = await make();
  const hold = uses.hold(handle.id);
  let told = false;
  engine.asked = () => {
    told = hold.revoked.aborted;
  };
  await remove(handle, "always");
  expect(told).toBe(true);
  expect(String(hold.revoked.reason)).toContain("docker.env.A changed");
});

test("a handle of another container removes nothing", async () => {
  const { world, onDisk, make, remove } = await createPerformer();
  const handle = await make();
  await remove({ ...handle, id: toContainerId("f".repeat(64)), uid: toSandboxUid(randomUUID()) });
  await expect(remove({ ...handle, uid: toSandboxUid(randomUUID()) })).rejects.toThrow("nothing was removed");
  expect([world.containers.size, (await onDisk()).length]).toEqual([1, 1]);
});

test("a removal is reported while nobody can be let in: whoever waits for its end is not let into what is gone", async () => {
  const { removed, make, remove } = await createPerformer();
  const handle = await make();
  await remove(handle);
  expect(removed).toEqual([{ id: handle.id, isSealed: true }]);
});

test("sandboxes of one agent have their folders made one after the other: a folder that two sandboxes share is never seen while it is half made", async () => {
  const { folder, performer, hooks } = await createPerformer();
  const shared = join(folder, "of-the-agent");
  const prepare = (session: string) => {
    const dir = join(folder, "sandboxes", session);
    const action = { kind: "prepare-workspace", dir, cause: "wanted", because: "its workspace folder does not exist yet" } as const;
    const settings = { ...desired.settings, workspaceAccess: "ro" as const, agentWorkspace: shared };
    return performer.perform(action, inputOf({ ...desired, settings, workspace: { dir, purpose: "scope" }, agentDir: shared }, []));
  };
  const wasThere: boolean[] = [];
  hooks.foldersAsked = () => {
    wasThere.push(existsSync(shared));
    return NO_SANDBOX_FOLDERS;
  };
  await Promise.all(["first", "second", "third"].map(prepare));
  expect(wasThere).toEqual([false, true, true]);
});

const prepareOwn = (performer: Performer, dir: string) =>
  performer.perform(
    { kind: "prepare-workspace", dir, cause: "wanted", because: "its workspace folder does not exist yet" },
    inputOf({ ...desired, workspace: { dir, purpose: "scope" }, agentDir: null }, []),
  );

test("a workspace that one sandbox has for itself waits for no other's: one on a disk that does not answer holds nobody up", async () => {
  const { folder, performer, hooks } = await createPerformer();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  hooks.lookUp = async (path) => {
    if (path.includes("slow")) await answered;
    return await lookUpRealPath(path);
  };
  const slow = prepareOwn(performer, join(folder, "slow", "first"));
  await prepareOwn(performer, join(folder, "sandboxes", "second"));
  expect(["slow/first", "sandboxes/second"].map((dir) => existsSync(join(folder, dir)))).toEqual([false, true]);
  answer();
  await slow;
  expect(existsSync(join(folder, "slow", "first"))).toBe(true);
});

test("making a workspace looks at none that agents only read, however many there are", async () => {
  const { folder, performer, hooks } = await createPerformer();
  const looked: string[] = [];
  hooks.lookUp = async (path) => {
    looked.push(path);
    return await lookUpRealPath(path);
  };
  const workspaces = Array.from({ length: 50 }, (_, index) => ({ path: join(folder, `agent-${index}`), name: `agent ${index}` }));
  hooks.foldersAsked = () => ({ ...NO_SANDBOX_FOLDERS, workspaces });
  await prepareOwn(performer, join(folder, "sandboxes", "own"));
  expect(looked.length).toBeGreaterThan(0);
  expect(looked.filter((path) => workspaces.some((one) => one.path === path))).toEqual([]);
});
