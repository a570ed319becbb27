// Moves, removes and makes entries of folders in a sandbox, one at a time: what a person does with files on a page. The tools of a model have exec and
// apply_patch for that. The script is api/file-scripts.ts.
import type { SessionKey } from "../../api/brands.ts";
import { toScriptError, toScriptPath } from "../../api/file-answers.ts";
import { ARRANGE_ENTRY, toFileCommand } from "../../api/file-scripts.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { runScript } from "./script.ts";

/** Paths are relative to the workspace, or absolute. `version`: of the file that was meant; null: whatever is there. */
export type Arrangement =
  | { kind: "move"; path: string; target: string; version: string | null }
  /** A folder only where nothing is in it, or with all that is in it. */
  | { kind: "remove" | "remove-all"; path: string; version: string | null }
  | { kind: "folder"; path: string };

/** The word before the new path is looked at. */
const OUTPUT_BYTES_MAX = 16;

/** One that has begun is finished. @throws OperationError `NotFound`, `Forbidden`, and `Aborted`: another file is there, the new name is taken, or the folder is not empty */
export async function arrangeEntry(
  { port, sessionKey, signal }: { port: SandboxPort; sessionKey: SessionKey; signal: AbortSignal },
  change: Arrangement,
): Promise<void> {
  const target = change.kind === "move" ? change.target : null;
  const version = change.kind === "folder" ? null : change.version;
  const args = [change.kind, toScriptPath(change.path), version ?? "any", target === null ? "" : toScriptPath(target)];
  signal.throwIfAborted();
  const request = { tool: "write", argv: toFileCommand(ARRANGE_ENTRY, args), outputBytesMax: OUTPUT_BYTES_MAX } as const;
  const answer = await runScript(port, sessionKey, request, new AbortController().signal);
  if (answer.code === 0) return;
  throw toScriptError(answer, target !== null && answer.output.length > 0 ? target : change.path);
}
