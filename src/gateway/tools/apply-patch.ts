// The tool `apply_patch`: adds, changes, moves and deletes files as one patch says, all of it or nothing.
// The format is patch.ts, what it comes to patch-apply.ts.
import { z } from "zod";
import { type FileChange, Files, renderInPlace } from "./files.ts";
import { parsePatch } from "./patch.ts";
import { planPatch } from "./patch-apply.ts";
import { defineTool, FileText, toTextResult } from "./tool.ts";

const Input = z.strictObject({
  input: FileText.min(1).describe(
    '"*** Begin Patch", then for each file "*** Add File: PATH" with + lines, "*** Delete File: PATH", or "*** Update File: PATH" (then maybe "*** Move to: PATH") with hunks of "@@" or "@@ LINE" and lines that begin with space, - or +; "*** End Patch"',
  ),
});

export const applyPatchTool = defineTool({
  name: "apply_patch",
  description: "Apply a patch in the *** Begin Patch format to the workspace: every change of it, or none.",
  input: Input,
  isInside: true,
  holdsFiles: true,
  run: async ({ port, session, workdir, signal, newId }, { input }) => {
    const patches = parsePatch(input);
    const files = new Files({ port, sessionKey: session.spec.key, tool: "apply_patch", signal, newId });
    const changes = await planPatch(patches, workdir, (path) => files.readWhole(path));
    const results = changes.length > 0 ? await files.commit(changes) : [];
    const inPlace = changes.filter((_, index) => results[index] === "overwritten").map(({ path }) => path);
    const lines = changes.map((change) => `${toLetter(change)} ${change.path}`);
    return toTextResult((lines.join("\n") || "(the patch changes nothing)") + renderInPlace(inPlace), {
      changes: changes.map((change) => ({ path: change.path, change: toLetter(change) })),
      ...(inPlace.length > 0 && { inPlace }),
    });
  },
});

function toLetter(change: FileChange): "A" | "M" | "D" {
  if (change.kind === "drop") return "D";
  return change.expected === "none" ? "A" : "M";
}
