// Plays a plan forward on a model of the engine in which every step succeeds: what the loop would do, all the way to convergence.
// For people (`sandbox plan`) and for the property tests; the loop itself never trusts a forecast, it looks again after each step.
import { type EpochMs, later, type SandboxName, SECOND_MS, toDurationMs, toImageId, toSandboxUid } from "../../api/brands.ts";
import { toPendingName } from "../../api/names.ts";
import type { FieldDrift } from "../../api/sandbox.ts";
import { EGRESS_VERSION, type EgressContainer, type EgressInput, type PolicyFact } from "./egress-facts.ts";
import { HASH_VERSION } from "./fields.ts";
import type { Handle, Observation } from "./observation.ts";
import { plan } from "./plan.ts";
import { judge, type Rollout } from "./rollout.ts";
import { UNTOUCHED } from "./tuning.ts";
import { type Action, NEW_HANDLE, type OwnedContainer, type Plan, type PlanInput, type ResolvedSpec } from "./types.ts";

/** Workspace, create, start, setup, its wait, swap of two containers, and as much again for leftovers. */
const ROUNDS_MAX = 16;

export interface Forecast {
  /** What differs before the first action. */
  drift: readonly FieldDrift[];
  actions: Action[];
  /** The plan after the last action: converged, or what it waits for. */
  rest: Plan;
}

export function forecast(input: PlanInput): Forecast {
  const actions: Action[] = [];
  const { drift } = plan(input);
  let state = input;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const next = plan(state);
    if (next.actions.length === 0 && next.verdict.kind !== "progressing") return { drift, actions, rest: next };
    actions.push(...next.actions);
    state = next.actions.length > 0 ? next.actions.reduce(applyAction, state) : passTime(state, next.requeueAt);
  }
  return { drift, actions, rest: plan(state) };
}

/**
 * The same for many that share rollouts: who may begin does, in this order with the idle ones first, and the others wait for them. What is
 * judged is put on the rollout's board.
 */
export function forecastAll(inputs: readonly PlanInput[], rollout: Rollout): ReadonlyMap<SandboxName, Forecast> {
  const isBusy = ({ containers }: PlanInput): boolean => containers.some(({ inUse }) => inUse !== "no");
  const inOrder = [...inputs.filter((input) => !isBusy(input)), ...inputs.filter(isBusy)];
  return new Map(
    inOrder.map((input) => {
      const { member } = judge(rollout, input);
      rollout.board.put(input.name, member);
      return [input.name, forecast(member === null ? input : { ...input, gate: member.gate })];
    }),
  );
}

/** What was waited for has happened: a setup ended, and what was started stays up. */
const passTime = (input: PlanInput, until: EpochMs | null): PlanInput => ({
  ...input,
  now: until ?? input.now,
  containers: input.containers.map((one) => ({
    ...one,
    setup: one.setup.kind === "running" ? { kind: "succeeded" } : one.setup,
    observation: { ...one.observation, settled: one.observation.state === "running" },
  })),
});

/** The world after one successful step. */
export function applyAction(input: PlanInput, action: Action): PlanInput {
  switch (action.kind) {
    case "prepare-workspace": {
      const user = input.spec?.kind === "ready" ? input.spec.container.user : "";
      const [uid = "1000", gid = uid] = user.split(":");
      return { ...input, workspace: { kind: "ready", uid: Number(uid) || 1000, gid: Number(gid) || 1000, mode: 0o700 } };
    }
    case "create":
      return { ...input, containers: [...input.containers, toCreated(input)] };
    case "retire":
      return { ...input, containers: input.containers.filter(({ observation }) => observation.handle.id !== action.handle.id) };
    case "start":
      return change(input, action.handle, (one) => ({
        ...one,
        setup: { kind: "fresh" },
        mounts: one.mounts.kind === "own" ? one.mounts : { kind: "not-compared" },
        observation: {
          ...one.observation,
          state: "running",
          startedAt: input.now,
          restarted: one.observation.restarted || one.observation.startedAt !== null,
          exitCode: null,
        },
      }));
    case "setup":
      return change(input, action.handle, (one) => ({ ...one, setup: { kind: "running", deadline: later(input.now, SECOND_MS) } }));
    case "compare-mounts":
      return change(input, action.handle, (one) => ({ ...one, mounts: { kind: "compared" } }));
    case "promote":
      return observe(input, action.handle, (observation) => ({ ...observation, stage: "current", actualName: observation.identity.name }));
    case "update":
      return observe(input, action.handle, (observation) => ({
        ...observation,
        live: action.live,
        tuning: { ...observation.tuning, restartPolicy: UNTOUCHED.restartPolicy },
      }));
    case "unpause":
      return observe(input, action.handle, (observation) => ({ ...observation, state: "running" }));
    case "attach":
      return observe(input, action.handle, (observation) => ({
        ...observation,
        networks: [...observation.networks, action.network].sort(),
      }));
    case "attach-relay":
      return attachRelay(input, action.handle);
    case "remove-relay":
      return withRelays(
        input,
        input.egress.relays.filter(({ handle }) => handle.id !== action.relay.id),
      );
    case "detach":
      return observe(input, action.handle, (observation) => ({
        ...observation,
        networks: observation.networks.filter((network) => network !== action.network),
      }));
  }
}

