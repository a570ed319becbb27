// `openclaw sandbox cp`: one file from here into a sandbox, or out of it. Which side is which the paths say; the file passes through as it comes, and
// takes its place whole (sandbox-files.ts). Folders are not copied: tar is, through `sandbox exec`.
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { OperationError } from "../../api/errors.ts";
import { toFileError } from "../../api/store/atomic-file.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { type StateOptions, toAbsolute, toStateDir } from "../paths.ts";
import { SandboxFiles } from "../sandbox-files.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { renderBytes } from "../text.ts";

type Side = { kind: "host"; path: string } | { kind: "sandbox"; name: string; path: string };

/** A name has colons of its own (`agent:work:main`): an absolute path begins at the first `:/`, any other after the last colon. */
function parseSide(text: string): Side {
  if (text === "") throw new OperationError("InvalidArgument", "a path is empty");
  if (/^(?:[/~]|\.\.?(?:\/|$))/.test(text) || !text.includes(":")) return { kind: "host", path: text };
  const absolute = text.indexOf(":/");
  const at = absolute < 0 ? text.lastIndexOf(":") : absolute;
  return { kind: "sandbox", name: text.slice(0, at), path: text.slice(at + 1) };
}

export async function copyFile(
  context: CliContext,
  paths: { source: string; target: string },
  options: StateOptions & { json?: boolean },
): Promise<ExitCode> {
  const [source, target] = [parseSide(paths.source), parseSide(paths.target)];
  const client = new AdminClient(toStateDir(context, options));
  const filesOf = async (text: string): Promise<SandboxFiles> =>
    new SandboxFiles(client, (await findSandboxNamed(client, text)).metadata.name);
  if (source.kind === "host" && target.kind === "sandbox") {
    const path = toAbsolute(context, source.path);
    const files = await filesOf(target.name);
    const { bytes, place } = await files.put(path, await files.toTarget(target.path, basename(path)));
    return report(context, { bytes, from: path, to: `${files.name}:${place}` }, options);
  }
  if (source.kind === "sandbox" && target.kind === "host") {
    const files = await filesOf(source.name);
    const path = await toHostTarget(toAbsolute(context, target.path), { text: target.path, name: basename(source.path) });
    const bytes = await files.get(source.path, path);
    return report(context, { bytes, from: `${files.name}:${source.path}`, to: path }, options);
  }
  throw new OperationError("InvalidArgument", "one of the two is a file here, the other one NAME:PATH in a sandbox", {
    fix: "openclaw sandbox cp FILE NAME:PATH, or openclaw sandbox cp NAME:PATH FILE",
  });
}

interface Copied {
  bytes: number;
  from: string;
  to: string;
}

function report(context: CliContext, copied: Copied, { json }: { json?: boolean }): ExitCode {
  if (json === true) printJson(context, copied);
  else print(context, `${renderBytes(copied.bytes)} copied to ${copied.to}`);
  return EXIT.ok;
}

/** In a folder it keeps its name. @throws OperationError `HostRejected`: a folder that is not there */
async function toHostTarget(path: string, { text, name }: { text: string; name: string }): Promise<string> {
  const isFolder = await stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return join(path, name);
  if (text.endsWith("/")) throw toFileError("write", path, Object.assign(new Error("not a folder"), { code: "ENOTDIR" }));
  return path;
}
