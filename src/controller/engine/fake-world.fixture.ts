// A model of one engine's host for fast tests: containers, images, networks, and what people and misfortune do to them. Controllers see it
// through FakeEngine (fake.fixture.ts); tests act on it here. It keeps Docker's semantics where the contract suite pins them, and no more.
import { existsSync, realpathSync, statSync } from "node:fs";
import { type ContainerId, type EpochMs, type ImageId, toContainerId, toImageId } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import type { LiveSpec } from "../../api/sandbox.ts";
import type { Tuning } from "../decide/observation.ts";
import type { ContainerState, EngineObject, Hint, Observation } from "./engine.ts";
import { asSetup, type FakeExec, type FakeProgram, runVocabulary } from "./fake-exec.fixture.ts";

/** The engine's operations as faults and the call log name them. */
export type FakeOperation =
  | "info"
  | "resolveImage"
  | "list"
  | "observe"
  | "create"
  | "start"
  | "promote"
  | "update"
  | "unpause"
  | "attach"
  | "detach"
  | "retire"
  | "exec"
  | "endCommands"
  | "identify"
  | "inUse"
  | "probe"
  | "objects"
  | "survey"
  | "writtenBytes"
  | "usage"
  /** Any call of the egress part. */
  | "egress"
  | "removeObject";

export interface FakeContainer {
  readonly id: ContainerId;
  readonly labels: Readonly<Record<string, string>>;
  name: string;
  state: ContainerState;
  startedAt: EpochMs | null;
  finishedAt: EpochMs | null;
  /** Counts starts; part of the incarnation. */
  starts: number;
  exitCode: number | null;
  oomKilled: boolean;
  readonly createdAt: EpochMs;
  readonly imageId: ImageId;
  readonly networks: Set<string>;
  live: LiveSpec;
  tuning: Tuning;
  readonly created: Observation["created"];
  readonly execs: Set<FakeExec>;
  /** Commands that were given up, whether they had begun or not. */
  readonly endedMarks: Set<string>;
  /** What each source was when the container was started, by target: the engine looks paths up then. Sources that are not there are not in it. */
  readonly mounted: Map<string, { real: string; identity: string }>;
  /** Ports that `dial` reaches. */
  readonly ports: Map<number, FakeProgram>;
}

export interface FakeImage {
  id: ImageId;
  user: string;
  env: Readonly<Record<string, string>>;
}

interface Fault {
  operation: FakeOperation | "any";
  /** Calls until it strikes; 1 is the next one. */
  left: number;
  when: "before" | "after";
  what: OperationError | "hang";
}

export interface Watcher {
  instance: string;
  hint: (hint: Hint) => void;
  connected: (up: boolean) => void;
}

export class FakeWorld {
  readonly clock: Clock;
  readonly containers = new Map<ContainerId, FakeContainer>();
  readonly images = new Map<string, FakeImage>();
  readonly networks = new Set(["none", "bridge"]);
  readonly runtimes = new Set(["runc"]);
  /** Another kernel than this process's has other numbers for the same files; a program for them is not in every image. */
  files: "same-kernel" | "other-kernel" | "no-program" = "same-kernel";
  /** What somebody does on the host right before a start looks its sources up, and right after. */
  duringStart: { before(): void; after(): void } = { before: () => undefined, after: () => undefined };
  /** Mount sources that the host does not have. */
  readonly missingSources = new Set<string>();
  /** Networks and volumes that carry labels. */
  readonly objects: EngineObject[] = [];
  /** Every call that reached the engine, oldest first: `start openclaw-sbx-a-12345678`. Tests may empty it. */
  readonly calls: string[] = [];
  readonly watchers = new Set<Watcher>();
  readonly #byName = new Map<string, FakeContainer>();
  readonly #bySandbox = new Map<string, Set<FakeContainer>>();
  readonly #faults: Fault[] = [];
  readonly #refusals: ((operation: FakeOperation, container: FakeContainer | null) => OperationError | null)[] = [];
  readonly #programs: ((argv: readonly string[], container: FakeContainer) => FakeProgram | undefined)[] = [];
  #ids = 0;
  #hintsToDrop = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  // Misfortune.

  /** The `nth` call of the operation from now on fails; `after`: its effect happens all the same. */
  failCall(operation: FakeOperation | "any", nth: number, error: OperationError, when: "before" | "after" = "before"): void {
    this.#faults.push({ operation, left: nth, when, what: error });
  }

