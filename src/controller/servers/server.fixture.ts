// An admin server for tests, over its real Unix socket, with views in memory and a sandbox on the model of an engine.
// Everything is gone at the end of the test. It asserts nothing.

import { randomBytes } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import {
  type SandboxName,
  toAgentId,
  toContainerId,
  toEpochMs,
  toImageId,
  toInstanceId,
  toSandboxName,
  toSandboxUid,
  toScopeKey,
  toSpecHash,
} from "../../api/brands.ts";
import { type Clock, createSystemClock } from "../../api/clock.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigEdit, ConfigEditView, ConfigTextView } from "../../api/config-edit.ts";
import { OperationError } from "../../api/errors.ts";
import type { SandboxEvent } from "../../api/event.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import type { Finding } from "../../api/finding.ts";
import type { HistoryView } from "../../api/history.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { SandboxUsage, UsageView } from "../../api/usage.ts";
import type { AuditView, ControllerView, DoctorView, HeldView, PlanView, PruneView, SetupLogView, UnownedObject } from "../../api/wire.ts";
import { identityOf, specOf } from "../engine/contract.fixture.ts";
import type { Engine, Handle } from "../engine/engine.ts";
import { FakeEngine } from "../engine/fake.fixture.ts";
import { FakeWorld } from "../engine/fake-world.fixture.ts";
import type { Lease, SandboxAccess } from "../loop/sandbox-access.ts";
import { ConfigHistory } from "../records/config-history.ts";
import { OutputLog } from "../records/output-log.ts";
import type { AdminViews, ExplainQuery, NamedSandbox } from "../views/admin-views.ts";
import { findNamedSandbox } from "../views/named-sandbox.ts";
import { startAdminServer } from "./admin-server.ts";
import type { CommandMeter } from "./command-session.ts";
import type { KeptDecisions } from "./routes-egress.ts";

/** Counts nothing. */
export const silentMeter: CommandMeter = { execStarted: () => () => undefined, execBytes: () => undefined };

/** Of sandboxes without an egress list. */
export const NO_DECISIONS: KeptDecisions = { view: async () => ({ items: [], counts: [] }), subscribe: () => () => undefined };

export const NAME: SandboxName = toSandboxName("openclaw-sbx-agent-main-0f3c2a91");
const INSTANCE = toInstanceId("0123456789ab");

/** A sandbox that is ready, but for what the test says. */
export function sandboxOf(
  edit: { name?: SandboxName; spec?: Partial<Sandbox["spec"]>; status?: Partial<Sandbox["status"]>; ready?: boolean } = {},
): Sandbox {
  const at = toEpochMs(Date.UTC(2026, 0, 31, 12));
  const isReady = edit.ready ?? true;
  const condition = (type: "Ready" | "UpToDate", status: boolean, reason: string) => ({
    type,
    status: status ? ("True" as const) : ("False" as const),
    reason,
    message: status ? "all is well" : "it is being made",
    observedGeneration: 2,
    lastTransitionTime: at,
  });
  return {
    apiVersion: "openclaw.ai/v1",
    kind: "Sandbox",
    metadata: { name: edit.name ?? NAME, generation: 2, createdAt: at },
    spec: {
      kind: "tools",
      scopeKey: toScopeKey("agent:main"),
      agentId: toAgentId("main"),
      scope: "agent",
      hash: toSpecHash("0123456789abcdef"),
      live: { cpus: 0.5, memory: 268_435_456, memorySwap: null, pidsLimit: 512 },
      image: "openclaw-sandbox:bookworm-slim",
      wanted: true,
      because: "the config lists it",
      ...edit.spec,
    },
    status: {
      observedGeneration: 2,
      conditions: [
        condition("Ready", isReady, isReady ? "Serving" : "Progressing"),
        condition("UpToDate", isReady, isReady ? "UpToDate" : "Converging"),
      ],
      container: {
        id: toContainerId("c".repeat(64)),
        uid: toSandboxUid("3b0f9a52-6a43-4a86-9a55-0d1c8f2d7c11"),
        hash: toSpecHash("0123456789abcdef"),
        imageId: toImageId("sha256:1"),
        createdAt: at,
        startedAt: at,
      },
      drift: [],
      deferredUntil: null,
      deferredSince: null,
      change: null,
      lastUsedAt: null,
      failure: null,
      servingFailure: null,
      next: [],
      ...edit.status,
    },
  };
}

