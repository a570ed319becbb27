// Measures how much disk space an untrusted folder uses, as `du` does, and counts what in it runs as its owner, within a limit of entries and
// time. It changes nothing and follows no symlink.
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { ObjectSize } from "../../api/wire.ts";
import { type OpenFolder, openFolder, openInside } from "./open-folder.ts";

/** Shared by all folders of one answer. */
export interface MeasureLimits {
  /** Left to look at; one costs some 20 µs. */
  entries: number;
  signal: AbortSignal;
}

/** As `lstat` counts blocks. */
const BLOCK_BYTES = 512;
/** Each level keeps one folder open: far below what a process may have, far above what people nest. */
const DEPTH_MAX = 128;

export interface FolderSurvey extends ObjectSize {
  /** Files that run as their owner or group, whoever starts them. */
  setuidFiles: number;
}

const SETUID_OR_SETGID = 0o6000;

/** What can't be read counts as nothing, and makes the answer incomplete. Never rejects for what it finds. */
export async function surveyFolder(path: string, limits: MeasureLimits): Promise<FolderSurvey> {
  const survey: FolderSurvey = { bytes: 0, complete: true, setuidFiles: 0 };
  try {
    await using folder = await openFolder(path);
    if (folder !== null) await surveyLevel(folder, DEPTH_MAX, { survey, limits });
  } catch {
    survey.complete = false;
  }
  return survey;
}

export async function measureFolder(path: string, limits: MeasureLimits): Promise<ObjectSize> {
  const { bytes, complete } = await surveyFolder(path, limits);
  return { bytes, complete };
}

/** Each folder is opened in the one that was read: a name that leads elsewhere by now is not gone to. */
async function surveyLevel(folder: OpenFolder, depthLeft: number, walk: { survey: FolderSurvey; limits: MeasureLimits }): Promise<void> {
  const { survey, limits } = walk;
  for await (const entry of await opendir(folder.at)) {
    if (limits.entries <= 0 || limits.signal.aborted || depthLeft === 0) {
      survey.complete = false;
      return;
    }
    limits.entries -= 1;
    try {
      const facts = await lstat(join(folder.at, entry.name));
      survey.bytes += facts.blocks * BLOCK_BYTES;
      if (facts.isFile() && (facts.mode & SETUID_OR_SETGID) !== 0) survey.setuidFiles += 1;
      if (!entry.isDirectory()) continue;
      await using inner = await openInside(folder, entry.name);
      if (inner !== null) await surveyLevel(inner, depthLeft - 1, walk);
    } catch {
      survey.complete = false;
    }
  }
}
