// Knows how much sandboxes' workspaces take on disk, and which take more than their `docker.workspaceSize`: those get no writes of file tools
// until files are gone. Commands write past it: no file system that every host has can bound a folder. It measures, and removes nothing.
import type { Logger } from "pino";
import { type DurationMs, type EpochMs, elapsed, MINUTE_MS, type SandboxName, SECOND_MS } from "../../api/brands.ts";
import { renderConfigSize } from "../../api/config/values.ts";
import type { DesiredSandbox } from "../decide/types.ts";
import { surveyFolder } from "../folders/folder-size.ts";
import type { WorkspaceFigures } from "../metrics/metrics-workspaces.ts";
import type { EventInput } from "../records/event-log.ts";

/** Of one workspace: some 4 s of the disk's time. More files than this are not counted whole, and are too many where there is a limit. */
const ENTRIES_MAX = 200_000;
/** Of one round: the rest has its turn in the next, the longest unmeasured first. */
const ROUND_MS_MAX = 10 * SECOND_MS;
/** A write that is refused, or allowed on an old figure, has the workspace measured anew; not more often than this. */
const FRESH_MS = (5 * SECOND_MS) as DurationMs;
/** What was used is measured with the next sweep. */
const ROUND_INTERVAL_MS = MINUTE_MS;

export interface WorkspaceSizesParts {
  now(): EpochMs;
  /** Those that are wanted, whether they run or not. */
  sandboxes(): readonly Pick<DesiredSandbox, "name" | "workspace" | "settings">[];
  lastUsedAt(name: SandboxName): EpochMs | null;
  events: { record(event: EventInput): unknown };
  log: Logger;
  /** Of all workspaces that were measured. */
  measured(figures: WorkspaceFigures): void;
  /** Tests have fewer files. Absent: 200 000. */
  entriesMax?: number;
}

interface Measured {
  at: EpochMs;
  bytes: number;
  /** Files and folders were left when the count ended. */
  tooMany: boolean;
}

type Target = ReturnType<WorkspaceSizesParts["sandboxes"]>[number];

export class WorkspaceSizes {
  readonly #parts: WorkspaceSizesParts;
  /** By folder: sandboxes of an agent may share one. As many as are wanted. */
  readonly #measured = new Map<string, Measured>();
  readonly #told = new Set<string>();
  readonly #measuring = new Map<string, Promise<void>>();

  constructor(parts: WorkspaceSizesParts) {
    this.#parts = parts;
  }