/** What the loop would show, as plain data that tests edit. */
export class MemoryViews implements AdminViews {
  readonly byName = new Map<SandboxName, Sandbox>();
  readonly #watchers = new Set<(name: SandboxName) => void>();
  readonly #log: SandboxEvent[] = [];
  readonly #followers = new Set<(event: SandboxEvent) => void>();
  ready = true;
  /** The first is the default one. All of them have scope agent. */
  agents = ["main"];
  /** Full keys. */
  readonly sessions = new Set<string>();
  planned: PlanView = { items: [], issues: [] };
  plannedWith: ConfigSources | null = null;
  readonly tried: ConfigEdit[] = [];
  explained: ExplainView | null = null;
  setupLog: SetupLogView = { state: "none", text: "", truncated: false };
  used: (sandbox: Sandbox) => SandboxUsage = ({ metadata, spec }) => ({
    ...{ name: metadata.name, agentId: spec.agentId, cpusMax: spec.live?.cpus ?? null, containerId: null, usage: null },
  });
  unownedObjects: UnownedObject[] = [];
  audited: AuditView = { items: [] };
  heldRemovals: HeldView = { items: [], removals: 0, of: 0 };
  pausedSince: number | null = null;
  findings: Finding[] = [];
  /** Thrown by every view. */
  fault: Error | null = null;

  put(sandbox: Sandbox): void {
    this.byName.set(sandbox.metadata.name, sandbox);
    for (const watcher of this.#watchers) watcher(sandbox.metadata.name);
  }

  drop(name: SandboxName): void {
    this.byName.delete(name);
    for (const watcher of this.#watchers) watcher(name);
  }

  record(event: Partial<SandboxEvent> = {}): void {
    const at = toEpochMs(Date.UTC(2026, 0, 31, 12));
    const recorded: SandboxEvent = {
      type: "Normal",
      reason: "Created",
      message: "create 0123",
      count: 1,
      firstSeen: at,
      lastSeen: at,
      object: { kind: "Sandbox", name: NAME },
      ...event,
      id: this.#log.length + 1,
    };
    this.#log.push(recorded);
    for (const follower of this.#followers) follower(recorded);
  }

  get watcherCount(): number {
    return this.#watchers.size + this.#followers.size;
  }

  readonly events: AdminViews["events"] = (() => {
    const views = this;
    return {
      get lastId() {
        return views.#log.length;
      },
      list: ({ afterId = 0, object }) =>
        views.#log.filter((event) => event.id > afterId && (object === undefined || event.object.name === object.name)),
      subscribe: (_afterId, listener) => {
        views.#followers.add(listener);
        return () => void views.#followers.delete(listener);
      },
    };
  })();

  status(): ControllerView {
    this.#strike();
    return {
      instance: INSTANCE,
      version: "0.1.0",
      stateDir: "/state",
      startedAt: 0,
      ready: this.ready,
      checks: [{ name: "engine", ok: this.ready, message: "the engine answers" }],
      engine: { endpoint: "fake://", product: "fake", version: "1" },
      config: { file: "/state/openclaw.json", ok: true, issues: [], loadedAt: 0 },
      sandboxes: this.byName.size,
      rolloutsPausedSince: this.pausedSince,
      removalsHeld: this.heldRemovals.items.length,
    };
  }

  sandboxes(): readonly Sandbox[] {
    return [...this.byName.values()];
  }

  sandbox(name: SandboxName): Sandbox | null {
    return this.byName.get(name) ?? null;
  }

  find(text: string): NamedSandbox {
    const agents = this.agents.map((id, at) => ({ id, isDefault: at === 0 }));
    return findNamedSandbox(text, {
      ...{ agents, sandboxes: this.sandboxes(), hasSession: (key) => this.sessions.has(key) },
      givenTo: (key) => ({ scopeKey: key.split(":").slice(0, 2).join(":"), isSandboxed: true, because: "", fix: "" }),
    });
  }

  watch(listener: (name: SandboxName) => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  async plan(config: ConfigSources | null): Promise<PlanView> {
    this.plannedWith = config;
    return this.planned;
  }

  history(): HistoryView {
    const [none, moments] = [
      [0, 0],
      [0, 30_000],
    ];
    return {
      ...{ everyMs: 30_000, at: moments, ready: none, notReady: none, unknown: none, drifted: none },
      ...{ convergenceSeconds: [null, null], prunes: none, leaks: none },
    };
  }

  configText(): ConfigTextView {
    return { file: "/state/openclaw.json", text: "{}", revision: "1", included: [], problem: "", loadedAt: 0 };
  }

  async tryConfigEdit(edit: ConfigEdit): Promise<ConfigEditView> {
    this.tried.push(edit);
    return { issues: [], plan: null, others: 0, unplanned: "" };
  }

  async explain(query: ExplainQuery): Promise<ExplainView> {
    if (this.explained === null) throw new OperationError("NotFound", `there is no agent ${query.agentId ?? query.sessionKey}`);
    return this.explained;
  }

  async usage(sandboxes: readonly Sandbox[]): Promise<UsageView> {
    return { items: sandboxes.map((sandbox) => this.used(sandbox)) };
  }

  async logs(): Promise<SetupLogView> {
    return this.setupLog;
  }

  async audit(): Promise<AuditView> {
    return this.audited;
  }

  held(): HeldView {
    return this.heldRemovals;
  }

  async unowned(): Promise<readonly UnownedObject[]> {
    return this.unownedObjects;
  }

  async doctor(): Promise<DoctorView> {
    return { findings: this.findings };
  }

  async prune({ dryRun }: { dryRun: boolean }): Promise<PruneView> {
    return {
      items: this.unownedObjects,
      removed: dryRun ? [] : this.unownedObjects.filter(({ fate }) => fate === "removable").map(({ name }) => name),
    };
  }

  #strike(): void {
    if (this.fault !== null) throw this.fault;
  }
}

/** A state folder of its own. */
export function makeStateDir(prefix = "openclaw-server-"): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), prefix)));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Server {
  stateDir: string;
  views: MemoryViews;
  world: FakeWorld;
  handle: Handle;
  output: OutputLog;
  history: ConfigHistory;
  /** Leases that were taken and not given back. */
  readonly leases: ReadonlySet<Lease>;
  /** Another container is made: who finds the one of before gone is given this one. */
  succeed(): Promise<Handle>;
  /** As when a person asks for a recreation that ends live work. */
  revoke(): void;
  stop(): Promise<void>;
}

