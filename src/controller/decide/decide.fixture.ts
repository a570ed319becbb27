// Builders for the tests of the decisions: everything has a default, so that a test names only what it is about. Not used by the product.
import {
  type DurationMs,
  type EpochMs,
  later,
  MINUTE_MS,
  toAgentId,
  toContainerId,
  toEpochMs,
  toImageId,
  toInstanceId,
  toSandboxUid,
} from "../../api/brands.ts";
import { resolveAgentSandbox } from "../../api/config/effective.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { toPendingName, toSlug } from "../../api/names.ts";
import { NO_EGRESS } from "./egress-facts.ts";
import { HASH_VERSION } from "./fields.ts";
import type { Capabilities, Observation } from "./observation.ts";
import { renderAction } from "./render.ts";
import { resolveSpec, type SpecFacts } from "./spec.ts";
import { UNTOUCHED } from "./tuning.ts";
import type { DesiredSandbox, OwnedContainer, Plan, PlanInput, ResolvedSpec, Want } from "./types.ts";
import { indexDesired } from "./wanted.ts";

export const NOW = toEpochMs(Date.UTC(2026, 0, 31, 12));
export const INSTANCE = toInstanceId("0123456789ab");
export const IMAGE = toImageId(`sha256:${"a".repeat(64)}`);
export const DOCKER_CAPABILITIES: Capabilities = {
  liveFields: new Set(["cpus", "memory", "memorySwap", "pidsLimit"]),
  liveUnset: new Set(["pidsLimit"]),
  ignoredLimits: new Set(),
  appArmor: true,
};

export const ago = (duration: number): EpochMs => later(NOW, -duration as DurationMs);

export const FACTS: SpecFacts = {
  workspace: { kind: "ready", uid: 1000, gid: 1000, mode: 0o700 },
  image: { kind: "found", id: IMAGE, user: "1000:1000", env: {} },
  seccomp: { kind: "none" },
  refusedMounts: null,
  appArmor: true,
  controller: { uid: 0, gid: 0 },
};

/** The `main` agent as a config with this sandbox block would have it, eager. */
export function desiredOf(sandbox: object = {}): DesiredSandbox {
  const text = JSON.stringify({ agents: { defaults: { sandbox: { mode: "all", start: "eager", ...sandbox } } } });
  const folders = { stateDir: "/state", home: "/home/user" };
  const parsed = parseConfig(toSources(text), { ...folders, variables: {}, trustedOwners: null });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const id = toAgentId("main");
  const settings = resolveAgentSandbox(parsed.value, id, folders);
  if (settings === undefined) throw new Error("no agent main");
  const index = indexDesired({
    slugOf: (scopeKey) => toSlug(INSTANCE, scopeKey),
    agents: [{ id, sandbox: settings, noBrowser: "browser.enabled is false" }],
    sessions: new Map(),
    maxSandboxes: 100,
    spawning: { depthMax: 1, childrenMax: 5 },
    hotWindowMs: 300_000,
  });
  const [candidate] = index.byName.values();
  if (candidate === undefined) throw new Error("nothing is wanted");
  return candidate.desired;
}

export const wantedOf = (desired: DesiredSandbox): Want => ({
  kind: "wanted",
  desired,
  because: "the config starts it eagerly",
  idleAt: null,
});

export function specOf(desired: DesiredSandbox): Extract<ResolvedSpec, { kind: "ready" }> {
  const spec = resolveSpec(desired, FACTS, null);
  if (spec.kind !== "ready") throw new Error(spec.message);
  return spec;
}

/** A container that is exactly what `desired` says and has run for an hour. */
export function containerOf(
  desired: DesiredSandbox,
  edit: Partial<Observation> = {},
  other: Partial<Omit<OwnedContainer, "observation">> = {},
): OwnedContainer {
  const { container, hash, generation } = specOf(desired);
  const { live, setupCommand: _, ...created } = container;
  const uid = toSandboxUid("uid-1");
  const startedAt = ago(60 * MINUTE_MS);
  return {
    setup: { kind: "absent" },
    mounts: { kind: "own" },
    inUse: "no",
    ...other,
    observation: {
      handle: { id: toContainerId("c1"), uid, incarnation: "1" },
      identity: {
        instance: INSTANCE,
        name: desired.name,
        uid,
        kind: desired.kind,
        scopeKey: desired.scopeKey,
        hash,
        hashVersion: HASH_VERSION,
        generation,
        createdAt: startedAt,
        hasSetup: container.setupCommand !== null,
      },
      actualName: edit.stage === "pending" ? toPendingName(desired.name) : desired.name,
      stage: "current",
      state: "running",
      startedAt,
      restarted: false,
      exitCode: null,
      oomKilled: false,
      imageId: IMAGE,
      networks: [container.network],
      live,
      tuning: UNTOUCHED,
      created,
      execs: "none",
      settled: false,
      ...edit,
    },
  };
}

export function inputOf(desired: DesiredSandbox, containers: readonly OwnedContainer[], edit: Partial<PlanInput> = {}): PlanInput {
  return {
    instance: INSTANCE,
    name: desired.name,
    now: NOW,
    want: wantedOf(desired),
    spec: specOf(desired),
    image: FACTS.image,
    workspace: FACTS.workspace,
    containers,
    comparesMounts: false,
    vanished: false,
    lastUsedAt: null,
    request: null,
    pinned: false,
    change: null,
    gate: { kind: "open" },
    failure: null,
    servingFailure: null,
    capabilities: DOCKER_CAPABILITIES,
    egress: NO_EGRESS,
    ...edit,
  };
}

/** The plan as a person reads it: a line per action, then the verdict and when it looks again. */
export function renderPlan(plan: Plan, now: EpochMs = NOW): string {
  const { verdict } = plan;
  const message = "message" in verdict ? `: ${verdict.message}` : "";
  const wake = plan.requeueAt === null ? "" : `\n  looks again in ${Math.round((plan.requeueAt - now) / 1_000)} s`;
  return [...plan.actions.map(renderAction), `=> ${verdict.kind}${message}`].join("\n") + wake;
}
