// Decides what each container of a sandbox is: the one that serves, the one that will, or a leftover; and why the serving one must be replaced.
// The order in which containers are listed never matters.
import { DAY_MS, type DurationMs, type EpochMs, later } from "../../api/brands.ts";
import type { ChangePart, FieldDrift } from "../../api/sandbox.ts";
import { toConfigKeyOf } from "./browser.ts";
import { diffLive, diffRecreate, HASH_VERSION, type LiveDrift, toChangePart } from "./fields.ts";
import { isGivenUp, isSetupUndone, isUnmendable } from "./given-up.ts";
import { diffTuning } from "./tuning.ts";
import type { Cause, Evidence, OwnedContainer, PlanInput, ResolvedSpec, Want } from "./types.ts";

type Wanted = PlanInput & { want: Extract<Want, { kind: "wanted" }> };
type Ready = Extract<ResolvedSpec, { kind: "ready" }>;

export interface ReplaceReason {
  cause: Cause;
  because: string;
  /** It can't serve at all, so neither the hot window nor a pin keeps it. */
  broken: boolean;
}

export interface Roles {
  serving: OwnedContainer | null;
  /** The pending container that matches the spec. */
  successor: OwnedContainer | null;
  leftovers: readonly { container: OwnedContainer; evidence: Evidence; because: string }[];
  /** Why `serving` must be replaced, most urgent first. Empty: it is the right one. */
  replace: readonly ReplaceReason[];
  drift: readonly FieldDrift[];
  /** When age will replace it. null: never. */
  agesAt: EpochMs | null;
}

export function rolesOf(input: Wanted): Roles {
  const present = input.containers.filter(({ observation }) => observation.state !== "removing");
  const spec = input.spec?.kind === "ready" ? input.spec : null;
  const made = present
    .filter(({ observation }) => observation.stage !== "pending")
    .sort((left, right) => compareServing(spec, left, right));
  const [serving = null, ...superseded] = made;
  const pending = present.filter(({ observation }) => observation.stage === "pending").sort(compareAge);
  const successor = spec === null ? null : (pending.find((container) => isSuccessor(input, spec, container)) ?? null);
  const leftovers = [
    ...superseded.map((container) => ({
      container,
      evidence: { kind: "replaced", by: serving?.observation.handle.uid ?? "" } as const,
      because: `${serving?.observation.actualName ?? "another container"} serves in its place`,
    })),
    ...pending
      .filter((container) => spec !== null && container !== successor)
      .map((container) => ({
        container,
        evidence: { kind: "half-made", uid: container.observation.handle.uid } as const,
        because: halfMadeBecause(input, container),
      })),
  ];
  const replace = spec === null || serving === null ? [] : replaceReasons(input, spec, serving);
  // A successor without a reason is one too many: what made it necessary went away.
  const idle = successor !== null && serving !== null && replace.length === 0 ? successor : null;
  return {
    serving,
    successor: idle === null ? successor : null,
    leftovers:
      idle === null
        ? leftovers
        : [
            ...leftovers,
            {
              container: idle,
              evidence: { kind: "half-made", uid: idle.observation.handle.uid },
              because: "the serving container matches the spec again",
            },
          ],
    replace,
    drift: spec === null || serving === null ? [] : driftOf(input, spec, serving).map((one) => toShown(input, one)),
    agesAt: serving === null ? null : agesAt(input, serving),
  };
}

