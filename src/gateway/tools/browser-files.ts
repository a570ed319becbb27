// Files between a session's workspace and its browser, by the same scripts and under the same policy as everything else that touches the workspace. What
// the browser offers lands where what people send lands; what it is given comes from the folder for media alone, which an agent fills on purpose.
import { posix } from "node:path";
import { OperationError } from "../../api/errors.ts";
import { MEDIA_FOLDER } from "../../api/file-scripts.ts";
import type { BrowserCall, Browsers } from "../browser/browsers.ts";
import { PIECE_BYTES_MAX, UPLOAD_BYTES_MAX } from "../browser/child/messages.ts";
import type { OfferedFile } from "../browser/process-answer.ts";
import { Files } from "./files.ts";
import { toMediaName } from "./media-name.ts";
import type { ToolScope } from "./tool.ts";

const MEDIA = posix.dirname(MEDIA_FOLDER);

/** Puts every file where the agent finds it, and lets the browser forget it. @returns paths, relative to the workspace */
export async function keepFiles(
  scope: ToolScope,
  browsers: Browsers,
  call: BrowserCall,
  offered: readonly OfferedFile[],
): Promise<string[]> {
  const { port, session, signal, newId } = scope;
  const paths: string[] = [];
  if (offered.length > 0) await port.ensureReady(session.spec.key, () => undefined, signal);
  const files = new Files({ port, sessionKey: session.spec.key, tool: "media", signal, newId });
  for (const file of offered) {
    const path = `${MEDIA_FOLDER}/${toMediaName(file.name, newId())}`;
    await files.put(path, { bytes: file.bytes, content: browsers.read(call, file) }, "none");
    await browsers.forget(call, file.file);
    paths.push(path);
  }
  return paths;
}

/** Gives the browser files of the workspace. @returns what an upload names them by. @throws OperationError as `read`, and for a path elsewhere */
export async function giveFiles(scope: ToolScope, browsers: Browsers, call: BrowserCall, paths: readonly string[]): Promise<string[]> {
  const { port, session, signal, newId, workdir } = scope;
  const wanted = paths.map((path) => ({ path: toMediaPath(path, workdir), name: posix.basename(path) }));
  await port.ensureReady(session.spec.key, () => undefined, signal);
  const files = new Files({ port, sessionKey: session.spec.key, tool: "read", signal, newId });
  const given: string[] = [];
  let bytes = 0;
  for (const { path, name } of wanted) {
    const { data } = await files.readWhole(path);
    bytes += data.length;
    if (bytes > UPLOAD_BYTES_MAX)
      throw new OperationError("PayloadTooLarge", `browser: more than ${UPLOAD_BYTES_MAX / 1_048_576} MiB are not uploaded at once`);
    const file = newId();
    await browsers.stage(call, { file, name }, toPieces(data));
    given.push(file);
  }
  return given;
}

function toMediaPath(path: string, workdir: string): string {
  const relative = posix.isAbsolute(path) ? posix.relative(workdir, path) : posix.normalize(path);
  if (relative.startsWith(`${MEDIA}/`)) return relative;
  throw new OperationError("Forbidden", `browser: ${JSON.stringify(path.slice(0, 200))} is not in ${MEDIA}/ of the workspace`, {
    fix: `copy what a page may have into ${MEDIA}/ first`,
  });
}

/** At least one, so that an empty file is a file. */
async function* toPieces(data: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at === 0 || at < data.length; at += PIECE_BYTES_MAX) yield data.subarray(at, at + PIECE_BYTES_MAX);
}
