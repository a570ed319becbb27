// The tool `edit`: replaces pieces of a text file that must each be there exactly once, all of them or none.
// The replacing itself is text-edit.ts.
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { decodeFile } from "../../api/text/decoded-file.ts";
import { Files, renderInPlace } from "./files.ts";
import { applyEdits, type TextEdit } from "./text-edit.ts";
import { defineTool, FilePath, FileText, toTextResult } from "./tool.ts";

const EDITS_MAX = 1_000;
const piece = {
  oldText: FileText.describe("Text to replace; exactly as it is in the file, and there once only"),
  newText: FileText.describe("Text in its place"),
  replaceAll: z.boolean().optional().describe("Replace it wherever it is"),
};

const Input = z.strictObject({
  path: FilePath.describe("File; relative to the workspace, or absolute"),
  oldText: piece.oldText.optional(),
  newText: piece.newText.optional(),
  replaceAll: piece.replaceAll,
  edits: z
    .array(z.strictObject(piece))
    .min(1)
    .max(EDITS_MAX)
    .optional()
    .describe("Several replacements in one file, instead of oldText and newText"),
});

export const editTool = defineTool({
  name: "edit",
  description: "Replace text in a file. Each piece must occur exactly once; several are done together or not at all.",
  input: Input,
  isInside: true,
  holdsFiles: true,
  run: async ({ port, session, signal, newId }, input) => {
    // Half a character in them would be taken for a byte of the file.
    const edits = toEdits(input).map((edit) => ({ ...edit, oldText: edit.oldText.toWellFormed(), newText: edit.newText.toWellFormed() }));
    const files = new Files({ port, sessionKey: session.spec.key, tool: "edit", signal, newId });
    const { data, version } = await files.readWhole(input.path);
    const file = decodeFile(data);
    if (file === null) throw new OperationError("InvalidArgument", `edit: ${JSON.stringify(input.path)} is no text`);
    const changed = file.encode(applyEdits(file.text, edits));
    const [result] = await files.commit([{ kind: "put", path: input.path, data: changed, expected: { version }, like: null }]);
    const isInPlace = result === "overwritten";
    const remark = renderInPlace(isInPlace ? [input.path] : []);
    return toTextResult(`edited ${input.path} (${edits.length === 1 ? "1 edit" : `${edits.length} edits`})${remark}`, {
      path: input.path,
      edits: edits.length,
      ...(isInPlace && { inPlace: true }),
    });
  },
});

function toEdits({ oldText, newText, replaceAll, edits }: z.output<typeof Input>): TextEdit[] {
  const isOne = oldText !== undefined && newText !== undefined && edits === undefined;
  if (isOne) return [{ oldText, newText, all: replaceAll === true }];
  if (edits === undefined || oldText !== undefined || newText !== undefined)
    throw new OperationError("InvalidArgument", "edit: either oldText and newText, or edits");
  return edits.map((edit) => ({ ...edit, all: edit.replaceAll === true }));
}
