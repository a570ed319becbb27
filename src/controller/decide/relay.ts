// Decides which relays a sandbox's containers need, and what to say of its egress. A relay is in the network of one run of one container, so it goes
// with that run and another is made for the next. Pure. The proxy behind all relays is proxy.ts's.
import { type EpochMs, later } from "../../api/brands.ts";
import { backOffOf } from "./backoff.ts";
import { EGRESS_VERSION, type EgressContainer } from "./egress-facts.ts";
import { LIVE_WORK_RECHECK_MS } from "./replacement.ts";
import type { Action, Cause, OwnedContainer, PlanInput } from "./types.ts";
import { mayStop } from "./use.ts";

/** Whether the config in force gives it a list. `unknown`: nobody can tell now, so that what is there stays and the proxy, which has no list, refuses. */
export function wantsEgress({ want }: Pick<PlanInput, "want">): "yes" | "no" | "unknown" {
  switch (want.kind) {
    case "wanted":
      return want.desired.settings.egress === null ? "no" : "yes";
    case "unwanted":
    case "held":
    case "unknown":
      return "unknown";
  }
}

/** Four times as long as from one sign of life to the next. */
const SILENT = "it gives no sign of life";

export interface RelaySteps {
  actions: readonly Action[];
  /** When to look again even if nothing happens. null: nothing is waited for. */
  requeueAt: EpochMs | null;
}

/** After what the plan does to the sandbox's own containers. @param going ids of containers that it removes */
export function planRelays(input: PlanInput, going: ReadonlySet<string>): RelaySteps {
  const kept = new Set<string>();
  const actions: Action[] = [];
  for (const relay of input.egress.relays.toSorted(byAge)) {
    if (relay.state === "removing") continue;
    const reason = reasonToGo(input, relay, kept);
    if (reason !== null) actions.push({ kind: "remove-relay", relay: relay.handle, ...reason });
    else if (relay.of !== null) kept.add(relay.of.id);
  }
  const waits = backOffOf(input.egress.failure, input);
  if (wantsEgress(input) !== "yes" || input.egress.image.kind === "missing" || waits !== null)
    return { actions, requeueAt: waits?.retryAt ?? null };
  for (const { observation } of input.containers) {
    const { handle, state } = observation;
    if (state !== "running" || kept.has(handle.id) || going.has(handle.id)) continue;
    const because = "its list of destinations takes a relay in its network";
    actions.push({ kind: "attach-relay", handle, cause: actions.some(isReplacement) ? "drift" : "wanted", because });
  }
  const isLate = input.egress.relays.some((relay) => isOutdated(input, relay)) && !actions.some(isReplacement);
  return { actions, requeueAt: isLate ? later(input.now, LIVE_WORK_RECHECK_MS) : null };
}

const byAge = (left: EgressContainer, right: EgressContainer): number => right.createdAt - left.createdAt;
const isReplacement = ({ kind, cause }: Action): boolean => kind === "remove-relay" && (cause === "drift" || cause === "image");

/** null: it is the right one, or nothing says otherwise. */
function reasonToGo(input: PlanInput, relay: EgressContainer, kept: ReadonlySet<string>): Pick<Action, "cause" | "because"> | null {
  const container = input.containers.find((one) => isOf(relay, one));
  if (container === undefined) return { cause: "orphan", because: "the run of the container that it belongs to is over" };
  if (wantsEgress(input) === "no") return { cause: "released", because: "the sandbox has no list of destinations any more" };
  if (kept.has(container.observation.handle.id)) return { cause: "orphan", because: "another relay is in its place" };
  if (relay.state !== "running") return { cause: causeOfEnd(relay), because: `it ${renderState(relay)}` };
  if (relay.changes.length > 0) return { cause: "external", because: `it ${renderChanges(relay)}` };
  if (isSilent(input, relay)) return { cause: "crash", because: SILENT };
  if (!isOutdated(input, relay) || !mayGo(input, container)) return null;
  return relay.version !== EGRESS_VERSION
    ? { cause: "drift", because: "this version makes relays differently" }
    : { cause: "image", because: "its image was replaced" };
}

