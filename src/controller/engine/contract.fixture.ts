// What every implementation of the engine port has in common: one suite, run on the model and on a real engine, so that what is proven on
// the model holds on the engine. What only a real engine shows is in docker.engine.test.ts.
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { type InstanceId, toEpochMs, toInstanceId, toSandboxName, toSandboxUid, toScopeKey, toSpecHash } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { toPendingName, toSlug } from "../../api/names.ts";
import type { ContainerSpec, LiveSpec } from "../../api/sandbox.ts";
import { diffLive, diffRecreate } from "../decide/fields.ts";
import { UNTOUCHED } from "../decide/tuning.ts";
import { expectEndContract, expectUseContract } from "./contract-commands.fixture.ts";
import { type Differences, testsOf } from "./contract-tests.fixture.ts";
import { dial } from "./dial.ts";
import type { Engine, ExecRequest, Handle, Hint, Identity, Observation } from "./engine.ts";

/** What people do to containers behind the controller's back. */
export interface People {
  kill(handle: Handle): Promise<void>;
  pause(handle: Handle): Promise<void>;
  rename(handle: Handle, name: string): Promise<void>;
  limit(handle: Handle, live: Partial<LiveSpec>): Promise<void>;
  remove(handle: Handle): Promise<void>;
}

export interface Bench {
  /** Another controller on the same engine. */
  engineOf(instance: InstanceId): Promise<Engine>;
  people: People;
  /** An image that is there and has /bin/sh. */
  image: string;
  /** Removes whatever carries one of these instances. */
  close(instances: readonly InstanceId[]): Promise<void>;
}

const WAIT_MS_MAX = 45_000;

/** Waits for a condition; fails with the last value that it saw. */
export async function eventually<T>(look: () => Promise<T> | T, isRight: (seen: T) => boolean): Promise<T> {
  const end = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (performance.now() > end) throw new Error(`still not so after ${WAIT_MS_MAX} ms: ${JSON.stringify(seen)}`);
    await pause(10);
  }
}

export const UNLIMITED: LiveSpec = { cpus: null, memory: null, memorySwap: null, pidsLimit: 512 };

export function specOf(image: string, edit: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    image,
    workdir: "/workspace",
    readOnlyRoot: true,
    tmpfs: [
      { path: "/tmp", options: "size=16m,mode=1777" },
      { path: "/run", options: "size=16m,mode=1777" },
      { path: "/workspace", options: "size=16m,mode=1777" },
    ],
    network: "none",
    user: "1000:1000",
    capDrop: ["ALL"],
    env: { LANG: "C.UTF-8", HOME: "/workspace" },
    ulimits: [],
    gpus: null,
    shmSize: null,
    runtime: null,
    seccomp: null,
    apparmorProfile: null,
    dns: [],
    extraHosts: [],
    mounts: [],
    setupCommand: null,
    live: UNLIMITED,
    ...edit,
  };
}

let made = 0;

export function identityOf(instance: InstanceId, edit: Partial<Identity> = {}): Identity {
  made += 1;
  const scopeKey = toScopeKey(`agent:contract${made}`);
  return {
    instance,
    name: toSandboxName(`openclaw-sbx-${toSlug(instance, scopeKey)}`),
    uid: toSandboxUid(crypto.randomUUID()),
    kind: "tools",
    scopeKey,
    hash: toSpecHash("0123456789abcdef"),
    hashVersion: "1",
    generation: 3,
    createdAt: toEpochMs(1_700_000_000_123),
    hasSetup: false,
    ...edit,
  };
}

export const codeOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "OK",
    (error: unknown) => (error instanceof OperationError ? error.code : String(error)),
  );

/** Runs a command to its end. */
export async function run(engine: Engine, handle: Handle, argv: readonly string[], edit: Partial<ExecRequest> & { input?: string } = {}) {
  const { input, ...request } = edit;
  const stream = await engine.exec(handle, { argv, stdin: input !== undefined, ...request });
  stream.stdin?.end(input);
  const [stdout, stderr, code] = await Promise.all([text(stream.stdout), text(stream.stderr), stream.exit]);
  return { stdout, stderr, code };
}

