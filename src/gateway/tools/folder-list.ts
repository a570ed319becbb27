// What is in a folder of a sandbox, as its own `stat` says it, without using the sandbox. A page shows it; the tools of a model have exec for that.
// The script is api/file-scripts.ts.
import { isUtf8 } from "node:buffer";
import type { SessionKey } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { toScriptError, toScriptPath } from "../../api/file-answers.ts";
import { LIST_FOLDER, toFileCommand } from "../../api/file-scripts.ts";
import type { SandboxPort } from "../sandbox/sandbox-port.ts";
import { runScript } from "./script.ts";

export interface FolderEntry {
  name: string;
  /** Of a link what it leads to. `other`: a device, a broken link, or a name that is no UTF-8, by which nobody could ask for it. */
  kind: "file" | "folder" | "other";
  isLink: boolean;
  /** null: it is no file, or a link. */
  bytes: number | null;
  /** Milliseconds since 1970. */
  modifiedAt: number;
}

export interface FolderListing {
  /** In no order. */
  items: FolderEntry[];
  /** How many there are; `items` has at most ENTRIES_MAX of them. */
  total: number;
}

const ENTRIES_MAX = 2_000;
/** A name has 255 bytes at most, and what stands before it 50; of links there are two records. */
const OUTPUT_BYTES_MAX = 2 * ENTRIES_MAX * 310;

/** Of `st_mode`. */
const TYPE_MASK = 0xf000;
const TYPE = { folder: 0x4000, file: 0x8000, link: 0xa000 } as const;
/** Of links, in place of a mode. */
const LED_TO: Readonly<Record<string, FolderEntry["kind"]>> = { d: "folder", f: "file" };

/** @param path relative to the workspace, or absolute; empty: the workspace. @throws OperationError `NotFound`, `NotReady`, `InvalidArgument`, `Forbidden` */
export async function listFolder(
  { port, sessionKey, signal }: { port: SandboxPort; sessionKey: SessionKey; signal: AbortSignal },
  path: string,
): Promise<FolderListing> {
  const argv = toFileCommand(LIST_FOLDER, [toScriptPath(`${path.replace(/\/+$/, "") || (path === "" ? "." : "")}/.`), String(ENTRIES_MAX)]);
  const answer = await runScript(port, sessionKey, { tool: "read", argv, isLook: true, outputBytesMax: OUTPUT_BYTES_MAX }, signal);
  if (answer.code !== 0) throw toScriptError(answer, path === "" ? "the workspace" : path);
  return parseListing(answer.output);
}

/** By bytes as Latin-1: a name may be anything. @throws OperationError `EngineFailed`: the sandbox's programs said something else */
export function parseListing(output: Buffer): FolderListing {
  const text = output.toString("latin1");
  const record = /([0-9a-f]{2,8}|[df]) (\d{1,16}) (-?\d{1,12}) \.\/([^/]+)\/\n/y;
  const entries = new Map<string, FolderEntry>();
  let at = 0;
  for (let match = record.exec(text); match !== null; match = record.exec(text)) {
    at = record.lastIndex;
    const [, mode = "", bytes, seconds, name = ""] = match;
    const link = LED_TO[mode] === undefined ? undefined : entries.get(name);
    if (link === undefined)
      entries.set(name, toEntry(name, { mode: Number.parseInt(mode, 16), bytes: Number(bytes), seconds: Number(seconds) }));
    else if (isUtf8(Buffer.from(name, "latin1"))) link.kind = LED_TO[mode] ?? link.kind;
  }
  const total = /^=(\d{1,9})\n$/.exec(text.slice(at))?.[1];
  if (total === undefined) throw new OperationError("EngineFailed", "the sandbox did not say what is in the folder");
  return { items: [...entries.values()], total: Number(total) };
}

function toEntry(latin: string, { mode, bytes, seconds }: { mode: number; bytes: number; seconds: number }): FolderEntry {
  const name = Buffer.from(latin, "latin1");
  const type = mode & TYPE_MASK;
  const isFile = type === TYPE.file;
  return {
    name: name.toString("utf8"),
    kind: !isUtf8(name) ? "other" : isFile ? "file" : type === TYPE.folder ? "folder" : "other",
    isLink: type === TYPE.link,
    bytes: isFile ? bytes : null,
    modifiedAt: seconds * 1_000,
  };
}
