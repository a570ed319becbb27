// Finds the folders that were made for sessions, and removes those whose session is gone where the config says so. Which may go, and
// when, is decide/workspaces.ts's; how a folder is removed is folder-removal.ts's. A folder without our owner marker is never touched.
import { lstat, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { type EpochMs, type InstanceId, renderTime, type SandboxName, toEpochMs, toSandboxName, toScopeKey } from "../../api/brands.ts";
import { pathsOverlap } from "../../api/config/bind-source.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import { toAgentOfKey, toLegacySlug, toSlug } from "../../api/names.ts";
import { readBounded, removeFile, replaceFile } from "../../api/store/atomic-file.ts";
import type { UnownedObject } from "../../api/wire.ts";
import { dispositionOf, type WorkspaceDisposition, type WorkspaceRelease } from "../decide/workspaces.ts";
import { type RemovalBudget, removeAsides, setAside } from "../folders/folder-removal.ts";
import { isPrivate, type OpenFolder, openFolder, openInside } from "../folders/open-folder.ts";
import type { Activity } from "../records/activity.ts";
import type { DamagedFiles } from "../records/damaged-files.ts";
import type { EventLog } from "../records/event-log.ts";
import { MARKER_BYTES_MAX, OWNERS_FOLDER, type OwnerMarker, parseOwnerMarker } from "../records/owner-marker.ts";
import type { DesiredState } from "../sources/desired-state.ts";

const SUFFIX = ".json";
/** What one sweep removes at most, in files and folders: about a second of the disk's time. */
const ENTRIES_PER_SWEEP_MAX = 20_000;
/** Then each is told once more. */
const PROBLEMS_TOLD_MAX = 1_000;

export interface WorkspaceSweepParts {
  now(): EpochMs;
  instance: InstanceId;
  desired: DesiredState;
  activity: Activity;
  events: EventLog;
  damaged: DamagedFiles;
  log: Logger;
  /** Folders that hold scope workspaces. */
  roots(): readonly string[];
  /** Whether the removal of this sandbox waits for a person: then its folder is as much in use as ever. */
  holds(name: SandboxName): boolean;
  /** What keeps the workspace of this sandbox, in words. null: nothing does. */
  keeper(name: SandboxName, path: string): Promise<string | null>;
}

interface Found {
  root: string;
  slug: string;
  path: string;
  marker: OwnerMarker;
}

export class WorkspaceSweep {
  readonly #parts: WorkspaceSweepParts;
  /** Markers of each root as last read: they are read again when their folder changed. */
  readonly #known = new Map<string, { changedAt: number; found: Found[] }>();
  readonly #told = new Set<string>();

  constructor(parts: WorkspaceSweepParts) {
    this.#parts = parts;
  }

  /** What nothing asks for now. Changes nothing. */
  async observe(): Promise<UnownedObject[]> {
    const unowned: UnownedObject[] = [];
    for (const root of this.#parts.roots()) {
      for (const found of await this.#find(root)) {
        const object = toObject(found, await this.#dispositionOf(found));
        if (object !== null && (await isFolder(found.path))) unowned.push(object);
      }
    }
    return unowned;
  }

  /** Removes what may go, within what one sweep may do. @returns what was set aside, by path */
  async run(): Promise<string[]> {
    const removed: string[] = [];
    const budget: RemovalBudget = { entries: ENTRIES_PER_SWEEP_MAX };
    for (const root of this.#parts.roots()) {
      for (const found of await this.#find(root)) {
        try {
          if (await this.#settle(found)) removed.push(found.path);
        } catch (error) {
          if (!(error instanceof OperationError)) throw error;
          this.#warn(renderError(error));
        }
      }
      for (const problem of await removeAsides(root, budget)) this.#warn(problem);
    }
    return removed;
  }

  /** @returns whether the folder was set aside */
  async #settle(found: Found): Promise<boolean> {
    const { events, log } = this.#parts;
    const disposition = await this.#dispositionOf(found);
    const { path, marker } = found;
    const release = disposition.kind === "waits" ? disposition.release : null;
    if (disposition.kind !== "removable") {
      await this.#remember(found, release, disposition);
      return false;
    }
    const isThere = (await lstat(path).catch(() => null)) !== null;
    if (isThere) await setAside(found.root, found.slug);
    // The folder goes before its marker: what a crash leaves in between is a marker without a folder, never a folder without a marker.
    await this.#inOwners(found.root, async (owners) => await removeFile(join(owners.at, markerNameOf(found))));
    if (!isThere) return false;
    log.info({ workspace: path, because: disposition.because }, "workspace removed");
    const object = { kind: "Sandbox" as const, name: marker.name };
    events.record({ type: "Normal", reason: "WorkspaceRemoved", message: `${path} was removed: ${disposition.because}`, object });
    return true;
  }

  /** Once, though it is tried again each time. */
  #warn(problem: string): void {
    if (this.#told.has(problem)) return;
    if (this.#told.size >= PROBLEMS_TOLD_MAX) this.#told.clear();
    this.#told.add(problem);
    this.#parts.log.warn({ problem }, "workspace not removed");
  }

  /** Since when the session is missed is part of the marker, so that a restart neither shortens nor prolongs the wait. */
  async #remember(found: Found, release: WorkspaceRelease | null, disposition: WorkspaceDisposition): Promise<void> {
    const { path, marker } = found;
    const { release: before, ...rest } = marker;
    const after = release === null ? null : { since: renderTime(release.since), ended: release.ended };
    if (JSON.stringify(before ?? null) === JSON.stringify(after)) return;
    const next: OwnerMarker = after === null ? rest : { ...rest, release: after };
    const text = `${JSON.stringify(next)}\n`;
    await this.#inOwners(found.root, async (owners) => await replaceFile(join(owners.at, markerNameOf(found)), text, { durable: false }));
    if (before !== undefined || disposition.kind !== "waits") return;
    const object = { kind: "Sandbox" as const, name: marker.name };
    const type = disposition.release.ended ? ("Normal" as const) : ("Warning" as const);
    this.#parts.events.record({ type, reason: "WorkspaceReleased", message: `${path}: ${disposition.because}`, object });
  }

  async #dispositionOf({ path, marker }: Found): Promise<WorkspaceDisposition> {
    const { now: clock, desired, activity, keeper } = this.#parts;
    const now = clock();
    const [name, scopeKey] = [toSandboxName(marker.name), toScopeKey(marker.scopeKey)];
    if (this.#parts.holds(name)) return { kind: "owned" };
    const agentId = toAgentOfKey(scopeKey);
    const agent = desired.agents.find(({ id }) => id === agentId);
    const want = desired.want(name, { name, kind: "tools", scopeKey, createdAt: null, lastUsedAt: activity.lastUsedAt(name) }, now);
    const release = marker.release === undefined ? null : { ...marker.release, since: toEpochMs(Date.parse(marker.release.since)) };
    const facts = { now, scopeKey, want, policy: agent?.sandbox.prune.workspaces ?? null, usedBy: null, release };
    const disposition = dispositionOf(facts);
    // Who else has it is asked only where it matters: it costs looks at the host.
    if (disposition.kind === "owned" || disposition.kind === "kept") return disposition;
    return dispositionOf({ ...facts, usedBy: (await keeper(name, path)) ?? (await this.#ownerOf(path)) });
  }

  /** An agent's own folder, and what an agent binds, is never a session's, wherever the config puts it. */
  async #ownerOf(path: string): Promise<string | null> {
    const real = await resolve(path);
    for (const { id, sandbox } of this.#parts.desired.agents) {
      if (pathsOverlap(real, await resolve(sandbox.agentWorkspace))) return `agent ${id}, whose workspace it is`;
      for (const { source } of sandbox.docker.binds) if (pathsOverlap(real, await resolve(source))) return `docker.binds of agent ${id}`;
    }
    return null;
  }

  async #find(root: string): Promise<readonly Found[]> {
    return (await this.#inOwners(root, async (owners) => await this.#findIn(owners, root))) ?? [];
  }

  /** What others can write in holds no markers of ours. null: there are none. */
  async #inOwners<Result>(root: string, act: (owners: OpenFolder) => Promise<Result>): Promise<Result | null> {
    await using top = await openFolder(root);
    await using owners = top === null ? null : await openInside(top, OWNERS_FOLDER);
    if (owners === null) return null;
    if (isPrivate(await owners.handle.stat())) return await act(owners);
    this.#warn(`${join(root, OWNERS_FOLDER)} belongs to another user, or others can write in it: its ownership records are ignored`);
    return null;
  }

  async #findIn(owners: OpenFolder, root: string): Promise<readonly Found[]> {
    const { mtimeMs: changedAt } = await owners.handle.stat();
    const known = this.#known.get(root);
    if (known?.changedAt === changedAt) return known.found;
    // It may be gone by now, with the whole state folder: then nothing in it is anybody's to remove.
    const files = await readdir(owners.at).catch(() => []);
    const found: Found[] = [];
    for (const file of files.filter((name) => name.endsWith(SUFFIX))) {
      const slug = file.slice(0, -SUFFIX.length);
      const marker = await this.#readMarker({ at: join(owners.at, file), path: join(root, OWNERS_FOLDER, file) });
      // The folder that is acted on follows from the marker's place, never from what it says.
      if (marker !== null && this.#isOurs(marker, slug)) found.push({ root, slug, path: join(root, slug), marker });
    }
    this.#known.set(root, { changedAt, found });
    return found;
  }

  /** `at` is where it is read, `path` what a person is told. null: nobody's. */
  async #readMarker({ at, path }: { at: string; path: string }): Promise<OwnerMarker | null> {
    const read = await readBounded(at, MARKER_BYTES_MAX);
    const marker = read.kind === "read" ? parseOwnerMarker(read.text) : null;
    if (marker === null && read.kind !== "missing") this.#parts.damaged.report("owner", path);
    return marker;
  }

  /** In the form that names have now, or in the one that they had. */
  #isOurs({ instance, scopeKey }: OwnerMarker, slug: string): boolean {
    const ours = this.#parts.instance;
    return instance === ours && [toSlug, toLegacySlug].some((toName) => toName(ours, toScopeKey(scopeKey)) === slug);
  }
}

const markerNameOf = ({ slug }: Found): string => `${slug}${SUFFIX}`;
const isFolder = async (path: string): Promise<boolean> => (await lstat(path).catch(() => null))?.isDirectory() === true;
const resolve = (path: string): Promise<string> => realpath(path).catch(() => path);

function toObject({ path }: Found, disposition: WorkspaceDisposition): UnownedObject | null {
  if (disposition.kind === "owned") return null;
  return { kind: "workspace", name: path, because: disposition.because, fate: disposition.kind, size: null };
}
