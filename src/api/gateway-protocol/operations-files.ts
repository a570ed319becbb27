// Operations on the files of a session's sandbox, as they are: a part of the table in operations.ts. What a model reads and writes are tools.
// Whose they are to read and write is gateway/sessions/session-files.ts's.
import { z } from "zod";
import type { Operation, SentBody } from "./operation.ts";

const PATH_LENGTH_MAX = 4_096;

const Time = z.int().meta({ description: "Milliseconds since 1970" });
const Path = z.string().min(1).max(PATH_LENGTH_MAX).meta({ description: "Relative to the workspace, or absolute" });
const Version = z
  .string()
  .regex(/^[A-Za-z0-9:.-]{1,256}$/, "expected a version, as reading the file answers it in its ETag")
  .meta({ description: "Of the file, as reading it answers in its ETag: another one is left alone. Absent: whatever is there" });
const FolderAnswer = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      kind: z
        .enum(["file", "folder", "other"])
        .meta({ description: "Of a link what it leads to; `other` is what can't be opened by this name" }),
      isLink: z.boolean(),
      bytes: z.int().nullable().meta({ description: "null: it is no file, or a link" }),
      modifiedAt: Time,
    }),
  ),
  total: z.int().meta({ description: "How many there are: the answer has 2 000 of them at most" }),
});

export const FILE_OPERATIONS = {
  listFiles: {
    method: "get",
    path: "/v1/sessions/{key}/folder",
    summary: "What is in a folder of the session's sandbox, by the policy of `read`; it is no use of the sandbox, and wakes none",
    scope: "operator.read",
    socket: "files.list",
    query: z.object({
      path: z
        .string()
        .max(PATH_LENGTH_MAX)
        .optional()
        .meta({ description: "Relative to the workspace, or absolute. Absent: the workspace" }),
    }),
    answer: FolderAnswer,
  },
  readFile: {
    method: "get",
    path: "/v1/sessions/{key}/files/{path}",
    summary: "A file in the session's sandbox, relative to its workspace or absolute; at most 64 MiB. Its ETag is its version",
    scope: "operator.read",
    answer: z.unknown(),
    bytes: "answer",
  },
  writeFile: {
    method: "put",
    path: "/v1/sessions/{key}/files/{path}",
    summary:
      "Writes a whole file, at once; with If-None-Match: * only where none is, with If-Match: ETAG only over that version. At most 64 MiB",
    scope: "operator.write",
    body: z.custom<SentBody>(),
    answer: z.object({ path: z.string(), result: z.string(), bytes: z.int() }),
    bytes: "body",
  },
  receiveMedia: {
    method: "post",
    path: "/v1/sessions/{key}/media",
    summary: "A file from a person, for the agent to read: under a name of its own in media/inbound. At most 64 MiB",
    scope: "operator.write",
    query: z.object({ name: z.string().min(1).max(255).optional() }),
    body: z.custom<SentBody>(),
    answer: z.object({ path: z.string(), bytes: z.int() }),
    bytes: "body",
  },
  moveFile: {
    method: "post",
    path: "/v1/sessions/{key}/moves",
    summary:
      "Gives a file or folder in the session's sandbox another name or place, by the policy of `write`. It replaces nothing; a link is moved itself",
    scope: "operator.write",
    socket: "files.move",
    body: z.strictObject({ from: Path, to: Path, version: Version.optional() }),
    answer: z.object({ from: z.string(), to: z.string() }),
  },
  removeFile: {
    method: "delete",
    path: "/v1/sessions/{key}/files/{path}",
    summary:
      "Removes a file, a link or an empty folder in the session's sandbox, by the policy of `write`; with `contents` a folder goes with all that is in it",
    scope: "operator.write",
    socket: "files.remove",
    query: z.object({ version: Version.optional(), contents: z.enum(["remove"]).optional() }),
    answer: z.object({ removed: z.string() }),
  },
  makeFolder: {
    method: "post",
    path: "/v1/sessions/{key}/folder",
    summary: "Makes a folder in the session's sandbox, in one that is there, by the policy of `write`",
    scope: "operator.write",
    socket: "files.makeFolder",
    body: z.strictObject({ path: Path }),
    answer: z.object({ path: z.string() }),
  },
} as const satisfies Record<string, Operation>;