/** An admin server with one ready sandbox, on the model of an engine or on another one. */
export async function openServer(options: { clock?: Clock; stateDir?: string; engine?: Engine; handle?: Handle } = {}): Promise<Server> {
  const clock = options.clock ?? createSystemClock();
  const world = new FakeWorld(clock);
  world.tag("image:1", "sha256:1");
  const engine = options.engine ?? new FakeEngine(world, INSTANCE);
  const handle = options.handle ?? (await launch(engine));
  let serving = handle;
  let successor: Handle | null = null;
  const views = new MemoryViews();
  views.put(sandboxOf());
  const stateDir = options.stateDir ?? makeStateDir();
  const leases = new Set<Lease>();
  const revokes = new Set<AbortController>();
  const access: SandboxAccess = {
    commands: engine,
    lease: async (name) => {
      if (views.sandbox(name)?.status.conditions[0]?.status !== "True")
        throw new OperationError("NotReady", `sandbox ${name} is not ready: it is being made`);
      const abort = new AbortController();
      revokes.add(abort);
      const lease: Lease = {
        isLook: false,
        handle: serving,
        spec: { name, workdir: "/workspace", user: "1000:1000", env: { PASSPHRASE: "correct horse" } },
        revoked: abort.signal,
        next: async () => {
          lease[Symbol.dispose]();
          if (successor === null)
            throw new OperationError("NotReady", `sandbox ${name} is not ready: its container has just stopped serving`);
          serving = successor;
          return await access.lease(name);
        },
        [Symbol.dispose]: () => {
          leases.delete(lease);
          revokes.delete(abort);
        },
      };
      leases.add(lease);
      return lease;
    },
    look: () => Promise.reject(new OperationError("NotReady", "nothing looks over the admin server")),
    dial: () => Promise.reject(new OperationError("NotReady", "nothing is dialled over the admin server")),
  };
  const output = new OutputLog(() => clock.now());
  const history = await ConfigHistory.open({ folder: join(stateDir, "controller", "config-history"), now: () => clock.now() });
  const newProcessId = (): string => randomBytes(8).toString("hex");
  const server = await startAdminServer({
    stateDir,
    views,
    log: pino({ level: "silent" }),
    commands: { access, meter: silentMeter, output, clock, newProcessId },
    history,
  });
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= server.stop();
    return stopped;
  };
  onTestFinished(stop);
  const revoke = (): void => {
    for (const abort of revokes) abort.abort(new OperationError("Aborted", "a person asked for the sandbox to be recreated"));
  };
  const succeed = async (): Promise<Handle> => {
    successor = await launch(engine);
    return successor;
  };
  return { stateDir, views, world, handle, output, history, leases, succeed, revoke, stop };
}

async function launch(engine: Engine): Promise<Handle> {
  const identity = identityOf(INSTANCE);
  const created = await engine.create(identity, specOf("image:1"));
  await engine.act(created, identity, { kind: "start" });
  const [observation] = await engine.observe(identity.name);
  return observation?.handle ?? created;
}