/** Best first: matches the spec, runs, has the right name, newest; the id only makes the order total. */
function compareServing(spec: Ready | null, left: OwnedContainer, right: OwnedContainer): number {
  const rank = ({ observation }: OwnedContainer): number[] => [
    spec !== null && observation.identity.hash === spec.hash ? 0 : 1,
    observation.state === "running" ? 0 : 1,
    observation.stage === "current" ? 0 : 1,
    -observation.identity.createdAt,
  ];
  const [ranksLeft, ranksRight] = [rank(left), rank(right)];
  for (const [index, rankLeft] of ranksLeft.entries()) {
    const difference = rankLeft - (ranksRight[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return compareId(left, right);
}

export const compareId = (left: OwnedContainer, right: OwnedContainer): number =>
  left.observation.handle.id < right.observation.handle.id ? -1 : 1;

function compareAge(left: OwnedContainer, right: OwnedContainer): number {
  return right.observation.identity.createdAt - left.observation.identity.createdAt || compareId(left, right);
}

/** Whether a pending container can still become the right one. */
function isSuccessor(input: Wanted, spec: Ready, { observation, setup }: OwnedContainer): boolean {
  if (!matches(input, spec, observation) || isAskedFor(input, observation) || isGivenUp(input, observation)) return false;
  if (observation.state === "created") return setup.kind === "absent" || setup.kind === "fresh";
  if (observation.state !== "running" || observation.restarted) return false;
  if (spec.container.setupCommand === null) return true;
  return setup.kind === "fresh" || setup.kind === "running" || setup.kind === "succeeded";
}

/**
 * Whether its recreation was requested. A request from a clock that is ahead takes effect at its own time: until then whatever is made would be
 * too old at once, and the next one too.
 */
export function isAskedFor({ request, now }: PlanInput, { identity }: OwnedContainer["observation"]): boolean {
  return request !== null && request.recreateAfter <= now && identity.createdAt <= request.recreateAfter;
}

function halfMadeBecause(input: PlanInput, { observation, setup }: OwnedContainer): string {
  if (isGivenUp(input, observation)) return `it can't become ready: ${input.failure?.message ?? ""}`;
  if (setup.kind === "failed") return `its setup failed: ${setup.message}`;
  if (observation.state !== "created" && observation.state !== "running")
    return `it exited before it was ready (state ${observation.state})`;
  return "its creation was interrupted, or the spec changed meanwhile";
}

function matches(input: Wanted, spec: Ready, observation: OwnedContainer["observation"]): boolean {
  return sameSpec(spec, observation) && !isRebuilt(input, observation);
}

/** A tag that can't be resolved says nothing. */
const isRebuilt = ({ image }: Wanted, observation: OwnedContainer["observation"]): boolean =>
  image?.kind === "found" && image.id !== observation.imageId;

/** An unknown hash version (an older or newer controller made it) says nothing: then the fields themselves are compared. */
function sameSpec(spec: Ready, observation: OwnedContainer["observation"]): boolean {
  if (observation.identity.hashVersion === HASH_VERSION) return observation.identity.hash === spec.hash;
  return diffRecreate(spec.container, observation.created).length === 0;
}

function replaceReasons(input: Wanted, spec: Ready, { observation }: OwnedContainer): ReplaceReason[] {
  const reasons: ReplaceReason[] = [];
  if (observation.state === "dead") reasons.push({ cause: "crash", because: "the engine says it is dead", broken: true });
  if (isUnmendable(input, observation)) {
    const because = observation.state === "paused" ? "it is paused and can't be unpaused" : "it exited and can't be restarted";
    reasons.push({ cause: "crash", because, broken: true });
  }
  if (isSetupUndone(input, observation)) {
    reasons.push({ cause: "crash", because: "it was restarted, which undid its setup", broken: true });
  }
  if (isAskedFor(input, observation)) {
    reasons.push({ cause: "forced", because: "its recreation was requested", broken: false });
  }
  if (!sameSpec(spec, observation)) {
    const changed = diffRecreate(spec.container, observation.created).map(({ field }) => field);
    const fields = changed.length === 0 ? ["docker.setupCommand"] : changed;
    const what = fields.map((field) => toConfigKeyOf(input.want.desired.kind, field)).join(", ");
    reasons.push({ cause: "drift", because: `${what} changed`, broken: false });
  } else if (isRebuilt(input, observation)) {
    reasons.push({ cause: "image", because: `image ${spec.container.image} was rebuilt`, broken: false });
  }
  const stuck = limitDrift(input, spec, observation).filter((one) => !canUpdate(input, one));
  if (stuck.length > 0) {
    const what = stuck.map(({ field }) => field).join(", ");
    reasons.push({ cause: "drift", because: `${what} changed, which this engine can't apply to a running container`, broken: false });
  }
  const tuned = handTuning(input, observation).filter(({ remedy }) => remedy === "recreate");
  if (tuned.length > 0) {
    const what = tuned.map(({ field, actual }) => `${field} ${actual}`).join(", ");
    reasons.push({ cause: "drift", because: `${what} by hand, which this engine can't revert`, broken: false });
  }
  const oldAt = agesAt(input, { observation });
  if (oldAt !== null && input.now >= oldAt) {
    reasons.push({
      cause: "age",
      because: `it is older than prune.maxAgeDays (${input.want.desired.settings.prune.maxAgeDays})`,
      broken: false,
    });
  }
  return reasons;
}

function agesAt(input: Wanted, { observation }: Pick<OwnedContainer, "observation">): EpochMs | null {
  const days = input.want.desired.settings.prune.maxAgeDays;
  return days === 0 ? null : later(observation.identity.createdAt, (days * DAY_MS) as DurationMs);
}

/** Limits in force that differ from the spec and that this engine enforces at all. */
export function limitDrift({ capabilities }: PlanInput, spec: Ready, observation: OwnedContainer["observation"]): LiveDrift[] {
  return diffLive(spec.container.live, observation.live).filter(({ name }) => !capabilities.ignoredLimits.has(name));
}

function driftOf(input: Wanted, spec: Ready, { observation }: OwnedContainer): FieldDrift[] {
  const recreate = sameSpec(spec, observation) ? [] : diffRecreate(spec.container, observation.created);
  const setup: FieldDrift[] =
    recreate.length > 0 || sameSpec(spec, observation)
      ? []
      : [{ field: "docker.setupCommand", remedy: "recreate", desired: "(changed)", actual: "(as at creation)" }];
  const live = limitDrift(input, spec, observation).map(({ field, remedy, desired, actual }) => ({
    field,
    remedy,
    desired,
    actual,
  }));
  return [
    ...recreate,
    ...imageDrift(input, spec, observation, recreate),
    ...setup,
    ...live,
    ...networkDrift(observation),
    ...handTuning(input, observation),
  ];
}

/** The same tag, another image. */
function imageDrift(input: Wanted, spec: Ready, observation: OwnedContainer["observation"], others: readonly FieldDrift[]): FieldDrift[] {
  if (!isRebuilt(input, observation) || others.some(({ field }) => field === "docker.image")) return [];
  const render = (imageId: string): string => `${spec.container.image} (${imageId.slice(0, IMAGE_ID_LENGTH)})`;
  return [{ field: "docker.image", remedy: "recreate", desired: render(imageIdOf(input)), actual: render(observation.imageId) }];
}

const imageIdOf = ({ image }: Wanted): string => (image?.kind === "found" ? image.id : "");

/** What people attached or detached by hand, against what it was made with: another network needs another container. */
function networkDrift(observation: OwnedContainer["observation"]): FieldDrift[] {
  const { network } = observation.created;
  const isOther = observation.networks.some((name) => name !== network) || isCutOff(observation);
  if (!isOther || observation.state !== "running") return [];
  return [{ field: "docker.network", remedy: "live", desired: network, actual: observation.networks.join(" ") || "(detached)" }];
}

/** It has none of its networks any more. One that was made with none, or with another container's, shows none. */
export function isCutOff({ networks, created }: Pick<OwnedContainer["observation"], "networks" | "created">): boolean {
  const { network } = created;
  return networks.length === 0 && network !== "none" && !network.startsWith("container:");
}

/** Whether the engine can change this limit while the container runs. */
export function canUpdate({ capabilities }: PlanInput, { name, unset }: Pick<LiveDrift, "name" | "unset">): boolean {
  return capabilities.liveFields.has(name) && (!unset || capabilities.liveUnset.has(name));
}

/** Without an update on this engine nobody has set any of it by hand: what it reports is its own, and a new container would have it too. */
export function handTuning({ capabilities }: PlanInput, { tuning }: OwnedContainer["observation"]): FieldDrift[] {
  return capabilities.liveFields.size === 0 ? [] : diffTuning(tuning);
}

const IMAGE_ID_LENGTH = "sha256:".length + 12;

/** What of the spec only a new container can bring: empty for one that is merely too old, or that a person wants anew. */
export function partsOf(input: Wanted, spec: Ready, serving: OwnedContainer): ChangePart[] {
  const { observation } = serving;
  const stuck = new Set(limitDrift(input, spec, observation).flatMap((one) => (canUpdate(input, one) ? [] : one.field)));
  const fields = driftOf(input, spec, serving).filter(({ field, remedy }) => remedy === "recreate" || stuck.has(field));
  return fields.map((one) => toShown(input, toChangePart(one, spec.container, imageIdOf(input))));
}

/** By the key that a person writes. */
const toShown = <Shown extends { field: string }>({ want }: Wanted, shown: Shown): Shown => ({
  ...shown,
  field: toConfigKeyOf(want.desired.kind, shown.field),
});
