// The owner marker of a workspace: a file that says that the controller made the folder, and for whom. Its form and its place; making
// it is folders/host-folders.ts's, removing it with its folder the sweep's.
import { basename, dirname, join } from "node:path";
import { z } from "zod";

/** Beside the workspaces, where nothing inside a sandbox can see or forge it. */
export const OWNERS_FOLDER = ".owners";

export const MARKER_BYTES_MAX = 16_384;

/** Says that a workspace folder was made by the controller, for whom. A folder without one is never removed. */
export const OwnerMarker = z.strictObject({
  instance: z.string(),
  name: z.string(),
  scopeKey: z.string(),
  path: z.string(),
  createdAt: z.iso.datetime(),
  /** Since when its session has been missed, and whether the session had said that it ended. Absent: it is not. */
  release: z.strictObject({ since: z.iso.datetime(), ended: z.boolean() }).optional(),
});
export type OwnerMarker = z.output<typeof OwnerMarker>;

/** null: not a marker. */
export function parseOwnerMarker(text: string): OwnerMarker | null {
  try {
    return OwnerMarker.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function markerPath(workspaceDir: string): string {
  return join(dirname(workspaceDir), OWNERS_FOLDER, `${basename(workspaceDir)}.json`);
}
