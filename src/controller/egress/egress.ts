// Keeps the egress of an instance: observes its proxy, plans and performs the next steps, hands it the lists in force, and makes relays where a
// sandbox's plan says so. What is to be done is decided in decide/proxy.ts and decide/relay.ts; when, by the queue, under the proxy's name.
import type { Logger } from "pino";
import {
  type DurationMs,
  type EpochMs,
  elapsed,
  later,
  MINUTE_MS,
  type SandboxName,
  type SandboxUid,
  toSandboxUid,
  toScopeKey,
} from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import type { EffectiveEgress } from "../../api/config/egress.ts";
import type { EgressTestResult } from "../../api/egress/decision.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { EventType } from "../../api/event.ts";
import type { Failure } from "../../api/sandbox.ts";
import { backOffMs, nextFailure } from "../decide/backoff.ts";
import { egressImageMissing } from "../decide/blocker.ts";
import { type EgressContainer, NO_EGRESS, type PolicyFact, type RelaySilence } from "../decide/egress-facts.ts";
import type { Handle, ImageFact } from "../decide/observation.ts";
import { isOutdatedProxy, OUTDATED_LOOK_MS, type ProxyAction, type ProxyInput, type ProxyPlan, planProxy, runOf } from "../decide/proxy.ts";
import { NEW_HANDLE } from "../decide/types.ts";
import type { ProtectedBlock } from "../engine/egress-engine.ts";
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../records/ledger.ts";
import { Follower, type FollowerParts } from "./follower.ts";
import { adoptEgress, isOurEgress } from "./ownership.ts";
import { digestOf, type Lists, toLists } from "./policy.ts";
import { ProxyProgram } from "./proxy-program.ts";

/** 0.25 s, 0.5 s, 1 s ... 1 min: a proxy that was just started may not listen yet, and every sandbox is closed meanwhile. */
const RETRY_MS_MIN = 250 as DurationMs;
const RETRY_MS_MAX = MINUTE_MS;
/** The host's addresses may be others by then. */
const BLOCKS_AGE_MS = (5 * MINUTE_MS) as typeof MINUTE_MS;

/** What is counted here; `metrics/` does. */
export interface ProxyMetrics {
  action(action: ProxyAction["kind"], result: "success" | "error"): void;
  state(state: "in_force" | "progressing" | "unavailable" | "unused"): void;
  /** From noticing that the lists are others to the proxy's acknowledgement. */
  applied(seconds: number): void;
}

export interface EgressParts extends Pick<FollowerParts, "log"> {
  clock: Clock;
  /** A new UUID. */
  newUid(): string;
  engine: Engine;
  /** Of the egress alone. */
  ledger: Ledger;
  logger: Logger;
  metrics: ProxyMetrics;
  event(type: EventType, reason: string, message: string): void;
  /** Whether config and sessions were each loaded once. */
  isLoaded(): boolean;
  /** Whether any agent of the config in force has a list. */
  hasLists(): boolean;
  /** null: the sandbox has no list, or nothing asks for it. */
  egressOf(name: SandboxName): EffectiveEgress | null;
  enqueue(name: SandboxName): void;
}

/** As the queue takes it. */
export type EgressOutcome = { kind: "settled"; requeueAt: EpochMs | null } | { kind: "again" };

interface Acknowledged {
  digest: string;
  run: string;
  relays: ReadonlySet<SandboxUid>;
}

export class Egress {
  readonly #parts: EgressParts;
  readonly #program: ProxyProgram;
  readonly #follower: Follower;
  /** Something of the egress is on the engine, as last seen. */
  #isThere = false;
  #hasLooked = false;
  #policy: PolicyFact = { kind: "progressing", message: "the proxy is being looked for", isRepair: false };
  #acknowledged: Acknowledged | null = null;
  #failure: Failure | null = null;
  #blocks: { at: EpochMs; found: readonly ProtectedBlock[] } | null = null;
  #generation: number;
  /** Since when the lists may be others. null: they are not. */
  #noticedAt: EpochMs | null = null;
  /** As last asked for. */
  #tunnels: { at: EpochMs; count: number } | null = null;
  #outdatedSince: EpochMs | null = null;
  #proxy: Handle | null = null;
  /** Relays that the last pass saw, by sandbox. */
  #relays: ReadonlyMap<SandboxName, readonly SandboxUid[]> = new Map();

