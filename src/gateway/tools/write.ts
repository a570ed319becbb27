// The tool `write`: a whole file, new or in the place of the old one.
// How it gets there is files.ts; a part of a file is edit.ts.
import { z } from "zod";
import { CONTENT_LENGTH_MAX, toUpload } from "./file-content.ts";
import { Files, renderInPlace } from "./files.ts";
import { defineTool, FilePath, toTextResult } from "./tool.ts";

const Input = z.strictObject({
  path: FilePath.describe("File; relative to the workspace, or absolute. Folders that are not there are made"),
  content: z.string().max(CONTENT_LENGTH_MAX).describe("All of its content, 64 MiB at most"),
  encoding: z.enum(["utf8", "base64"]).optional().describe("What content is; default utf8"),
});

export const writeTool = defineTool({
  name: "write",
  description:
    "Write a whole file. One that is there is replaced at once and keeps its permissions; where that is impossible, it is written in place, which is said.",
  input: Input,
  isInside: true,
  run: async ({ port, session, signal, newId }, { path, content, encoding }) => {
    const upload = toUpload(content, encoding ?? "utf8");
    const files = new Files({ port, sessionKey: session.spec.key, tool: "write", signal, newId });
    const result = await files.put(path, upload, "any");
    const remark = renderInPlace(result === "overwritten" ? [path] : []);
    return toTextResult(`${result} ${path} (${upload.bytes} bytes)${remark}`, { path, result, bytes: upload.bytes });
  },
});