  /** The `nth` call of the operation from now on never answers: it ends with `EngineTimeout` at its deadline. */
  hangCall(operation: FakeOperation | "any", nth: number, when: "before" | "after" = "before"): void {
    this.#faults.push({ operation, left: nth, when, what: "hang" });
  }

  /** Lasting: every act for which `errorFor` names an error ends with it and without an effect. The container is null for one that is made. */
  refuse(errorFor: (operation: FakeOperation, container: FakeContainer | null) => OperationError | null): void {
    this.#refusals.push(errorFor);
  }

  /** @throws OperationError what a refusal names */
  checkRefusals(operation: FakeOperation, container: FakeContainer | null): void {
    for (const errorFor of this.#refusals) {
      const error = errorFor(operation, container);
      if (error !== null) throw error;
    }
  }

  clearFaults(): void {
    this.#refusals.length = 0;
    this.#faults.length = 0;
  }

  /** The fault that strikes this call, if any. One strikes once. */
  takeFault(operation: FakeOperation): { when: "before" | "after"; what: OperationError | "hang" } | null {
    const counting = this.#faults.filter((fault) => fault.operation === operation || fault.operation === "any");
    for (const fault of counting) fault.left -= 1;
    const due = counting.find((fault) => fault.left <= 0);
    if (due === undefined) return null;
    this.#faults.splice(this.#faults.indexOf(due), 1);
    return due;
  }

  /** The next `count` hints get lost, as with a listener that was too slow. Infinity: all from now on. */
  dropHints(count: number): void {
    this.#hintsToDrop = count;
  }

  /** The event stream breaks and comes back. */
  reconnect(): void {
    for (const watcher of this.watchers) {
      watcher.connected(false);
      watcher.connected(true);
      watcher.hint({ kind: "relist", cause: "connected" });
    }
  }

  // People.

  /** Adds an image or points its tag to another one. */
  tag(reference: string, id: string, facts: Partial<Omit<FakeImage, "id">> = {}): ImageId {
    const image = { id: toImageId(id), user: facts.user ?? "", env: facts.env ?? {} };
    this.images.set(reference, image);
    this.#broadcast({ kind: "relist", cause: "image" });
    return image.id;
  }

  untag(reference: string): void {
    this.images.delete(reference);
    this.#broadcast({ kind: "relist", cause: "image" });
  }

  /** The main process ends. */
  die(id: ContainerId, exitCode = 137, oomKilled = false): void {
    const container = this.mustGet(id);
    if (container.state !== "running" && container.state !== "paused") return;
    container.state = "exited";
    container.exitCode = exitCode;
    container.oomKilled = oomKilled;
    container.finishedAt = this.clock.now();
    this.#breakExecs(container);
    this.changed(container);
  }

  /** As `docker start`. */
  start(id: ContainerId): void {
    const container = this.mustGet(id);
    container.state = "running";
    container.startedAt = this.clock.now();
    container.starts += 1;
    this.duringStart.before();
    container.mounted.clear();
    for (const { source, target } of container.created.mounts) {
      if (existsSync(source)) container.mounted.set(target, { real: realpathSync(source), identity: identityOf(source) });
    }
    this.duringStart.after();
    container.exitCode = null;
    container.oomKilled = false;
    this.changed(container);
  }

  /** By its tag or its id. */
  imageOf(reference: string): FakeImage | undefined {
    return this.images.get(reference) ?? [...this.images.values()].find(({ id }) => id === reference);
  }

  pause(id: ContainerId): void {
    const container = this.mustGet(id);
    if (container.state === "running") container.state = "paused";
    this.changed(container);
  }

  rename(id: ContainerId, name: string): void {
    const container = this.mustGet(id);
    const holder = this.#byName.get(name);
    if (holder !== undefined && holder !== container) {
      throw new OperationError("EngineConflict", `the name ${name} is already in use by container ${holder.id}`);
    }
    this.#byName.delete(container.name);
    container.name = name;
    this.#byName.set(name, container);
    this.changed(container);
  }

  /** As `docker update`. */
  limit(id: ContainerId, live: Partial<LiveSpec>): void {
    const container = this.mustGet(id);
    container.live = { ...container.live, ...live };
    this.changed(container);
  }

  /** As `docker update` with options that no key of the config speaks of. */
  tune(id: ContainerId, tuning: Partial<Tuning>): void {
    const container = this.mustGet(id);
    container.tuning = { ...container.tuning, ...tuning };
    this.changed(container);
  }