/** What never gave a sign of life may be of an image whose relays give none. */
const isSilent = ({ egress: { silent, unheard, image } }: PlanInput, { handle: { uid }, imageId }: EgressContainer): boolean =>
  silent.has(uid) || (unheard.has(uid) && image.kind === "found" && image.id === imageId);

/** Another one would be made differently now. */
function isOutdated({ egress: { image } }: PlanInput, relay: EgressContainer): boolean {
  return image.kind === "found" && (relay.version !== EGRESS_VERSION || relay.imageId !== image.id);
}

/** Its connections end with it: as a container that is replaced, it waits until the sandbox is idle. */
function mayGo(input: PlanInput, container: OwnedContainer): boolean {
  if (input.want.kind !== "wanted" || input.pinned) return false;
  const { hotWindow } = input.want.desired.settings.rollout;
  return mayStop(input, container, { hotWindowMs: hotWindow, forced: false, kill: false }).kind === "yes";
}

/** Whether it is in the network of this run of this container, as far as that runs. */
const isOf = ({ of }: EgressContainer, { observation: { handle, state } }: OwnedContainer): boolean =>
  of?.id === handle.id && of.incarnation === handle.incarnation && (state === "running" || state === "paused");

/** Only what ended by itself is made again ever later. */
const causeOfEnd = ({ state }: EgressContainer): Cause => (state === "paused" ? "external" : state === "created" ? "orphan" : "crash");

function renderState({ state, exitCode, lastOutput }: EgressContainer): string {
  if (state === "paused") return "was paused";
  if (state === "created") return "was never started";
  const said = lastOutput === undefined ? "" : `: ${lastOutput}`;
  return `exited${exitCode === null ? "" : ` with code ${exitCode}`}${said}`;
}

export const renderChanges = ({ changes }: Pick<EgressContainer, "changes">): string => `was changed by hand: ${changes.join(", ")}`;

/** What can be said of the egress of one container. */
export type EgressJudgement =
  | { kind: "unset" }
  | { kind: "in-force"; message: string }
  /** Steps are under way that take a moment. `isNew`: this run of it never had any. `isRepair`: something happened to what served it. */
  | { kind: "progressing"; message: string; isNew: boolean; isRepair: boolean }
  /** The network is closed until something changes. */
  | { kind: "unavailable"; message: string };

export function judgeEgress(input: PlanInput, container: OwnedContainer | null): EgressJudgement {
  if (wantsEgress(input) !== "yes" || input.want.kind !== "wanted") return { kind: "unset" };
  const { policy, image, imageMissing, failure, relays } = input.egress;
  if (image.kind === "missing") return { kind: "unavailable", message: imageMissing };
  const waits = backOffOf(failure, input);
  if (waits !== null) return { kind: "unavailable", message: `its relay can't be kept: ${waits.message}` };
  if (policy.kind === "unavailable") return policy;
  const relay = container === null ? undefined : relays.find((one) => isOf(one, container));
  if (relay === undefined) return { kind: "progressing", message: "its relay is being made", isNew: true, isRepair: false };
  if (relay.state !== "running") return { kind: "progressing", message: `its relay ${renderState(relay)}`, isNew: false, isRepair: true };
  if (relay.changes.length > 0) return { kind: "progressing", message: `its relay ${renderChanges(relay)}`, isNew: false, isRepair: true };
  if (isSilent(input, relay)) return { kind: "unavailable", message: `its relay does not work: ${SILENT}` };
  if (policy.kind === "progressing") return { ...policy, isNew: failure === null };
  if (!policy.relays.has(relay.handle.uid))
    return { kind: "progressing", message: "the proxy is being told its list", isNew: true, isRepair: false };
  const { allow, deny } = input.want.desired.settings.egress ?? { allow: [], deny: [] };
  return { kind: "in-force", message: `the list is in force: allow ${allow.length}, deny ${deny.length}` };
}

/** Whether commands wait for it: a new run of a container begins with its network as the config says. What is closed for longer keeps nobody waiting. */
export const holdsForEgress = (judgement: EgressJudgement): boolean => judgement.kind === "progressing" && judgement.isNew;