  /** Measures each workspace that was used since it was measured last. */
  async round(): Promise<void> {
    const byFolder = new Map(this.#parts.sandboxes().map((target) => [target.workspace.dir, target]));
    for (const dir of this.#measured.keys()) if (!byFolder.has(dir)) this.#forget(dir);
    const startedAt = this.#parts.now();
    const due = [...byFolder.values()]
      .filter((target) => this.#isDue(target))
      .toSorted((left, right) => this.#age(right) - this.#age(left));
    for (const target of due) {
      if (elapsed(startedAt, this.#parts.now()) > ROUND_MS_MAX) break;
      await this.#measure(target);
    }
    this.#count();
  }

  /** Why a file tool may not write in this sandbox's workspace now, in words. null: it may. */
  refusal(target: Target): string | null {
    const { dir } = target.workspace;
    const sizeMax = target.settings.docker.workspaceSize;
    if (sizeMax === null) return null;
    if (this.#age(target) >= FRESH_MS) void this.#measure(target).then(() => this.#count());
    const measured = this.#measured.get(dir);
    return measured === undefined || !isOver(measured, sizeMax)
      ? null
      : renderOver(measured, sizeMax, this.#parts.entriesMax ?? ENTRIES_MAX);
  }

  #forget(dir: string): void {
    this.#measured.delete(dir);
    this.#told.delete(dir);
  }

  #age({ workspace }: Target): number {
    const measured = this.#measured.get(workspace.dir);
    return measured === undefined ? Number.POSITIVE_INFINITY : elapsed(measured.at, this.#parts.now());
  }

  #isDue(target: Target): boolean {
    const measured = this.#measured.get(target.workspace.dir);
    if (measured === undefined) return true;
    const usedAt = this.#parts.lastUsedAt(target.name);
    // A use that began before, and may have gone on since, counts for one round more.
    return usedAt !== null && elapsed(usedAt, measured.at) < ROUND_INTERVAL_MS;
  }

  /** One measurement of a folder at a time. */
  #measure(target: Target): Promise<void> {
    const { dir } = target.workspace;
    const underWay = this.#measuring.get(dir);
    if (underWay !== undefined) return underWay;
    const measuring = this.#survey(target).finally(() => this.#measuring.delete(dir));
    this.#measuring.set(dir, measuring);
    return measuring;
  }

  async #survey(target: Target): Promise<void> {
    const { dir } = target.workspace;
    const limits = { entries: this.#parts.entriesMax ?? ENTRIES_MAX, signal: AbortSignal.timeout(ROUND_MS_MAX) };
    const { bytes } = await surveyFolder(dir, limits);
    this.#measured.set(dir, { at: this.#parts.now(), bytes, tooMany: limits.entries <= 0 || limits.signal.aborted });
    this.#tell(target);
  }

  /** Once, when it goes over its limit, and once when it is below again. */
  #tell({ name, workspace: { dir }, settings }: Target): void {
    const sizeMax = settings.docker.workspaceSize;
    const measured = this.#measured.get(dir);
    const over = sizeMax !== null && measured !== undefined && isOver(measured, sizeMax);
    if (over === this.#told.has(dir)) return;
    const object = { kind: "Sandbox" as const, name };
    if (over) {
      this.#told.add(dir);
      const message = `${dir}: ${renderOver(measured, sizeMax, this.#parts.entriesMax ?? ENTRIES_MAX)}; write, edit and apply_patch are refused`;
      this.#parts.events.record({ type: "Warning", reason: "WorkspaceTooLarge", message, object });
      this.#parts.log.warn({ sandbox: name, workspace: dir, bytes: measured.bytes, sizeMax }, "workspace too large");
    } else {
      this.#told.delete(dir);
      this.#parts.events.record({ type: "Normal", reason: "WorkspaceWithinSize", message: `${dir}: file tools can write again`, object });
    }
  }

  #count(): void {
    const sizes = new Map(this.#parts.sandboxes().map(({ workspace, settings }) => [workspace.dir, settings.docker.workspaceSize]));
    const measured = [...this.#measured].filter(([dir]) => sizes.has(dir));
    const bytes = measured.map(([, each]) => each.bytes);
    const overSize = measured.filter(([dir, each]) => {
      const sizeMax = sizes.get(dir) ?? null;
      return sizeMax !== null && isOver(each, sizeMax);
    });
    this.#parts.measured({
      bytes: bytes.reduce((sum, each) => sum + each, 0),
      largestBytes: Math.max(0, ...bytes),
      overSize: overSize.length,
    });
  }
}

/** What can't be counted whole could hold anything behind what was counted. */
const isOver = ({ bytes, tooMany }: Measured, sizeMax: number): boolean => bytes > sizeMax || tooMany;

function renderOver({ bytes, tooMany }: Measured, sizeMax: number, entriesMax: number): string {
  const limit = `docker.workspaceSize, ${renderConfigSize(sizeMax)}`;
  if (bytes > sizeMax) return `the workspace uses ${renderMebibytes(bytes)}, more than ${limit}`;
  return tooMany ? `the workspace has more than ${entriesMax} files, too many to enforce ${limit}` : "";
}

const BYTES_PER_MIB = 2 ** 20;
const renderMebibytes = (bytes: number): string => `${Math.ceil(bytes / BYTES_PER_MIB)} MiB`;