  /** As `docker network connect`. */
  connect(id: ContainerId, network: string): void {
    const container = this.mustGet(id);
    container.networks.add(network);
    this.changed(container);
  }

  /** As `docker network disconnect`. */
  disconnect(id: ContainerId, network: string): void {
    const container = this.mustGet(id);
    container.networks.delete(network);
    this.changed(container);
  }

  /** As `docker rm -f`. */
  remove(id: ContainerId): void {
    const container = this.containers.get(id);
    if (container === undefined) return;
    this.#breakExecs(container);
    this.containers.delete(id);
    if (this.#byName.get(container.name) === container) this.#byName.delete(container.name);
    this.#bySandbox.get(sandboxKey(container.labels))?.delete(container);
    this.changed(container);
  }

  /** A program for commands that `matches` accepts; the newest one that does is taken, before the fixed vocabulary. */
  onExec(matches: (argv: readonly string[], container: FakeContainer) => boolean, program: FakeProgram): void {
    this.#programs.unshift((argv, container) => (matches(argv, container) ? program : undefined));
  }

  programFor(argv: readonly string[], container: FakeContainer): FakeProgram {
    return asSetup(argv, this.#programFor(argv, container));
  }

  #programFor(argv: readonly string[], container: FakeContainer): FakeProgram {
    for (const choose of this.#programs) {
      const program = choose(argv, container);
      if (program !== undefined) return program;
    }
    return runVocabulary;
  }

  /** As `stat` inside says it: mounts and what lies in them; nothing else is there. */
  identify(container: FakeContainer, paths: readonly string[]): (string | null)[] {
    return paths.map((path) => this.#identify(container, path));
  }

  #identify(container: FakeContainer, path: string): string | null {
    const isAt = (target: string): boolean => path === target || path.startsWith(`${target}/`);
    const [target] = [...container.mounted.keys()].filter(isAt).sort((left, right) => right.length - left.length);
    const mounted = target === undefined ? undefined : container.mounted.get(target);
    if (target === undefined || mounted === undefined) return null;
    const below = `${mounted.real}${path.slice(target.length)}`;
    if (path !== target && !existsSync(below)) return null;
    if (this.files === "no-program") return "?";
    const identity = path === target ? mounted.identity : identityOf(below);
    return this.files === "same-kernel" ? identity : identity.replace(":", ":9");
  }

  // Keeping the books.

  newId(): ContainerId {
    this.#ids += 1;
    return toContainerId(this.#ids.toString(16).padStart(64, "0"));
  }

  /** @throws OperationError `EngineConflict` when the name is taken */
  add(container: FakeContainer): void {
    const holder = this.#byName.get(container.name);
    if (holder !== undefined) {
      throw new OperationError("EngineConflict", `the name ${container.name} is already in use by container ${holder.id}`);
    }
    this.containers.set(container.id, container);
    this.#byName.set(container.name, container);
    const key = sandboxKey(container.labels);
    const siblings = this.#bySandbox.get(key) ?? new Set();
    siblings.add(container);
    this.#bySandbox.set(key, siblings);
    this.changed(container);
  }

  of(instance: string, name: string): Iterable<FakeContainer> {
    return this.#bySandbox.get(`${instance}\0${name}`) ?? [];
  }

  mustGet(id: ContainerId): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new OperationError("StaleHandle", `no such container: ${id}`);
    return container;
  }

  /** Tells the watchers of its instance. */
  changed(container: FakeContainer): void {
    const [instance, name] = [container.labels[LABEL.instance], container.labels[LABEL.name]];
    if (instance === undefined || name === undefined) return;
    this.#broadcast({ kind: "name", name: name as Extract<Hint, { kind: "name" }>["name"] }, instance);
  }

  #broadcast(hint: Hint, instance?: string): void {
    if (this.#hintsToDrop > 0) {
      this.#hintsToDrop -= 1;
      return;
    }
    for (const watcher of this.watchers) {
      if (instance !== undefined && watcher.instance !== instance) continue;
      queueMicrotask(() => {
        if (this.watchers.has(watcher)) watcher.hint(hint);
      });
    }
  }

  #breakExecs(container: FakeContainer): void {
    for (const exec of container.execs) exec.break(new OperationError("StaleHandle", `container ${container.id} ended`));
    container.execs.clear();
  }
}

function identityOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

const sandboxKey = (labels: Readonly<Record<string, string>>): string => `${labels[LABEL.instance]}\0${labels[LABEL.name]}`;
