// Decides the next safe steps for the egress proxy of an instance: made where a sandbox has a list, healed, told every new list, replaced with its
// image, gone with the last list. Pure. Whatever is not in force is closed: a sandbox has no other network. Relays are relay.ts's.
import { type DurationMs, type EpochMs, elapsed, HOUR_MS, later, renderTime, SECOND_MS } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import { EGRESS_VERSION, type EgressContainer } from "./egress-facts.ts";
import type { Handle, ImageFact } from "./observation.ts";
import { renderChanges } from "./relay.ts";
import { type Cause, NEW_HANDLE } from "./types.ts";

export interface ProxyInput {
  now: EpochMs;
  /** A sandbox has a list, or a relay is there. */
  wanted: boolean;
  image: ImageFact;
  /** Of ours, whatever their state. */
  proxies: readonly EgressContainer[];
  /** What of its surroundings is there. */
  hasVolume: boolean;
  hasNetwork: boolean;
  network: string;
  /** Digest of the rules in force. */
  digest: string;
  /** What it was last told by this process, and which run of it that was. null: nothing. */
  acknowledged: { digest: string; run: string } | null;
  /** Since when it should have said something and has not. null: it was heard of just now, or nobody listens. */
  silentSince: EpochMs | null;
  /** Connections that it has open. null: not known. */
  tunnels: number | null;
  /** Since when it should have been replaced. null: it should not. */
  outdatedSince: EpochMs | null;
  failure: Failure | null;
}

export type ProxyActionBody =
  | { kind: "create-volume" }
  | { kind: "create-network" }
  | { kind: "create-proxy" }
  | { kind: "start-proxy"; handle: Handle }
  | { kind: "unpause-proxy"; handle: Handle }
  /** Hands it the rules in force. */
  | { kind: "apply-policy"; handle: Handle }
  | { kind: "retire-proxy"; handle: Handle };
export type ProxyAction = ProxyActionBody & { cause: Cause; because: string };
export type ProxyActionKind = ProxyAction["kind"];

export type ProxyVerdict =
  | { kind: "in-force" }
  /** `isRepair`: something happened to the one that was there. */
  | { kind: "progressing"; message: string; isRepair: boolean }
  | { kind: "unavailable"; message: string }
  /** Nobody needs one, and none is there. */
  | { kind: "gone" };

export interface ProxyPlan {
  actions: readonly ProxyAction[];
  requeueAt: EpochMs | null;
  verdict: ProxyVerdict;
  /** It runs, and should be another one. */
  isOutdated: boolean;
}

/** A sign of life comes every 2 s: five in a row that are missing are no accident of a busy machine. */
export const SILENCE_MS_MAX = (10 * SECOND_MS) as DurationMs;
/** Connections end with a proxy that is replaced: it waits until there is none, but not for ever. */
const OUTDATED_MS_MAX = HOUR_MS;
export const OUTDATED_LOOK_MS = (30 * SECOND_MS) as DurationMs;

/** One exact run of one proxy. */
export const runOf = ({ handle }: Pick<EgressContainer, "handle">): string => `${handle.id} ${handle.incarnation}`;

export function planProxy(input: ProxyInput): ProxyPlan {
  const [proxy, ...others] = input.proxies.filter(({ state }) => state !== "removing").toSorted(byUse);
  const tidy = others.map((one) => retire(one, { cause: "orphan", because: "an instance has one proxy" }));
  if (!input.wanted) return planGone(proxy, tidy);
  const waits = input.failure !== null && input.failure.retryAt > input.now ? input.failure : null;
  const step = (actions: readonly ProxyAction[], verdict: ProxyVerdict): ProxyPlan => {
    return { actions: [...tidy, ...actions], requeueAt: waits?.retryAt ?? null, verdict, isOutdated: false };
  };
  const message = waits?.message ?? "";
  if (proxy === undefined) {
    if (input.image.kind === "missing") return step([], { kind: "unavailable", message: "the proxy's image is missing" });
    if (waits !== null) return step([], { kind: "unavailable", message });
    // One that this process told its lists is gone.
    const verdict = { ...starting, isRepair: input.acknowledged !== null };
    return step(create(input, { cause: "wanted", because: "a sandbox has a list of destinations" }), verdict);
  }
  if (proxy.state === "paused")
    return step([{ kind: "unpause-proxy", handle: proxy.handle, cause: "external", because: "it was paused" }], {
      kind: "progressing",
      message: "the proxy was paused",
      isRepair: true,
    });
  const broken = reasonItIsBroken(input, proxy);
  if (broken !== null)
    return step([retire(proxy, broken), ...(waits === null ? create(input, broken) : [])], {
      kind: "progressing",
      message: `the proxy has to be replaced: ${broken.because}`,
      isRepair: broken.cause !== "orphan",
    });
  const isOutdated = isOutdatedProxy(proxy, input.image);
  if (isOutdated && mayReplace(input)) {
    const reason = { cause: "image", because: "its image was replaced" } as const;
    return { ...step([retire(proxy, reason), ...create(input, reason)], starting), isOutdated };
  }
  const told = planPolicy(input, proxy, waits);
  const requeueAt = isOutdated ? later(input.now, OUTDATED_LOOK_MS) : (waits?.retryAt ?? null);
  return { ...told, actions: [...tidy, ...told.actions], requeueAt, isOutdated };
}