export function describeEngine(title: string, open: () => Promise<Bench>, differences: Differences = {}): void {
  const test = testsOf(differences);
  describe(title, () => {
    const instance = toInstanceId(`contract-${crypto.randomUUID().slice(0, 8)}`);
    const other = toInstanceId(`contract-${crypto.randomUUID().slice(0, 8)}`);
    let bench: Bench;
    let engine: Engine;
    const cleanups: (() => Promise<void> | void)[] = [];

    beforeAll(async () => {
      bench = await open();
      engine = await bench.engineOf(instance);
    });
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });
    afterAll(async () => await bench.close([instance, other]));

    const create = async (edit: Partial<ContainerSpec> = {}, identity = identityOf(instance)) => {
      const handle = await engine.create(identity, specOf(bench.image, edit));
      cleanups.push(async () => await engine.act(handle, identity, { kind: "retire" }));
      return { identity, handle };
    };
    const observe = async (identity: Identity): Promise<Observation> => {
      const [observation, ...more] = await engine.observe(identity.name);
      if (observation === undefined || more.length > 0) throw new Error(`observed ${more.length + (observation ? 1 : 0)} containers`);
      return observation;
    };
    const launch = async (edit: Partial<ContainerSpec> = {}) => {
      const { identity, handle } = await create(edit);
      await engine.act(handle, identity, { kind: "start" });
      return { identity, handle: (await observe(identity)).handle };
    };

    test("an image that is there is found, one that is not is missing", async () => {
      const found = await engine.resolveImage(bench.image);
      expect(found.kind === "found" && found.id.length > 0).toBe(true);
      expect(await engine.resolveImage("openclaw-sandbox:no-such-tag")).toEqual({ kind: "missing" });
    });

    test("a created container has its pending name, its identity and its spec, and does not run", async () => {
      const { identity, handle } = await create();
      const seen = await observe(identity);
      expect(seen).toMatchObject({
        handle: { id: handle.id, uid: identity.uid, incarnation: "" },
        identity,
        actualName: toPendingName(identity.name),
        stage: "pending",
        state: "created",
        startedAt: null,
        restarted: false,
        exitCode: null,
        oomKilled: false,
        live: UNLIMITED,
        tuning: UNTOUCHED,
        execs: "none",
        settled: false,
      });
      expect(diffRecreate(specOf(bench.image), seen.created)).toEqual([]);
    });

    test("starting runs it, soon at rest; starting again changes nothing, promoting gives it its final name", async () => {
      const { identity, handle } = await create();
      expect((await observe(identity)).settled).toBe(false);
      await engine.act(handle, identity, { kind: "start" });
      const first = await eventually(
        () => observe(identity),
        ({ settled }) => settled,
      );
      expect(first).toMatchObject({ state: "running", stage: "pending", networks: ["none"], restarted: false });
      expect(first.handle.incarnation).not.toBe("");
      await engine.act(handle, identity, { kind: "start" });
      await engine.act(handle, identity, { kind: "promote" });
      await engine.act(handle, identity, { kind: "promote" });
      expect(await observe(identity)).toMatchObject({ handle: first.handle, stage: "current", actualName: identity.name, settled: true });
    });

    test("a name that is taken is a conflict, for creation and for promotion", async () => {
      const { identity, handle } = await create();
      const twin = identityOf(instance, { name: identity.name });
      expect(await codeOf(engine.create(twin, specOf(bench.image)))).toBe("EngineConflict");
      await engine.act(handle, identity, { kind: "promote" });
      const second = await create({}, twin);
      expect(await codeOf(engine.act(second.handle, twin, { kind: "promote" }))).toBe("EngineConflict");
      expect((await engine.observe(identity.name)).map(({ stage }) => stage).sort()).toEqual(["current", "pending"]);
    });

    test("what cannot be made says why: no image, no such runtime, no such network", async () => {
      expect(await codeOf(engine.create(identityOf(instance), specOf("openclaw-sandbox:no-such-tag")))).toBe("ImageMissing");
      expect(await codeOf(create({ runtime: "no-such-runtime" }))).toBe("SpecRejected");
      const { identity, handle } = await create({ network: "no-such-network" });
      expect(await codeOf(engine.act(handle, identity, { kind: "start" }))).toBe("SpecRejected");
    });

    test("limits change while it runs, and what was asked for reads back equal", async () => {
      const { identity, handle } = await launch();
      const live: LiveSpec = { cpus: 0.5, memory: 64 * 1024 * 1024, memorySwap: null, pidsLimit: 100 };
      await engine.act(handle, identity, { kind: "update", live });
      expect(diffLive(live, (await observe(identity)).live)).toEqual([]);
      const more: LiveSpec = { cpus: 1.5, memory: 128 * 1024 * 1024, memorySwap: 192 * 1024 * 1024, pidsLimit: 0 };
      await engine.act(handle, identity, { kind: "update", live: more });
      const seen = await observe(identity);
      expect(diffLive(more, seen.live)).toEqual([]);
      expect(seen.handle).toEqual(handle);
    });

    test("a paused container is seen as paused, refuses commands and a start, and runs on after unpausing", async () => {
      const { identity, handle } = await launch();
      await bench.people.pause(handle);
      expect(await observe(identity)).toMatchObject({ state: "paused", handle });
      expect(await codeOf(engine.exec(handle, { argv: ["true"], stdin: false }))).toBe("NotReady");
      await engine.act(handle, identity, { kind: "unpause" });
      await engine.act(handle, identity, { kind: "unpause" });
      expect(await observe(identity)).toMatchObject({ state: "running", handle });
    });

    test("what people change by hand is seen: name and limits", async () => {
      const { identity, handle } = await launch();
      await bench.people.rename(handle, `${identity.name}-by-hand`);
      await bench.people.limit(handle, { pidsLimit: 77 });
      expect(await observe(identity)).toMatchObject({ stage: "renamed", actualName: `${identity.name}-by-hand`, live: { pidsLimit: 77 } });
      await engine.act(handle, identity, { kind: "promote" });
      expect(await observe(identity)).toMatchObject({ stage: "current" });
    });

    test("networks are attached and detached, and doing it twice is doing it once", async () => {
      const { identity, handle } = await launch({ network: "bridge" });
      for (const kind of ["attach", "detach", "detach", "attach", "attach"] as const) {
        await engine.act(handle, identity, { kind, network: "bridge" });
        expect((await observe(identity)).networks).toEqual(kind === "attach" ? ["bridge"] : []);
      }
    });

    test("a container whose process was killed is exited, and a restart is another incarnation", async () => {
      const { identity, handle } = await launch();
      await bench.people.kill(handle);
      const dead = await eventually(
        () => observe(identity),
        ({ state }) => state === "exited",
      );
      expect(dead).toMatchObject({ exitCode: 137, restarted: true });
      expect(await codeOf(engine.exec(handle, { argv: ["true"], stdin: false }))).toBe("StaleHandle");
      await engine.act(handle, identity, { kind: "start" });
      const again = await observe(identity);
      expect(again).toMatchObject({ state: "running", restarted: true, exitCode: null });
      expect(again.handle.incarnation).not.toBe(handle.incarnation);
      expect(await codeOf(engine.exec(handle, { argv: ["true"], stdin: false }))).toBe("StaleHandle");
      expect((await run(engine, again.handle, ["true"])).code).toBe(0);
    });

    test("retiring removes it from any state, and again is success", async () => {
      const paused = await launch();
      await bench.people.pause(paused.handle);
      const created = await create();
      const exited = await launch();
      await bench.people.kill(exited.handle);
      for (const { handle, identity } of [paused, created, exited]) {
        await engine.act(handle, identity, { kind: "retire" });
        expect(await engine.observe(identity.name)).toEqual([]);
        await engine.act(handle, identity, { kind: "retire" });
      }
    });

    test("two who retire the same container both succeed", async () => {
      const { identity, handle } = await launch();
      const retire = async () => await engine.act(handle, identity, { kind: "retire" });
      await Promise.all([retire(), retire(), bench.people.remove(handle).catch(() => {})]);
      expect(await engine.observe(identity.name)).toEqual([]);
    });

    test("acting on a container that is gone says that the handle is stale", async () => {
      const { identity, handle } = await launch();
      await bench.people.remove(handle);
      for (const act of [{ kind: "start" }, { kind: "promote" }, { kind: "unpause" }, { kind: "update", live: UNLIMITED }] as const) {
        expect([act.kind, await codeOf(engine.act(handle, identity, act))]).toEqual([act.kind, "StaleHandle"]);
      }
      expect(await codeOf(engine.exec(handle, { argv: ["true"], stdin: false }))).toBe("StaleHandle");
      expect(await engine.inUse(handle)).toBe("no");
    });

    test("only the container that the handle means is ever removed", async () => {
      const { identity, handle } = await launch();
      const otherUid = { ...handle, uid: toSandboxUid(crypto.randomUUID()) };
      expect(await codeOf(engine.act(otherUid, identity, { kind: "retire" }))).toBe("StaleHandle");
      expect(await codeOf(engine.act(handle, { name: toSandboxName("openclaw-sbx-other") }, { kind: "retire" }))).toBe("StaleHandle");
      const stranger = await bench.engineOf(other);
      expect(await codeOf(stranger.act(handle, identity, { kind: "retire" }))).toBe("StaleHandle");
      expect(await observe(identity)).toMatchObject({ state: "running" });
    });

    test("containers of another instance are never listed or observed", async () => {
      const { identity, handle } = await create();
      const stranger = await bench.engineOf(other);
      expect(await stranger.list()).toEqual([]);
      expect(await stranger.observe(identity.name)).toEqual([]);
      expect(await stranger.objects("container")).toEqual([]);
      const listed = await engine.list();
      const { name, kind, scopeKey, createdAt } = identity;
      expect(listed).toEqual([{ id: handle.id, name, kind, scopeKey, createdAt, actualName: toPendingName(name), state: "created" }]);
      expect((await engine.objects("container")).map(({ ref }) => ref)).toEqual([handle.id]);
    });

    test("hints name what changed, after a first relist", async () => {
      const hints: Hint[] = [];
      const ups: boolean[] = [];
      const end = new AbortController();
      const watching = engine.watch(
        (hint) => hints.push(hint),
        (up) => ups.push(up),
        end.signal,
      );
      await eventually(
        () => hints,
        (seen) => seen.some(({ kind }) => kind === "relist"),
      );
      const { identity, handle } = await create();
      const named = async (work: () => Promise<unknown>): Promise<void> => {
        await pause(20);
        hints.length = 0;
        await work();
        await eventually(
          () => hints,
          (seen) => seen.some((hint) => hint.kind === "name" && hint.name === identity.name),
        );
      };
      await named(async () => await engine.act(handle, identity, { kind: "start" }));
      await named(async () => await engine.act(handle, identity, { kind: "promote" }));
      await named(async () => await bench.people.pause(handle));
      await named(async () => await engine.act(handle, identity, { kind: "unpause" }));
      await named(async () => await bench.people.limit(handle, { pidsLimit: 60 }));
      await named(async () => await bench.people.rename(handle, `${identity.name}-x`));
      await named(async () => await bench.people.kill(handle));
      await named(async () => await engine.act(handle, identity, { kind: "retire" }));
      end.abort();
      await watching;
      expect([ups[0], ups.at(-1)]).toEqual([true, false]);
    });

    test("a command's output, errors and exit code arrive", async () => {
      const { handle } = await launch();
      expect(await run(engine, handle, ["true"])).toEqual({ stdout: "", stderr: "", code: 0 });
      expect(await run(engine, handle, ["echo", "hello"])).toEqual({ stdout: "hello\n", stderr: "", code: 0 });
      const failing = ["sh", "-c", "echo out; echo err >&2; exit 7"];
      expect(await run(engine, handle, failing)).toEqual({ stdout: "out\n", stderr: "err\n", code: 7 });
      expect((await run(engine, handle, ["no-such-command"])).code).toBe(127);
    });

    test("a command reads its input to the end", async () => {
      const { handle } = await launch();
      expect(await run(engine, handle, ["cat"], { input: "one\ntwo" })).toEqual({ stdout: "one\ntwo", stderr: "", code: 0 });
    });

    test("a sandbox is in use while a command runs in it, and not for one that only looks, which hides no other", async () => {
      const { identity, handle } = await launch();
      await expectUseContract(engine, handle, async () => (await observe(identity)).execs);
    });

    test("a command whose container goes away ends with a stale handle", async () => {
      const { identity, handle } = await launch();
      const stream = await engine.exec(handle, { argv: ["sleep", "60"], stdin: false });
      stream.stdout.resume();
      stream.stderr.resume();
      await engine.act(handle, identity, { kind: "retire" });
      expect(await codeOf(stream.exit)).toBe("StaleHandle");
      await stream.signal("KILL");
    });

    test("commands are ended by their marks, also one that begins only then, and no other", async () => {
      await expectEndContract(engine, (await launch()).handle);
    });

    test("a port where nothing listens says so", async () => {
      const { handle } = await launch();
      expect(await codeOf(dial(engine, handle, { port: 9_222 }))).toBe("NotReady");
    });
  });
}
