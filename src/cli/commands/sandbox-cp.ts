// `openclaw sandbox cp`: one file from here into a sandbox, or out of it; `-` is what is piped in or out, for where no file of the host is seen. Which side
// is which the paths say; a file takes its place whole (sandbox-files.ts). Folders are not copied: tar is, through `sandbox exec`.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { OperationError } from "../../api/errors.ts";
import { findPlace } from "../../api/place.ts";
import { toFileError } from "../../api/store/atomic-file.ts";
import { AdminClient } from "../admin-client.ts";
import { isCommandService } from "../command-service.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toAbsolute, toStateDir } from "../paths.ts";
import { SandboxFiles } from "../sandbox-files.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { renderBytes } from "../text.ts";

type Side = { kind: "pipe" } | { kind: "host"; path: string } | { kind: "sandbox"; name: string; path: string };

/** A name has colons of its own (`agent:work:main`): an absolute path begins at the first `:/`, any other after the last colon. */
function parseSide(text: string): Side {
  if (text === "") throw new OperationError("InvalidArgument", "a path is empty");
  if (text === "-") return { kind: "pipe" };
  if (/^(?:[/~]|\.\.?(?:\/|$))/.test(text) || !text.includes(":")) return { kind: "host", path: text };
  const absolute = text.indexOf(":/");
  const at = absolute < 0 ? text.lastIndexOf(":") : absolute;
  return { kind: "sandbox", name: text.slice(0, at), path: text.slice(at + 1) };
}

type CopyOptions = StateOptions & { json?: boolean };

export async function copyFile(context: CliContext, paths: { source: string; target: string }, options: CopyOptions): Promise<ExitCode> {
  const [source, target] = [parseSide(paths.source), parseSide(paths.target)];
  const client = new AdminClient(toStateDir(context, options));
  const filesOf = async (text: string): Promise<SandboxFiles> =>
    new SandboxFiles(client, (await findSandboxNamed(client, text)).metadata.name);
  if (source.kind !== "sandbox" && target.kind === "sandbox") {
    if (source.kind === "pipe") return await putPiped(context, { files: await filesOf(target.name), path: target.path }, options);
    const path = toAbsolute(context, source.path);
    await requireSeen(context, path, "openclaw sandbox cp - NAME:PATH < FILE");
    const files = await filesOf(target.name);
    const { bytes, place } = await files.put(path, await files.toTarget(target.path, basename(path)));
    return report(context, { bytes, from: path, to: `${files.name}:${place}` }, options);
  }
  if (source.kind === "sandbox" && target.kind !== "sandbox") {
    const files = await filesOf(source.name);
    if (target.kind === "pipe") return await getPiped(context, { files, path: source.path });
    const path = await toHostTarget(toAbsolute(context, target.path), { text: target.path, name: basename(source.path) });
    await requireSeen(context, path, "openclaw sandbox cp NAME:PATH - > FILE");
    const bytes = await files.get(source.path, path);
    return report(context, { bytes, from: `${files.name}:${source.path}`, to: path }, options);
  }
  throw new OperationError("InvalidArgument", "one of the two is a file here (- is what is piped), the other one NAME:PATH in a sandbox", {
    fix: "openclaw sandbox cp FILE NAME:PATH, or openclaw sandbox cp NAME:PATH FILE",
  });
}

interface Inside {
  files: SandboxFiles;
  path: string;
}

/** Kept here first: the sandbox is told beforehand how much comes. @throws OperationError `InvalidArgument`: it has no name */
async function putPiped(context: CliContext, { files, path }: Inside, options: CopyOptions): Promise<ExitCode> {
  requireEndOfInput(context);
  const unnamed = "";
  const place = await files.toTarget(path, unnamed);
  if (place === "" || place.endsWith("/"))
    throw new OperationError("InvalidArgument", "what is piped in has no name of its own", {
      fix: "openclaw sandbox cp - NAME:PATH < FILE",
    });
  return await withTemporary(async (copy) => {
    await pipeline(context.stdin, createWriteStream(copy, { mode: 0o600 }));
    const { bytes } = await files.put(copy, place);
    return report(context, { bytes, from: "-", to: `${files.name}:${place}` }, options);
  });
}

/** `run` of docker-compose 1.29 tells a container that its input has ended only where the docker command is beside it. @throws OperationError `HostRejected` */
function requireEndOfInput(context: CliContext): void {
  const { compose } = findPlace(context.env, context.program);
  if (compose !== "docker-compose" || !isCommandService(context.env)) return;
  throw new OperationError("HostRejected", "docker-compose run of 1.29 does not always say where piped input ends, as its exec does", {
    fix: "openclaw sandbox cp - NAME:PATH < FILE",
  });
}

/** Kept here first: nothing of what breaks off is piped on. */
async function getPiped(context: CliContext, { files, path }: Inside): Promise<ExitCode> {
  return await withTemporary(async (copy) => {
    const bytes = await files.get(path, copy);
    await pipeline(createReadStream(copy), context.stdout, { end: false });
    printNote(context, `${renderBytes(bytes)} copied from ${files.name}:${path}`);
    return EXIT.ok;
  });
}

async function withTemporary<T>(work: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-cp-"));
  try {
    return await work(join(folder, "content"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Compose's container for commands sees what is mounted into it, and what is written beside that goes with the container.
 * @throws OperationError `HostRejected`
 */
async function requireSeen(context: CliContext, path: string, fix: string): Promise<void> {
  if (findPlace(context.env, context.program).kind !== "compose") return;
  const deviceOf = async (name: string): Promise<number | null> =>
    await stat(name).then(
      ({ dev }) => dev,
      () => null,
    );
  const [own, meant] = [await deviceOf("/"), (await deviceOf(path)) ?? (await deviceOf(dirname(path)))];
  if (meant === null || meant === own)
    throw new OperationError("HostRejected", `${path} is in the container of this command, which goes when the command ends`, { fix });
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
