// The engine port: what the loop needs from whatever runs containers: facts and operations. Docker implements it (docker.ts), a model of
// it implements it for fast tests (fake.fixture.ts), and one contract suite holds both to the same truth. Nothing here decides anything.
import type { Readable, Writable } from "node:stream";
import type { ContainerId, EpochMs, InstanceId, SandboxName, ScopeKey } from "../../api/brands.ts";
import { type ErrorCode, OperationError } from "../../api/errors.ts";
import type { ContainerSpec, LiveSpec, SandboxKind } from "../../api/sandbox.ts";
import type { Usage } from "../../api/usage.ts";
import type { Capabilities, ContainerState, Handle, Identity, ImageFact, Observation, Surveyed } from "../decide/observation.ts";
import type { EgressEngine } from "./egress-engine.ts";

export type { Capabilities, ContainerState, Handle, Identity, ImageFact, Observation, Surveyed };

export interface EngineInfo {
  /** `docker`, `podman`, `fake`. */
  product: string;
  version: string;
  /** e.g. `1.41`. */
  apiVersion: string;
  /** Where it was found, e.g. `unix:///var/run/docker.sock`. */
  endpoint: string;
  /** Why this one: `DOCKER_HOST`, `the current context, "colima"`, `socket of Docker`. */
  because: string;
  /** As the engine's `/info` lists them: `seccomp`, `apparmor`, `selinux`, `rootless`, `userns`, `cgroupns`. */
  securityOptions: readonly string[];
  /** `default`, `builtin`, `unconfined`, a path. null: the engine does not say. */
  seccompProfile: string | null;
  cgroupVersion: string;
  /** `cgroupfs`, `systemd`; `none`: nothing is limited. */
  cgroupDriver: string;
  runtimes: readonly string[];
  /** The program that starts containers, as it was packaged, e.g. `runc` `1.1.5+ds1-1+deb12u1`. null: the engine does not say. */
  runtimeProgram: { name: string; version: string } | null;
  storageDriver: string;
  /** Its clock when it answered. null: it does not say. */
  systemTime: EpochMs | null;
  /** Whether its init can stay above a command without a terminal: what the command starts can't leave it then by losing its parent. */
  subreaper: boolean;
}

/** A line of the cheap listing. */
export interface Listed {
  id: ContainerId;
  name: SandboxName;
  kind: SandboxKind;
  scopeKey: ScopeKey;
  createdAt: EpochMs;
  actualName: string;
  state: ContainerState;
}

export type Act =
  | { kind: "start" }
  /** Gives the container its final name: its setup is complete. Also repairs a name changed by hand. */
  | { kind: "promote" }
  | { kind: "update"; live: LiveSpec }
  | { kind: "unpause" }
  | { kind: "attach"; network: string }
  /** For a network that the spec does not name. */
  | { kind: "detach"; network: string }
  /** Ends every process and removes the container. Succeeds when it is gone already. */
  | { kind: "retire" };

export interface ExecRequest {
  argv: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Absent: the container's workdir. */
  workdir?: string;
  /** Allocate a terminal of this size; stdout and stderr are one stream then. Absent: no terminal. */
  tty?: { columns: number; rows: number };
  stdin: boolean;
  /** Its name, for `endCommands`: 8 to 64 of `[a-z0-9]`, never the same again, or what `claim` said. Absent: one of the engine's. */
  mark?: string;
  /** It goes on without whoever started it: its connection keeps no process from ending. Absent: it does. */
  outlivesCaller?: true;
  /** It only looks: while it runs the sandbox is in no use. Absent: it is one. */
  isLook?: true;
}

/** Of a command nothing was started, for certain: the same call may be made again, here or in the next container. */
export class NotBegun extends OperationError {
  constructor(error: OperationError) {
    super(error.code, error.message, { cause: error, ...(error.fix !== undefined && { fix: error.fix }) });
  }

  /** Whether it is the container or the engine that is not there just now, rather than the command that is wrong. */
  get isPassing(): boolean {
    return (["StaleHandle", "NotReady", "EngineUnreachable", "EngineTimeout"] satisfies ErrorCode[] as ErrorCode[]).includes(this.code);
  }
}

/** What goes wrong in this call goes wrong before a command begins. */
export async function orNotBegun<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw error instanceof OperationError ? new NotBegun(error) : error;
  }
}

/**
 * A running command inside a sandbox. Reading slowly slows the command down; nothing is buffered without bound, so both outputs must be
 * read (or destroyed): one that is not read stops the other after 64 KiB. No stream ever emits an error; `exit` tells what happened.
 */
export interface ExecStream {
  /** null when the request had `stdin: false`. What is written after the command ended is dropped. */
  stdin: Writable | null;
  stdout: Readable;
  /** Ends at once when there is a terminal. */
  stderr: Readable;
  /** Exit code, once all output was delivered. Rejects with `StaleHandle` when the container went away, `EngineUnreachable` when the stream broke, `InvalidArgument` when the workdir is none. */
  exit: Promise<number>;
  /** Known at its exit: whether something that it left running still has its outputs, of which nothing more comes. false also where an engine does not show it. */
  readonly outputHeld: boolean;
  resize(size: { columns: number; rows: number }): Promise<void>;
  /**
   * Sends a signal (`TERM`, `INT`, `KILL` ...) to the process group inside; `KILL` also ends children that left the group, and where that
   * is impossible (the process limit is reached) the container. Never rejects once the container is gone.
   *
   * @throws OperationError `NotReady` when the container is paused, or too full for anything but `KILL`
   */
  signal(name: string): Promise<void>;
}

