// Runs a container as the config's sandboxes would run, for a moment, and reports what it could see and write, which can't be determined
// from outside. What the report means is probe-checks.ts; nothing is left behind.
import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { AgentId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import type { ContainerSpec, Mount } from "../../api/sandbox.ts";
import { readBounded } from "../../api/store/atomic-file.ts";
import type { Engine, Handle } from "../engine/engine.ts";

/** Sandboxes that run alike: one probe speaks for them. */
export interface ProbeTarget {
  agents: readonly AgentId[];
  container: ContainerSpec;
  /** Workspace folders that are there, each mounted writable. */
  workspaces: readonly string[];
  /** Agent workspaces that `workspaceAccess: "ro"` shows, each mounted read-only. */
  shown: readonly string[];
}

export interface ProbeReport {
  target: ProbeTarget;
  outcome:
    | { kind: "failed"; error: OperationError }
    | {
        kind: "looked";
        /** Whether the main process saw a file of this machine, and this machine the file that it wrote. */
        mainSees: boolean;
        /** Whether a command that is run in the container later sees the same file. */
        execSees: boolean;
        unwritable: readonly string[];
        unreadable: readonly string[];
        /** Of the file system that holds the containers' own layers. null: the image has no df. */
        space: { freeBytes: number; totalBytes: number } | null;
      };
}

const INSIDE = "/openclaw-doctor";
const CANARY = `${INSIDE}/canary`;
const WORKSPACE = `${INSIDE}/workspace-`;
const SHOWN = `${INSIDE}/shown-`;
const FOLDER_PREFIX = ".openclaw-doctor-";
/** None works for a minute, and two clocks may differ. */
const LEFTOVER_AGE_MS_MIN = 5 * 60_000;
/** The main process copies one line right after its start. */
const COPY_LOOKS_MAX = 50;
const COPY_POLL_MS = 40;
/** A UUID and a newline. */
const NONCE_BYTES_MAX = 64;

export interface ProbeParts {
  engine: Engine;
  /** A folder of this machine in which the file is put that the container must see. */
  folder: string;
  now(): number;
}

/** Never rejects for what the engine or the host does: that is the report. */
export async function probe(parts: ProbeParts, target: ProbeTarget): Promise<ProbeReport> {
  let canary: string | null = null;
  try {
    canary = await mkdtemp(join(parts.folder, FOLDER_PREFIX));
    return { target, outcome: await lookInside(parts.engine, target, canary) };
  } catch (error) {
    return { target, outcome: { kind: "failed", error: toReason(error, parts.folder) } };
  } finally {
    if (canary !== null) await rm(canary, { recursive: true, force: true });
  }
}

async function lookInside(engine: Engine, target: ProbeTarget, canary: string): Promise<ProbeReport["outcome"]> {
  const nonce = randomUUID();
  await writeFile(join(canary, "host"), `${nonce}\n`, { mode: 0o644 });
  // Whoever the container's user is must read and write here; the folder above keeps everybody else out.
  await chmod(canary, 0o777);
  const spec = toProbeSpec(target, canary);
  return await engine.probe({ spec, script: `cat ${CANARY}/host >${CANARY}/main` }, async (handle) => {
    const report = await runReport(engine, handle, nonce);
    const lines = report.split("\n");
    return {
      kind: "looked" as const,
      mainSees: await appears(join(canary, "main"), nonce),
      execSees: lines.includes(`sees ${nonce}`),
      unwritable: target.workspaces.filter((_, index) => !lines.includes(`writable ${WORKSPACE}${index}`)),
      unreadable: target.shown.filter((_, index) => !lines.includes(`readable ${SHOWN}${index}`)),
      space: parseSpace(lines),
    };
  });
}

/** The sandbox's own confinement; nothing of its work: no network, secrets, devices, setup. */
function toProbeSpec({ container, workspaces, shown }: ProbeTarget, canary: string): ContainerSpec {
  const bind = (source: string, target: string, readOnly = false): Mount => ({ kind: "bind", source, target, readOnly });
  return {
    ...container,
    workdir: "/",
    network: "none",
    env: { HOME: "/" },
    gpus: null,
    dns: [],
    extraHosts: [],
    setupCommand: null,
    mounts: [
      bind(canary, CANARY),
      ...workspaces.map((dir, index) => bind(dir, `${WORKSPACE}${index}`)),
      ...shown.map((dir, index) => bind(dir, `${SHOWN}${index}`, true)),
    ],
    live: { cpus: null, memory: null, memorySwap: null, pidsLimit: 64 },
  };
}

const REPORT = `echo "sees $(cat ${CANARY}/host)"
for folder in ${WORKSPACE}*; do
  file="$folder/${FOLDER_PREFIX}$1"
  if (: >"$file") 2>/dev/null && rm -f "$file"; then echo "writable $folder"; fi
done
for folder in ${SHOWN}*; do
  if ls "$folder" >/dev/null 2>&1; then echo "readable $folder"; fi
done
df -Pk / | tail -n 1`;

/** The container ends by itself within a minute, and this with it. */
async function runReport(engine: Engine, handle: Handle, nonce: string): Promise<string> {
  const stream = await engine.exec(handle, { argv: ["sh", "-c", REPORT, "doctor", nonce], stdin: false });
  const [report] = await Promise.all([text(stream.stdout), text(stream.stderr), stream.exit]);
  return report;
}

async function appears(path: string, nonce: string): Promise<boolean> {
  for (let looks = 0; looks < COPY_LOOKS_MAX; looks += 1) {
    // What the container wrote may be anything: a file without end, a FIFO, a link to another one.
    const read = await readBounded(path, NONCE_BYTES_MAX);
    if (read.kind === "read" && read.text === `${nonce}\n`) return true;
    await pause(COPY_POLL_MS);
  }
  return false;
}

/** `overlay 1024-blocks used available capacity /` */
function parseSpace(lines: readonly string[]): { freeBytes: number; totalBytes: number } | null {
  const match = /^\S+ +(\d+) +\d+ +(\d+) +\d+% +\/$/.exec(lines.filter((line) => line !== "").at(-1) ?? "");
  return match === null ? null : { totalBytes: Number(match[1]) * 1024, freeBytes: Number(match[2]) * 1024 };
}

/** What doctors that were killed left: a container that was never started, a folder. @throws OperationError as the engine says */
export async function removeLeftovers({ engine, folder, now }: ProbeParts): Promise<void> {
  const isOld = (at: number): boolean => now() - at > LEFTOVER_AGE_MS_MIN;
  for (const left of await engine.objects("probe")) {
    if (left.createdAt !== null && isOld(left.createdAt)) await engine.removeObject(left);
  }
  for (const name of (await readdir(folder).catch(() => [])).filter((each) => each.startsWith(FOLDER_PREFIX))) {
    const path = join(folder, name);
    const facts = await stat(path).catch(() => null);
    if (facts !== null && isOld(facts.mtimeMs)) await rm(path, { recursive: true, force: true });
  }
}

/** What is not an operating error of the engine is one of this machine's files. */
function toReason(error: unknown, folder: string): OperationError {
  if (error instanceof OperationError) return error;
  if (error instanceof Error && "syscall" in error)
    return new OperationError("HostRejected", `can't create a probe file in ${folder}: ${error.message}`, { cause: error });
  throw error;
}
