// The egress proxy of an instance, as plans: made, told, healed, replaced, gone.
import { describe, expect, test } from "vitest";
import { HOUR_MS, MINUTE_MS, toContainerId, toEpochMs, toImageId, toSandboxName, toSandboxUid } from "../../api/brands.ts";
import { ago, NOW } from "./decide.fixture.ts";
import { EGRESS_VERSION, type EgressContainer } from "./egress-facts.ts";
import { type ProxyInput, planProxy, runOf } from "./proxy.ts";

const NAME = toSandboxName("openclaw-egress-0123456789ab");
const IMAGE = toImageId(`sha256:${"e".repeat(64)}`);

const proxyOf = (edit: Partial<EgressContainer> = {}): EgressContainer => ({
  handle: { id: toContainerId("p1"), uid: toSandboxUid("uid-p1"), incarnation: "1" },
  role: "proxy",
  name: NAME,
  actualName: NAME,
  state: "running",
  createdAt: ago(60 * MINUTE_MS),
  startedAt: ago(60 * MINUTE_MS),
  exitCode: null,
  imageId: IMAGE,
  version: EGRESS_VERSION,
  userId: 0,
  of: null,
  networks: [NAME],
  changes: [],
  ...edit,
});

function inputOf(proxies: readonly EgressContainer[], edit: Partial<ProxyInput> = {}): ProxyInput {
  const [first] = proxies;
  return {
    now: NOW,
    wanted: true,
    image: { kind: "found", id: IMAGE, user: "", env: {} },
    proxies,
    hasVolume: true,
    hasNetwork: true,
    network: NAME,
    digest: "d1",
    acknowledged: first === undefined ? null : { digest: "d1", run: runOf(first) },
    silentSince: NOW,
    tunnels: 0,
    outdatedSince: null,
    failure: null,
    ...edit,
  };
}

const stepsOf = (input: ProxyInput): string[] => planProxy(input).actions.map(({ kind, cause }) => `${kind} (${cause})`);

describe("the proxy", () => {
  test("is made with its volume and its network first, and told the lists once it runs", () => {
    const first = inputOf([], { hasVolume: false, hasNetwork: false });
    expect(stepsOf(first)).toEqual(["create-volume (wanted)", "create-network (wanted)", "create-proxy (wanted)", "start-proxy (wanted)"]);
    expect(stepsOf(inputOf([proxyOf()], { acknowledged: null }))).toEqual(["apply-policy (wanted)"]);
    expect(planProxy(inputOf([proxyOf()]))).toMatchObject({ actions: [], verdict: { kind: "in-force" } });
  });

  test("is told other lists without a new container", () => {
    expect(stepsOf(inputOf([proxyOf()], { digest: "d2" }))).toEqual(["apply-policy (drift)"]);
  });

  test("is told anew after a restart: it kept nothing", () => {
    const restarted = proxyOf({ handle: { ...proxyOf().handle, incarnation: "2" } });
    expect(stepsOf(inputOf([restarted], { acknowledged: { digest: "d1", run: runOf(proxyOf()) } }))).toEqual(["apply-policy (wanted)"]);
  });

  test.each([
    ["exited", { state: "exited", exitCode: 137 }, "crash"],
    ["was never started", { state: "created" }, "orphan"],
    ["is in another network too", { networks: ["bridge", NAME] }, "external"],
    ["is in none", { networks: [] }, "external"],
    ["was changed by hand", { changes: ["Memory is unset, not 536870912"] }, "external"],
  ] as const)("that %s is made anew", (_, edit, cause) => {
    expect(stepsOf(inputOf([proxyOf(edit)]))).toEqual([`retire-proxy (${cause})`, `create-proxy (${cause})`, `start-proxy (${cause})`]);
  });

  test("that is frozen is made anew after ten seconds of silence, and not before", () => {
    expect(stepsOf(inputOf([proxyOf()], { silentSince: ago(9_000) }))).toEqual([]);
    expect(stepsOf(inputOf([proxyOf()], { silentSince: ago(10_000) }))[0]).toBe("retire-proxy (crash)");
  });

  test("that was paused goes on", () => {
    const paused = inputOf([proxyOf({ state: "paused" })]);
    expect(stepsOf(paused)).toEqual(["unpause-proxy (external)"]);
    expect(planProxy(paused).verdict).toEqual({ kind: "progressing", message: "the proxy was paused", isRepair: true });
  });

  test("of another image waits until no connection is open, an hour at most", () => {
    const old = [proxyOf({ imageId: toImageId("sha256:old") })];
    expect(planProxy(inputOf(old, { tunnels: 3, outdatedSince: ago(MINUTE_MS) }))).toMatchObject({ actions: [], isOutdated: true });
    expect(stepsOf(inputOf(old, { tunnels: null }))).toEqual([]);
    expect(stepsOf(inputOf(old, { tunnels: 0 }))).toEqual(["retire-proxy (image)", "create-proxy (image)", "start-proxy (image)"]);
    expect(stepsOf(inputOf(old, { tunnels: 3, outdatedSince: ago(HOUR_MS) }))).toHaveLength(3);
  });

  test("that runs goes on where its image is missing", () => {
    expect(stepsOf(inputOf([proxyOf()], { image: { kind: "missing" } }))).toEqual([]);
    expect(planProxy(inputOf([], { image: { kind: "missing" } }))).toMatchObject({ actions: [], verdict: { kind: "unavailable" } });
  });

  test("is not tried again before the back-off of what failed is over", () => {
    const retryAt = toEpochMs(NOW + 5_000);
    const failure = { code: "EngineFailed", message: "no space left", count: 1, lastAt: NOW, retryAt, generation: 0 } as const;
    expect(planProxy(inputOf([], { failure }))).toMatchObject({ actions: [], requeueAt: retryAt, verdict: { message: "no space left" } });
    expect(stepsOf(inputOf([proxyOf({ state: "exited" })], { failure }))).toEqual(["retire-proxy (crash)"]);
  });

  test("is one: of two the one that runs stays", () => {
    const other = proxyOf({ handle: { ...proxyOf().handle, id: toContainerId("p2") }, state: "exited", createdAt: NOW });
    const { actions } = planProxy(inputOf([other, proxyOf()], { acknowledged: { digest: "d1", run: runOf(proxyOf()) } }));
    expect(actions).toMatchObject([{ kind: "retire-proxy", handle: { id: "p2" } }]);
  });

  test("goes with the last list", () => {
    expect(stepsOf(inputOf([proxyOf()], { wanted: false }))).toEqual(["retire-proxy (released)"]);
    expect(planProxy(inputOf([], { wanted: false }))).toMatchObject({ actions: [], verdict: { kind: "gone" } });
  });
});