const withRelays = (input: PlanInput, relays: EgressInput["relays"]): PlanInput => ({ ...input, egress: { ...input.egress, relays } });

/** The proxy has its list a moment later. */
function attachRelay(input: PlanInput, { id, incarnation }: Handle): PlanInput {
  const handle = { ...NEW_HANDLE, uid: toSandboxUid(`relay of ${id}`), incarnation: "1" };
  const { image, policy } = input.egress;
  const relay: EgressContainer = {
    handle,
    role: "relay",
    name: input.name,
    actualName: "",
    state: "running",
    createdAt: input.now,
    startedAt: input.now,
    exitCode: null,
    imageId: image.kind === "found" ? image.id : toImageId("planned"),
    version: EGRESS_VERSION,
    userId: 1,
    of: { id, incarnation },
    networks: [],
    changes: [],
  };
  const told: PolicyFact = policy.kind === "in-force" ? { ...policy, relays: new Set([...policy.relays, handle.uid]) } : policy;
  return { ...input, egress: { ...input.egress, policy: told, relays: [...input.egress.relays, relay] } };
}

function change(input: PlanInput, handle: Handle, edit: (one: OwnedContainer) => OwnedContainer): PlanInput {
  return { ...input, containers: input.containers.map((one) => (one.observation.handle.id === handle.id ? edit(one) : one)) };
}

function observe(input: PlanInput, handle: Handle, edit: (observation: Observation) => Observation): PlanInput {
  return change(input, handle, (one) => ({ ...one, observation: edit(one.observation) }));
}

function mustReady(spec: ResolvedSpec | null): Extract<ResolvedSpec, { kind: "ready" }> {
  if (spec?.kind !== "ready") throw new Error("a plan creates a container only from a ready spec");
  return spec;
}

function toCreated(input: PlanInput): OwnedContainer {
  const spec = mustReady(input.spec);
  if (input.want.kind !== "wanted") throw new Error("a plan creates a container only when it is wanted");
  const { desired } = input.want;
  const { live, setupCommand: _, ...created } = spec.container;
  const networks = [spec.container.network];
  return {
    setup: { kind: "absent" },
    mounts: { kind: input.comparesMounts ? "not-compared" : "own" },
    inUse: "no",
    observation: {
      handle: NEW_HANDLE,
      identity: {
        instance: input.instance,
        name: input.name,
        uid: NEW_HANDLE.uid,
        kind: desired.kind,
        scopeKey: desired.scopeKey,
        hash: spec.hash,
        hashVersion: HASH_VERSION,
        generation: spec.generation,
        // Strictly after a request made now, as in the world.
        createdAt: later(input.now, toDurationMs(1)),
        hasSetup: spec.container.setupCommand !== null,
      },
      actualName: toPendingName(input.name),
      stage: "pending",
      state: "created",
      startedAt: null,
      restarted: false,
      exitCode: null,
      oomKilled: false,
      imageId: input.image?.kind === "found" ? input.image.id : toImageId("planned"),
      networks,
      live,
      tuning: UNTOUCHED,
      created,
      execs: "none",
      settled: false,
    },
  };
}