  constructor(parts: EgressParts) {
    this.#parts = parts;
    const { engine, clock, log } = parts;
    this.#program = new ProxyProgram({ engine, clock });
    this.#follower = new Follower({
      program: this.#program,
      clock,
      log,
      changed: () => parts.enqueue(this.name),
      silenceChanged: (before) => this.#lookAtSilent(before),
    });
    // Over restarts of this process it only grows: a proxy takes no older one.
    this.#generation = clock.now();
  }

  /** Under which the queue has it. */
  get name(): SandboxName {
    return this.#parts.engine.egress.name;
  }

  /** Whether anything of the egress may be on the engine, or is to be. */
  get isUsed(): boolean {
    return this.#isThere || this.#parts.hasLists();
  }

  /** Whether something of it was there at the last look. */
  get isThere(): boolean {
    return this.#isThere;
  }

  get policy(): PolicyFact {
    return this.#policy;
  }

  /** Relays through which nothing comes to the proxy, although it should. */
  get silence(): RelaySilence {
    return this.#follower.silence;
  }

  /** Something that the lists are made from changed. */
  suspect(): void {
    if (!this.isUsed && this.#hasLooked) return;
    this.#noticedAt ??= this.#parts.clock.now();
    this.#parts.enqueue(this.name);
  }

  stop(): void {
    this.#follower.stop();
  }

  /** Whether the proxy has acknowledged a list of this relay. */
  isTold(uid: SandboxUid): boolean {
    return this.#acknowledged?.relays.has(uid) === true;
  }

  /** Whether the last pass saw these relays of the sandbox, and no others. */
  hasSeen(name: SandboxName, relays: readonly SandboxUid[]): boolean {
    const known = this.#relays.get(name) ?? [];
    return relays.length === known.length && relays.every((uid) => known.includes(uid));
  }

  /** One pass under the proxy's name. Operating errors are outcomes. */
  async reconcile(): Promise<EgressOutcome> {
    if (!this.#parts.isLoaded()) return { kind: "settled", requeueAt: null };
    try {
      if (!this.isUsed && !(await this.#isLeft())) return { kind: "settled", requeueAt: null };
      return await this.#reconcile();
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      this.#failed(error, "egress not looked at");
      this.#publish({ kind: "unavailable", message: renderError(error) });
      return { kind: "settled", requeueAt: this.#failure?.retryAt ?? null };
    }
  }

  /** Whether an earlier process left something, although no list is wanted now. */
  async #isLeft(): Promise<boolean> {
    if (this.#hasLooked) return false;
    const found = await this.#parts.engine.egress.containers();
    this.#hasLooked = true;
    this.#publish(NO_EGRESS.policy);
    return found.length > 0;
  }

  async #reconcile(): Promise<EgressOutcome> {
    const { lists, input, image } = await this.#observe();
    const made = planProxy(input);
    this.#outdatedSince = made.isOutdated ? (this.#outdatedSince ?? input.now) : null;
    const isDone = await this.#perform(made, lists);
    const proxy = input.proxies.find(({ state }) => state === "running");
    this.#proxy = proxy?.handle ?? null;
    this.#follower.follow(made.verdict.kind === "gone" ? null : (proxy ?? null));
    if (made.verdict.kind === "gone" && made.actions.length === 0) {
      this.#isThere = false;
      this.#blocks = null;
    }
    this.#publish(this.#toPolicy(made, image, proxy));
    if (made.verdict.kind === "in-force") this.#noticedAt = null;
    if (made.actions.length > 0 && isDone) return { kind: "again" };
    const blocksAt = this.#blocks === null || !input.wanted ? null : later(this.#blocks.at, BLOCKS_AGE_MS);
    const times = [made.requeueAt, blocksAt, this.#failure?.retryAt ?? null].filter((at) => at !== null && at > input.now);
    return { kind: "settled", requeueAt: times.length === 0 ? null : (Math.min(...times.map(Number)) as EpochMs) };
  }

  async #observe(): Promise<{ lists: Lists; input: ProxyInput; image: ImageFact }> {
    const { engine, clock, hasLists, egressOf } = this.#parts;
    const [all, relays, ground, image] = await Promise.all([
      engine.egress.containers(this.name),
      engine.egress.relays(),
      engine.egress.ground(),
      engine.resolveImage(engine.egress.image),
    ]);
    const proxies = all.filter((one) => one.role === "proxy" && isOurEgress(one, this.#parts.ledger));
    for (const proxy of proxies) await adoptEgress(proxy, this.#parts.ledger);
    this.#relays = new Map([...Map.groupBy(relays, ({ name }) => name)].map(([name, ones]) => [name, ones.map(({ uid }) => uid)]));
    const wanted = hasLists() || relays.length > 0;
    this.#isThere = wanted || proxies.length > 0;
    this.#hasLooked = true;
    const running = proxies.find(({ state }) => state === "running");
    const protectedBlocks = wanted && image.kind === "found" && running !== undefined ? await this.#lookAtBlocks(image.id) : [];
    const lists = toLists({ relays, egressOf, protectedBlocks, mapped: engine.egress.remapsUsers });
    const input: ProxyInput = {
      now: clock.now(),
      wanted,
      image,
      proxies,
      ...ground,
      network: this.name,
      digest: digestOf(lists),
      acknowledged: this.#acknowledged,
      silentSince: running === undefined ? null : this.#follower.silentSince(runOf(running)),
      tunnels: await this.#lookAtTunnels(running, image),
      outdatedSince: this.#outdatedSince,
      failure: this.#failure,
    };
    return { lists, input, image };
  }

  /** Those that no list opens: looked for now and then, since it takes a container. */
  async #lookAtBlocks(imageId: string): Promise<readonly ProtectedBlock[]> {
    const now = this.#parts.clock.now();
    if (this.#blocks !== null && later(this.#blocks.at, BLOCKS_AGE_MS) > now) return this.#blocks.found;
    const found = await this.#parts.engine.egress.protectedBlocks(imageId);
    this.#blocks = { at: now, found };
    return found;
  }

  /** Only asked for where it decides something, and now and then: the engine reports each question as a change of the proxy. */
  async #lookAtTunnels(running: EgressContainer | undefined, image: ImageFact): Promise<number | null> {
    if (running === undefined || !isOutdatedProxy(running, image)) return null;
    const now = this.#parts.clock.now();
    if (this.#tunnels !== null && later(this.#tunnels.at, OUTDATED_LOOK_MS) > now) return this.#tunnels.count;
    this.#tunnels = { at: now, count: (await this.#program.status(running.handle)).tunnels };
    return this.#tunnels.count;
  }

  /** In order; what fails ends it. @returns whether all succeeded */
  async #perform({ actions }: ProxyPlan, lists: Lists): Promise<boolean> {
    const { metrics, logger, event } = this.#parts;
    let created: Handle | null = null;
    for (const action of actions) {
      const handle: Handle | null = "handle" in action && action.handle.id !== NEW_HANDLE.id ? action.handle : created;
      try {
        created = (await this.#act(action, handle, lists)) ?? created;
        metrics.action(action.kind, "success");
        logger.info({ action: action.kind, cause: action.cause, because: action.because }, "egress: action performed");
        if (action.cause === "crash" || action.cause === "external")
          event("Warning", "EgressRepaired", `${action.kind}: ${action.because}`);
      } catch (error) {
        if (!(error instanceof OperationError)) throw error;
        metrics.action(action.kind, "error");
        this.#failed(error, `${action.kind} failed`);
        return false;
      }
    }
    if (actions.length === 0 && this.#failure !== null && this.#failure.retryAt <= this.#parts.clock.now()) this.#failure = null;
    return true;
  }

  #failed(error: OperationError, what: string): void {
    const { logger, event, clock } = this.#parts;
    const message = renderError(error);
    logger.warn({ code: error.code, err: error }, `egress: ${what}`);
    event("Warning", "EgressFailed", `${what}: ${message}`);
    const next = nextFailure(this.#failure, { code: error.code, message, generation: 0 }, clock.now());
    this.#failure = { ...next, retryAt: later(next.lastAt, backOffMs(next.count, RETRY_MS_MIN, RETRY_MS_MAX)) };
  }

  async #act(action: ProxyAction, handle: Handle | null, lists: Lists): Promise<Handle | null> {
    const { engine } = this.#parts;
    switch (action.kind) {
      case "create-volume":
        await engine.egress.createVolume();
        return null;
      case "create-network":
        await engine.egress.createNetwork();
        return null;
      case "create-proxy":
        return await this.#createProxy();
      case "start-proxy":
        await engine.egress.act(must(handle), "start");
        return null;
      case "unpause-proxy":
        await engine.egress.act(must(handle), "unpause");
        return null;
      case "apply-policy":
        await this.#apply(must(handle), lists);
        return null;
      case "retire-proxy":
        this.#acknowledged = null;
        await engine.egress.retire(must(handle));
        await this.#parts.ledger.forget(must(handle).uid);
        return null;
    }
  }

  async #createProxy(): Promise<Handle> {
    const { engine, ledger, newUid, clock } = this.#parts;
    const [uid, createdAt] = [toSandboxUid(newUid()), clock.now()];
    await ledger.record({ uid, name: this.name, kind: "proxy", scopeKey: toScopeKey(""), createdAt, containerId: null, workspace: null });
    const handle = await engine.egress.create({ role: "proxy", uid, createdAt, image: engine.egress.image });
    await ledger.bind(uid, handle.id);
    return handle;
  }

  async #apply(handle: Handle, lists: Lists): Promise<void> {
    this.#generation += 1;
    const before = this.#acknowledged;
    const status = await this.#program.apply(handle, { version: 1, generation: this.#generation, ...lists });
    if (status.generation !== this.#generation)
      throw new OperationError("EngineFailed", `the egress proxy acknowledged generation ${status.generation}, not ${this.#generation}`);
    this.#parts.metrics.applied(elapsed(this.#noticedAt ?? this.#parts.clock.now(), this.#parts.clock.now()) / 1_000);
    this.#noticedAt = null;
    this.#failure = null;
    const relays = new Set(lists.sandboxes.map(({ id }) => toSandboxUid(id)));
    this.#acknowledged = { digest: digestOf(lists), run: runOf({ handle }), relays };
    this.#publish({ kind: "in-force", relays });
    for (const { id, sandbox } of lists.sandboxes)
      if (before?.relays.has(toSandboxUid(id)) !== true) this.#parts.enqueue(sandbox as SandboxName);
  }

  #toPolicy({ verdict }: ProxyPlan, image: ImageFact, running: EgressContainer | undefined): PolicyFact {
    const relays = running !== undefined && this.#acknowledged?.run === runOf(running) ? this.#acknowledged.relays : null;
    if (this.#failure !== null && verdict.kind !== "in-force") return { kind: "unavailable", message: this.#failure.message };
    switch (verdict.kind) {
      case "in-force":
        return { kind: "in-force", relays: relays ?? new Set() };
      case "gone":
        return NO_EGRESS.policy;
      case "progressing":
        return relays === null ? verdict : { kind: "in-force", relays };
      case "unavailable":
        return image.kind === "missing" ? { kind: "unavailable", message: egressImageMissing(this.#parts.engine.egress.image) } : verdict;
    }
  }

  /** Whoever has a relay is looked at when it is another one: its condition says so. */
  #publish(next: PolicyFact): void {
    const before = this.#policy;
    this.#policy = next;
    this.#parts.metrics.state(next.kind === "in-force" ? "in_force" : this.isUsed ? next.kind : "unused");
    if (before.kind === next.kind && ("message" in before ? before.message : "") === ("message" in next ? next.message : "")) return;
    for (const name of this.#relays.keys()) this.#parts.enqueue(name);
  }

  /** Whoever's relay has gone silent is looked at, and whoever's is heard of again. */
  #lookAtSilent(before: RelaySilence): void {
    const after = this.silence;
    const isOther = (uid: SandboxUid): boolean =>
      after.silent.has(uid) !== before.silent.has(uid) || after.unheard.has(uid) !== before.unheard.has(uid);
    for (const [name, uids] of this.#relays) if (uids.some(isOther)) this.#parts.enqueue(name);
  }

  /** What would be decided for a sandbox that has a relay. @throws OperationError `NotReady` */
  async test(name: SandboxName, url: string): Promise<EgressTestResult> {
    const relay = this.#relays.get(name)?.find((uid) => this.#acknowledged?.relays.has(uid));
    if (this.#proxy === null || relay === undefined || this.#policy.kind !== "in-force") {
      const message = "message" in this.#policy ? this.#policy.message : "the sandbox has no relay";
      throw new OperationError("NotReady", `the egress of ${name} is not in force: ${message}`);
    }
    return await this.#program.test(this.#proxy, relay, url);
  }
}

function must(handle: Handle | null): Handle {
  if (handle === null) throw new Error("an action on a proxy that was not created");
  return handle;
}