/** Hears of processes that wait for a command, each by the name that `claim` says of it. */
export interface WaitingListener {
  /** Before one begins, which waits for this. Never rejects. */
  begins(handle: Handle, mark: string): Promise<void>;
  /** Nobody has claimed it, and nobody will. */
  over(mark: string): void;
}

/** `name` when it is known what changed, `relist` when anything may have. */
export type Hint = { kind: "name"; name: SandboxName } | { kind: "relist"; cause: string };

/** A container for a moment's look at how this engine runs one. */
export interface ProbeRequest {
  spec: ContainerSpec;
  /** The main process runs it by `sh -c`, then sleeps. */
  script: string;
}

/** Something of ours on the engine that is not a container in use: for the sweep. A probe is a container that is no sandbox. */
export type ObjectKind = "container" | "probe" | "network" | "volume";

export interface EngineObject {
  kind: ObjectKind;
  ref: string;
  name: string;
  createdAt: EpochMs | null;
  labels: Readonly<Record<string, string>>;
}

/** Every call has a deadline and rejects with an `OperationError`; codes are in `src/api/errors.ts`. */
export interface Engine {
  /** Whose containers are listed, observed and made. */
  readonly instance: InstanceId;
  readonly capabilities: Capabilities;
  readonly egress: EgressEngine;
  info(): Promise<EngineInfo>;
  /** What the reference means now. Never pulls. */
  resolveImage(reference: string): Promise<ImageFact>;
  /** Every container of this instance: names and states only, one look. Complete or it throws; soon, when the engine does not answer at all. */
  list(): Promise<Listed[]>;
  /** Every container whose labels name this instance and this sandbox, freshly inspected. Complete or it throws. */
  observe(name: SandboxName): Promise<Observation[]>;
  /**
   * Calls back with hints until the signal aborts; reconnects by itself, each time with a `relist`. Hints carry no facts.
   * @param connected told whether the stream is up
   */
  watch(hint: (hint: Hint) => void, connected: (up: boolean) => void, signal: AbortSignal): Promise<void>;
  /** Accepted, not yet started; the container has its pending name. `EngineConflict` when that name is taken. */
  create(identity: Identity, spec: ContainerSpec): Promise<Handle>;
  act(handle: Handle, identity: Pick<Identity, "name">, act: Act): Promise<void>;
  /**
   * The name under which such a command, run at once, begins sooner: of a process that was started for it beforehand and is this caller's from now on. It
   * is not in use until then. null: there is none.
   */
  claim(handle: Handle, request: ExecRequest): string | null;
  /** One listener: a later one takes the place of an earlier one. */
  onWaiting(listener: WaitingListener): void;
  /** @throws NotBegun nothing was started; any other OperationError: something may run */
  exec(handle: Handle, request: ExecRequest): Promise<ExecStream>;
  /**
   * Ends the commands of these marks with all that they started, whether they run or are yet to begin: one that begins later ends at once.
   *
   * @throws OperationError `StaleHandle`: that run of the container is over, and they with it; else something may go on
   */
  endCommands(handle: Handle, marks: readonly string[]): Promise<void>;
  /**
   * What lies at each of these absolute paths inside this run of the container, symlinks followed: device and inode as `stat -c %d:%i` prints
   * them, `?` where something is there that the image can't name, null where nothing is.
   * @param by whose programs tell: the container's `image` where nothing else can have been put in between; else `beside`: another container
   * of that image, which mounts nothing and which nothing in there can reach
   */
  identify(handle: Handle, paths: readonly string[], by: "image" | "beside"): Promise<(string | null)[]>;
  /** Whether any exec runs inside, ours or a person's, but for our looks (`isLook`). `unknown` counts as yes. */
  inUse(handle: Handle): Promise<"yes" | "no" | "unknown">;
  /**
   * Runs a container beside all sandboxes: no listing, observation or hint shows it, `objects("probe")` does. It is gone when this returns, whatever
   * happened; after a crash it ends and goes by itself within a minute of its start.
   */
  probe<T>(request: ProbeRequest, look: (handle: Handle) => Promise<T>): Promise<T>;
  /** Every container that says it is an OpenClaw sandbox, whoever made it. Changes nothing. Complete or it throws. */
  survey(): Promise<Surveyed[]>;
  /** Objects that carry this instance's label. */
  objects(kind: ObjectKind): Promise<EngineObject[]>;
  removeObject(object: EngineObject): Promise<void>;
  /** What a container has written to its own layer, bytes. null: it is gone, or the engine does not say. */
  writtenBytes(id: ContainerId): Promise<number | null>;
  /** One look at what a container uses. null: it is gone, or does not run. */
  usage(id: ContainerId): Promise<Usage | null>;
}
