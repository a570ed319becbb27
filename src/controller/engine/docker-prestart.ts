// Keeps a few execs started and waiting in containers that are in use, so that the next command there need not wait for the engine to start one.
// Each is used once. Which commands run in one, and what happens to them then, is docker-commands.ts's.
import { Socket } from "node:net";
import { MARK_VARIABLE } from "../../api/kill-script.ts";
import type { Opened } from "./docker-run.ts";
import type { ExecRequest, Handle, WaitingListener } from "./engine.ts";
import type { ExecEnds } from "./exec-ends.ts";
import { toRequestText } from "./exec-scripts.ts";
import type { Looks } from "./looks.ts";

/** An exec that waits for its command. */
export interface Waiter {
  mark: string;
  opened: Opened;
  /** Resolves when the run of the container that it is in goes on, as of a moment after it was claimed. @throws as `mustRun` */
  check(): Promise<void>;
}

export interface PrestartParts {
  /** Starts one that reads its request from its input. null: there is no room for it. @throws OperationError */
  open(handle: Handle, mark: string, created: (execId: string) => void): Promise<Opened | null>;
  /** @throws NotBegun: that run of the container is over, or it is paused */
  check(handle: Handle): Promise<void>;
  /** What becomes of its execs is known here: the engine's events of them are nobody's hint. */
  ends: Pick<ExecEnds, "isLive" | "keepQuiet" | "onStir">;
  /** What waits is no use of its container. */
  looks: Looks;
  /** 8 to 64 of `[a-z0-9]`, never the same again. */
  newMark(): string;
}

/** In one container: parallel tool calls of one answer. Each takes two processes, 0.2 MB of memory and a connection to the engine. */
const PER_CONTAINER_MAX = 4;
/** Of all containers: 64 connections, 13 MB inside containers. */
const WAITERS_MAX = 64;
/** Starting one costs the engine what a command costs it: they must not crowd out commands. */
const STARTS_AT_ONCE_MAX = 2;
/** A record is written meanwhile, in 1 ms; a disk that takes longer must not make an old answer count. */
const CHECK_AGE_MS_MAX = 100;
/** A model thinks for so long between two tool calls, seldom longer. */
const IDLE_MS = 60_000;
/** The shell reads a byte at a time, 0.3 microseconds each: 5 ms, a tenth of what the engine takes. */
const REQUEST_BYTES_MAX = 16_384;

/**
 * Names that a shell changes, computes, protects or obeys: set once the shell runs they would mean something else than set before it.
 * Bash's, dash's, BusyBox's and mksh's.
 */
const SHELLS_OWN = new RegExp(
  `^(?:${[
    "_|PWD|OLDPWD|SHLVL|SHELL|SHELLOPTS|IFS|ENV|CDPATH|FPATH|PATHSEP|TMOUT|PS\\d|REPLY|MAPFILE|COPROC|FCEDIT|EXECIGNORE|TIMEFORMAT",
    "UID|EUID|USER_ID|GROUPS|PPID|PGRP|LINENO|RANDOM|SRANDOM|SECONDS|COLUMNS|LINES|OPTIND|OPTARG|OPTERR|DIRSTACK|PIPESTATUS",
    "LANG|LANGUAGE|LC_.*|BASH.*|POSIX.*|COMP_.*|EPOCH.*|HIST.*|FUNC.*|READLINE_.*|HOST.*|MACHTYPE|OSTYPE|KSH.*|GLOB.*|MAIL.*",
    "IGNOREEOF|INSIDE_EMACS|AUTO_RESUME|auto_resume|histchars|openclaw_.*",
  ].join("|")})$`,
);
const PORTABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The request as a waiter reads it. null: it must be the engine that starts this one. */
export function toWaiterText({ argv, env = {}, workdir, tty, stdin, outlivesCaller, isLook }: ExecRequest): string | null {
  if (tty !== undefined || outlivesCaller === true || isLook === true) return null;
  const variables = Object.entries(env).filter(([name]) => name !== MARK_VARIABLE);
  if (!variables.every(([name]) => PORTABLE_NAME.test(name) && !SHELLS_OWN.test(name))) return null;
  const text = toRequestText({ ...(workdir !== undefined && { workdir }), env: variables, argv, stdin });
  return Buffer.byteLength(text) <= REQUEST_BYTES_MAX ? text : null;
}

interface Kept extends Omit<Waiter, "check"> {
  key: string;
  handle: Handle;
  /** null: nobody has claimed it. */
  claimed: { at: number; stirs: number; check: Promise<void> } | null;
  /** How often something may have happened to its container since it was started. */
  stirs: number;
  /** Its run was checked after it was started, and by the engine's events nothing has happened to its container since: it need not be checked again. */
  isSettled: boolean;
  idleTimer: NodeJS.Timeout;
  /** It says nothing while it waits: any of these means that it waits no more. */
  drop(): void;
}

const EVENTS = ["data", "end", "close", "error"] as const;
/** The engine may show an exec for a moment after its input ended. */
const LINGER_MS = 60_000;

/** How many a container's next commands may find. */
interface Demand {
  wanted: number;
  starting: number;
}

const NOBODY: WaitingListener = { begins: async () => undefined, over: () => undefined };

const toKey = ({ id, incarnation }: Handle): string => `${id} ${incarnation}`;

export class Prestarts {
  readonly #parts: PrestartParts;
  readonly #kept = new Map<string, Kept>();
  /** By container and run. */
  readonly #demands = new Map<string, Demand>();
  /** Containers that have fewer than they should, in the order in which they were used. */
  readonly #short = new Map<string, Handle>();
  #starting = 0;
  #listener = NOBODY;