/** Another one would be made differently now. */
export const isOutdatedProxy = ({ imageId, version }: EgressContainer, image: ImageFact): boolean =>
  image.kind === "found" && (imageId !== image.id || version !== EGRESS_VERSION);

const starting = { kind: "progressing", message: "the proxy is being started", isRepair: false } as const;
const byUse = (left: EgressContainer, right: EgressContainer): number =>
  Number(right.state === "running") - Number(left.state === "running") || right.createdAt - left.createdAt;

function planGone(proxy: EgressContainer | undefined, tidy: readonly ProxyAction[]): ProxyPlan {
  const reason = { cause: "released", because: "no sandbox has a list of destinations" } as const;
  const actions = [...tidy, ...(proxy === undefined ? [] : [retire(proxy, reason)])];
  return { actions, requeueAt: null, verdict: { kind: "gone" }, isOutdated: false };
}

type Reason = Pick<ProxyAction, "cause" | "because">;

const retire = ({ handle }: EgressContainer, reason: Reason): ProxyAction => ({ kind: "retire-proxy", handle, ...reason });

/** Its surroundings first: an engine would make a volume that is missing, and nobody would know whose it is. */
function create(input: ProxyInput, reason: Reason): ProxyAction[] {
  if (input.image.kind === "missing") return [];
  return [
    ...(input.hasVolume ? [] : [{ kind: "create-volume" as const, ...reason }]),
    ...(input.hasNetwork ? [] : [{ kind: "create-network" as const, ...reason }]),
    { kind: "create-proxy", ...reason },
    { kind: "start-proxy", handle: NEW_HANDLE, ...reason },
  ];
}

/** All that it knows is in memory: another one costs no more than a restart. */
function reasonItIsBroken(input: ProxyInput, proxy: EgressContainer): Reason | null {
  const said = proxy.lastOutput === undefined ? "" : `: ${proxy.lastOutput}`;
  if (proxy.state === "created") return { cause: "orphan", because: "it was never started" };
  if (proxy.state !== "running") return { cause: "crash", because: `it exited with code ${proxy.exitCode ?? "unknown"}${said}` };
  const other = proxy.networks.find((name) => name !== input.network);
  if (other !== undefined) return { cause: "external", because: `network ${other} was attached by hand` };
  if (!proxy.networks.includes(input.network)) return { cause: "external", because: `network ${input.network} was detached by hand` };
  if (proxy.changes.length > 0) return { cause: "external", because: `it ${renderChanges(proxy)}` };
  if (input.silentSince !== null && elapsed(input.silentSince, input.now) >= SILENCE_MS_MAX)
    return { cause: "crash", because: `it does not answer since ${renderTime(input.silentSince)}` };
  return null;
}

function mayReplace({ tunnels, outdatedSince, now }: ProxyInput): boolean {
  return tunnels === 0 || (outdatedSince !== null && elapsed(outdatedSince, now) >= OUTDATED_MS_MAX);
}

function planPolicy(
  { acknowledged, digest }: ProxyInput,
  proxy: EgressContainer,
  waits: Failure | null,
): Omit<ProxyPlan, "isOutdated" | "requeueAt"> {
  const isTold = acknowledged !== null && acknowledged.run === runOf(proxy);
  if (isTold && acknowledged.digest === digest) return { actions: [], verdict: { kind: "in-force" } };
  if (waits !== null) return { actions: [], verdict: { kind: "unavailable", message: waits.message } };
  const because = isTold ? "the rules in force are others" : "it was started without rules";
  const apply: ProxyAction = { kind: "apply-policy", handle: proxy.handle, cause: isTold ? "drift" : "wanted", because };
  return { actions: [apply], verdict: { kind: "progressing", message: "the proxy is being told the lists", isRepair: false } };
}
