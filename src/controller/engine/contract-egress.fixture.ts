// What every implementation of the egress part of the engine port has in common: one suite, run on the model and on a real engine, so that the faults
// that the loop is tried with are those of an engine. That bytes pass, and no others, is scenarios/egress.engine.test.ts's.
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest";
import { toInstanceId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import type { EgressPolicy } from "../../api/egress/policy.ts";
import { LABEL } from "../../api/labels.ts";
import { EGRESS_VERSION } from "../decide/egress-facts.ts";
import { type Bench, codeOf, eventually, identityOf, run, specOf } from "./contract.fixture.ts";
import { type Differences, testsOf } from "./contract-tests.fixture.ts";
import type { EgressContainer, EgressRequest } from "./egress-engine.ts";
import type { Engine, Handle, Hint, Identity } from "./engine.ts";

const CREATED_AT = 1_700_000_000_123 as EgressRequest["createdAt"];
const USER_ID = 1_610_612_736;

export function describeEgress(title: string, open: () => Promise<Bench>, differences: Differences = {}): void {
  const test = testsOf(differences);
  describe(title, () => {
    const instance = toInstanceId(`egress-${crypto.randomUUID().slice(0, 8)}`);
    const other = toInstanceId(`egress-${crypto.randomUUID().slice(0, 8)}`);
    let bench: Bench;
    let engine: Engine;
    let stranger: Engine;
    const cleanups: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      bench = await open();
      [engine, stranger] = [await bench.engineOf(instance), await bench.engineOf(other)];
    }, 300_000);
    afterEach(async () => {
      for (const { handle } of await engine.egress.containers()) await engine.egress.retire(handle);
      for (const cleanup of cleanups.splice(0)) await cleanup();
    });
    afterAll(async () => await bench.close([instance, other]));

    const seen = async (handle: Handle): Promise<EgressContainer | undefined> =>
      (await engine.egress.containers()).find(({ handle: { id } }) => id === handle.id);
    const mustSee = async (handle: Handle): Promise<EgressContainer> => {
      const found = await seen(handle);
      if (found === undefined) throw new Error("it is not there");
      return found;
    };
    const createProxy = async (): Promise<Handle> => {
      const uid = toSandboxUid(crypto.randomUUID());
      return await engine.egress.create({ role: "proxy", uid, createdAt: CREATED_AT, image: engine.egress.image });
    };
    const launchProxy = async (): Promise<Handle> => {
      await engine.egress.createVolume();
      await engine.egress.createNetwork();
      const created = await createProxy();
      await engine.egress.act(created, "start");
      return (await mustSee(created)).handle;
    };
    const launchSandbox = async (): Promise<{ identity: Identity; handle: Handle }> => {
      const identity = identityOf(instance);
      const created = await engine.create(identity, specOf(bench.image));
      cleanups.push(async () => await engine.act(created, identity, { kind: "retire" }));
      await engine.act(created, identity, { kind: "start" });
      const [observation] = await engine.observe(identity.name);
      if (observation === undefined) throw new Error("it is not there");
      return { identity, handle: observation.handle };
    };
    const createRelay = async ({ identity, handle }: { identity: Identity; handle: Handle }): Promise<Handle> => {
      const { name, scopeKey } = identity;
      const made = { uid: toSandboxUid(crypto.randomUUID()), createdAt: CREATED_AT, image: engine.egress.image, userId: USER_ID };
      return await engine.egress.create({ role: "relay", ...made, name, scopeKey, of: handle });
    };

    test("its volume and network are made, twice is once, and another instance has none of them", async () => {
      expect(await engine.egress.ground()).toEqual({ hasVolume: false, hasNetwork: false });
      for (let times = 0; times < 2; times += 1) {
        await engine.egress.createVolume();
        await engine.egress.createNetwork();
      }
      expect(await engine.egress.ground()).toEqual({ hasVolume: true, hasNetwork: true });
      expect(await stranger.egress.ground()).toEqual({ hasVolume: false, hasNetwork: false });
      for (const kind of ["volume", "network"] as const) {
        const [found, ...more] = await engine.objects(kind);
        expect([found?.name, found?.labels[LABEL.egress], more]).toEqual([engine.egress.name, "proxy", []]);
      }
    });

    test("a proxy is created, then started; both are seen, and starting again changes nothing", async () => {
      await engine.egress.createVolume();
      await engine.egress.createNetwork();
      const created = await createProxy();
      const image = await engine.resolveImage(engine.egress.image);
      const { name } = engine.egress;
      const facts = { role: "proxy", name, actualName: name, version: EGRESS_VERSION, userId: 0, of: null, createdAt: CREATED_AT };
      expect(await mustSee(created)).toMatchObject({ ...facts, handle: created, state: "created", startedAt: null });
      await engine.egress.act(created, "start");
      const running = await mustSee(created);
      expect(running).toMatchObject({ ...facts, state: "running", networks: [name] });
      expect(running.handle.incarnation).not.toBe("");
      expect(image.kind === "found" && image.id).toBe(running.imageId);
      await engine.egress.act(created, "start");
      expect((await mustSee(created)).handle).toEqual(running.handle);
      expect(await codeOf(createProxy())).toBe("EngineConflict");
    });

    test("a relay is in the network of one run of a sandbox, and can't be started in one that does not run", async () => {
      await engine.egress.createVolume();
      const sandbox = await launchSandbox();
      const relay = await createRelay(sandbox);
      await engine.egress.act(relay, "start");
      const { name, scopeKey } = sandbox.identity;
      const actualName = `${name}-egress-${relay.uid.slice(0, 8)}`;
      const { id, incarnation } = sandbox.handle;
      const facts = { role: "relay", name, actualName, state: "running", userId: USER_ID, of: { id, incarnation }, networks: [] };
      expect(await engine.egress.containers(name)).toEqual([expect.objectContaining(facts)]);
      expect(await engine.egress.relays()).toEqual([{ id: relay.id, uid: relay.uid, name, actualName, state: "running" }]);
      expect(await engine.egress.containers(toSandboxName("openclaw-sbx-other"))).toEqual([]);
      // A sandbox's own looks see the sandbox alone.
      expect((await engine.observe(name)).map(({ handle }) => handle.id)).toEqual([id]);
      expect((await engine.list()).map(({ scopeKey: key }) => key)).toEqual([scopeKey]);
      await bench.people.kill(sandbox.handle);
      await eventually(
        async () => (await engine.observe(name))[0]?.state,
        (state) => state === "exited",
      );
      const late = await createRelay(sandbox);
      expect(await codeOf(engine.egress.act(late, "start"))).toBe("EngineConflict");
    });

    test("what somebody changed by hand is seen: a limit, a name; what nobody touched is as it was made", async () => {
      const proxy = await launchProxy();
      const relay = await createRelay(await launchSandbox());
      await engine.egress.act(relay, "start");
      for (const { changes } of await engine.egress.containers()) expect(changes).toEqual([]);
      await bench.people.limit(relay, { pidsLimit: 64 });
      expect((await mustSee(relay)).changes).toEqual(["PidsLimit is 64, not 128"]);
      await bench.people.rename(proxy, `${engine.egress.name}-old`);
      expect((await mustSee(proxy)).changes).toEqual([`its name is ${engine.egress.name}-old, not ${engine.egress.name}`]);
    });

    test("without its image none is made", async () => {
      const made = { uid: toSandboxUid(crypto.randomUUID()), createdAt: CREATED_AT, image: "openclaw-egress:no-such-tag" };
      expect(await codeOf(engine.egress.create({ role: "proxy", ...made }))).toBe("ImageMissing");
    });

    test("what is paused is seen as paused and goes on; what was killed has its exit code, and a start is another run", async () => {
      const proxy = await launchProxy();
      await bench.people.pause(proxy);
      expect(await mustSee(proxy)).toMatchObject({ state: "paused", handle: proxy });
      await engine.egress.act(proxy, "unpause");
      await engine.egress.act(proxy, "unpause");
      expect(await mustSee(proxy)).toMatchObject({ state: "running", handle: proxy });
      await bench.people.kill(proxy);
      await eventually(
        () => mustSee(proxy),
        ({ state }) => state === "exited",
      );
      expect(await mustSee(proxy)).toMatchObject({ exitCode: 137 });
      await engine.egress.act(proxy, "start");
      expect((await mustSee(proxy)).handle.incarnation).not.toBe(proxy.incarnation);
    });

    test("retiring removes it from any state, again is success, and another one is never removed", async () => {
      const proxy = await launchProxy();
      expect(await codeOf(engine.egress.retire({ ...proxy, uid: toSandboxUid(crypto.randomUUID()) }))).toBe("StaleHandle");
      await stranger.egress.retire(proxy);
      expect(await mustSee(proxy)).toMatchObject({ state: "running" });
      await bench.people.pause(proxy);
      await engine.egress.retire(proxy);
      await engine.egress.retire(proxy);
      expect(await seen(proxy)).toBeUndefined();
      expect(await codeOf(engine.egress.act(proxy, "start"))).toBe("StaleHandle");
      expect(await codeOf(engine.egress.act(proxy, "unpause"))).toBe("StaleHandle");
    });

    test("nobody else's containers are listed, and hints name what changed", async () => {
      const hints: Hint[] = [];
      const end = new AbortController();
      const watching = engine.watch(
        (hint) => hints.push(hint),
        () => undefined,
        end.signal,
      );
      const named = async (name: string): Promise<unknown> =>
        await eventually(
          () => hints,
          (all) => all.some((hint) => hint.kind === "name" && hint.name === name),
        );
      await eventually(
        () => hints,
        (all) => all.some(({ kind }) => kind === "relist"),
      );
      await launchProxy();
      await named(engine.egress.name);
      const sandbox = await launchSandbox();
      hints.length = 0;
      const relay = await createRelay(sandbox);
      await engine.egress.act(relay, "start");
      await named(sandbox.identity.name);
      expect([await stranger.egress.containers(), await stranger.egress.relays()]).toEqual([[], []]);
      end.abort();
      await watching;
    });

    test("its program takes lists, no older ones, and has forgotten them after a restart", async () => {
      const proxy = await launchProxy();
      const say = async (handle: Handle, command: string, input: object | string = "") => {
        const text = typeof input === "string" ? input : JSON.stringify(input);
        return await run(engine, handle, ["openclaw-egress", command], { input: text, workdir: "/" });
      };
      const none = { generation: null, sandboxes: 0, tunnels: 0 };
      await eventually(
        async () => (await say(proxy, "status")).code,
        (code) => code === 0,
      );
      expect(JSON.parse((await say(proxy, "status")).stdout)).toEqual(none);
      const list: EgressPolicy["sandboxes"][number] = {
        id: "relay-1",
        uid: USER_ID,
        sandbox: "openclaw-sbx-a",
        rules: { allow: ["example.com"], deny: [] },
        limits: { connections: 48, bytesPerSecond: null },
      };
      const policy: EgressPolicy = { version: 1, generation: 7, refused: [], sandboxes: [list] };
      expect(await say(proxy, "apply", policy)).toMatchObject({ code: 0, stdout: '{"generation":7,"sandboxes":1,"tunnels":0}\n' });
      expect((await say(proxy, "apply", { ...policy, generation: 6 })).code).toBe(2);
      expect((await say(proxy, "apply", { ...policy, version: 2 })).code).toBe(2);
      expect(JSON.parse((await say(proxy, "status")).stdout)).toEqual({ ...none, generation: 7, sandboxes: 1 });
      await bench.people.kill(proxy);
      await eventually(
        () => mustSee(proxy),
        ({ state }) => state === "exited",
      );
      await engine.egress.act(proxy, "start");
      const { handle } = await mustSee(proxy);
      await eventually(
        async () => (await say(handle, "status")).code,
        (code) => code === 0,
      );
      expect(JSON.parse((await say(handle, "status")).stdout)).toEqual(none);
    });

    test("the host's own addresses are protected", async () => {
      const blocks = await engine.egress.protectedBlocks(engine.egress.image);
      expect(blocks).toContainEqual({ cidr: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+\/32$/), what: "the host" });
    });
  });
}
