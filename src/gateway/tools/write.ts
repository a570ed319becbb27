// The tool `write`: a whole file, new or in the place of the old one.
// How it gets there is files.ts; a part of a file is edit.ts.
import { z } from "zod";
import { OperationError } from "../../api/errors.ts";
import { Files } from "./files.ts";
import { defineTool, FilePath, FileText, toTextResult } from "./tool.ts";

const Input = z.strictObject({
  path: FilePath.describe("File; relative to the workspace, or absolute. Folders that are not there are made"),
  content: FileText.describe("All of its content"),
  encoding: z.enum(["utf8", "base64"]).optional().describe("What content is; default utf8"),
});

export const writeTool = defineTool({
  name: "write",
  description: "Write a whole file. One that is there is replaced at once and keeps its permissions.",
  input: Input,
  isInside: true,
  run: async ({ port, session, signal, newId }, { path, content, encoding }) => {
    const data = Buffer.from(content, encoding ?? "utf8");
    if (encoding === "base64" && !z.base64().safeParse(content).success)
      throw new OperationError("InvalidArgument", "write: content is not base64");
    const files = new Files({ port, sessionKey: session.spec.key, tool: "write", signal, newId });
    const [result] = await files.commit([{ kind: "put", path, data, expected: "any", like: null }]);
    return toTextResult(`${result} ${path} (${data.length} bytes)`, { path, result, bytes: data.length });
  },
});