  constructor(parts: PrestartParts) {
    this.#parts = parts;
    parts.ends.onStir((containerId) => this.#stir(containerId));
  }

  /** One listener. */
  onWaiting(listener: WaitingListener): void {
    this.#listener = listener;
  }

  /** Of one that is the caller's from now on, which uses it by `take` within a minute. null: none waits there. */
  claim(handle: Handle, request: ExecRequest): string | null {
    if (toWaiterText(request) === null) return null;
    const key = toKey(handle);
    const demand = this.#demands.get(key);
    for (const kept of this.#kept.values()) {
      if (kept.key !== key || kept.claimed !== null) continue;
      // Beside whatever the caller has to do before it begins the command.
      const { stirs } = kept;
      kept.claimed = { at: performance.now(), stirs, check: kept.isSettled ? Promise.resolve() : this.#parts.check(handle) };
      kept.claimed.check.catch(() => undefined);
      // Whoever looks from now on sees a command.
      this.#parts.looks.delete(kept.opened.execId);
      return kept.mark;
    }
    // Commands come faster than they are replaced.
    if (demand !== undefined) demand.wanted = Math.min(PER_CONTAINER_MAX, demand.wanted + 1);
    return null;
  }

  /** null: it has ended meanwhile. */
  take(mark: string): Waiter | null {
    const kept = this.#kept.get(mark);
    if (kept === undefined) return null;
    this.#forget(kept);
    const { socket } = kept.opened;
    for (const event of EVENTS) socket.off(event, kept.drop);
    if (socket instanceof Socket) socket.ref();
    return { mark, opened: kept.opened, check: () => this.#check(kept) };
  }

  async #check({ handle, claimed, stirs, isSettled }: Kept): Promise<void> {
    if (isSettled) return;
    const isFresh = claimed !== null && claimed.stirs === stirs && performance.now() - claimed.at < CHECK_AGE_MS_MAX;
    await (isFresh ? claimed.check : this.#parts.check(handle));
  }

  /** The container is in use: its next commands find some. Returns at once. */
  refill(handle: Handle): void {
    const key = toKey(handle);
    if (!this.#demands.has(key)) this.#demands.set(key, { wanted: 1, starting: 0 });
    this.#short.delete(key);
    this.#short.set(key, handle);
    this.#startNext();
  }

  #startNext(): void {
    for (const [key, handle] of this.#short) {
      if (this.#starting >= STARTS_AT_ONCE_MAX || this.#kept.size + this.#starting >= WAITERS_MAX) return;
      const demand = this.#demands.get(key);
      if (demand === undefined || this.#waitingIn(key) + demand.starting >= demand.wanted) this.#short.delete(key);
      else void this.#start(handle, demand);
    }
  }

  #waitingIn(key: string): number {
    let count = 0;
    for (const kept of this.#kept.values()) if (kept.key === key && kept.claimed === null) count += 1;
    return count;
  }

  async #start(handle: Handle, demand: Demand): Promise<void> {
    const { open, looks, ends, newMark } = this.#parts;
    const [key, mark] = [toKey(handle), newMark()];
    let execId: string | null = null;
    demand.starting += 1;
    this.#starting += 1;
    try {
      await this.#listener.begins(handle, mark);
      const opened = await open(handle, mark, (id) => {
        execId = id;
        looks.add(id);
        ends.keepQuiet(id);
      });
      const drop = (): void => this.#drop(mark);
      if (opened === null) return this.#giveUp(key, mark);
      this.#keep({
        key,
        handle,
        mark,
        opened,
        claimed: null,
        stirs: 0,
        isSettled: false,
        drop,
        idleTimer: setTimeout(drop, IDLE_MS).unref(),
      });
    } catch {
      // Whatever it is, the next command meets it and says so.
      if (execId !== null) looks.delete(execId);
      this.#giveUp(key, mark);
    } finally {
      demand.starting -= 1;
      this.#starting -= 1;
      this.#startNext();
    }
  }

  #giveUp(key: string, mark: string): void {
    this.#demands.delete(key);
    this.#listener.over(mark);
  }

  #keep(kept: Kept): void {
    const { socket } = kept.opened;
    this.#kept.set(kept.mark, kept);
    for (const event of EVENTS) socket.on(event, kept.drop);
    if (socket instanceof Socket) socket.unref();
    void this.#settle(kept);
  }

  /** Nothing in a container outlives its run: with the engine's events heard from before this look on, its connection says the rest. */
  async #settle(kept: Kept): Promise<void> {
    const { ends, check } = this.#parts;
    if (!ends.isLive) return;
    const { stirs } = kept;
    try {
      await check(kept.handle);
      kept.isSettled = kept.stirs === stirs;
    } catch {
      // It is paused, or its run is over: the next command meets that and says so.
    }
  }

  #stir(containerId: string | null): void {
    for (const kept of this.#kept.values()) {
      if (containerId !== null && containerId !== kept.handle.id) continue;
      kept.stirs += 1;
      kept.isSettled = false;
    }
  }

  /** Its shell ends with its input. */
  #drop(mark: string): void {
    const kept = this.#kept.get(mark);
    if (kept === undefined) return;
    this.#forget(kept);
    if (kept.claimed === null) this.#listener.over(mark);
    const { socket, execId } = kept.opened;
    socket.on("error", () => undefined);
    socket.destroy();
    setTimeout(() => this.#parts.looks.delete(execId), LINGER_MS).unref();
    if (this.#waitingIn(kept.key) === 0) this.#demands.delete(kept.key);
  }

  #forget(kept: Kept): void {
    clearTimeout(kept.idleTimer);
    this.#kept.delete(kept.mark);
  }
}
