// The files of one config as data: what was read, what was not and why, and who else could have written them. No I/O.
// Reading them is load.ts; joining them by `$include` is include.ts.
import type { Issue } from "../issue.ts";

/** Who can write a file or folder; from stat. */
export interface FileAccess {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  /** Its group has no other member than its owner, so that what the group may do is the owner's. Absent: it has, or may not write. */
  readonly isGroupPrivate?: boolean;
}

export type SourceFile =
  | {
      readonly kind: "text";
      /** After resolving symlinks. */
      readonly realPath: string;
      readonly text: string;
      /** The file and its folder. Empty where the text did not come from a file system. */
      readonly access: readonly FileAccess[];
    }
  | { readonly kind: "missing" }
  /** After resolving symlinks it lies outside the main file's folder, so it was not read. */
  | { readonly kind: "outside" }
  /** Why, as a clause: "permission denied". */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Keyed by the path under which the issue messages name the file. */
export interface ConfigSources {
  readonly main: string;
  readonly files: ReadonlyMap<string, SourceFile>;
}

/** A config that is one text, from no file system: for tests, `config set` and previews. */
export function toSources(text: string, main = "openclaw.json", included: Readonly<Record<string, string>> = {}): ConfigSources {
  const entries = Object.entries({ ...included, [main]: text });
  return { main, files: new Map(entries.map(([path, content]) => [path, { kind: "text", realPath: path, text: content, access: [] }])) };
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_ALL = 0o002;

/**
 * Whoever writes the config owns the host: files and folders that others can write are refused.
 * @param aside a file that is judged for itself (`checkFileAccess`)
 */
export function checkAccess(sources: ConfigSources, trustedOwners: readonly number[] | null, aside?: string): Issue[] {
  const files = [...sources.files].flatMap(([path, file]) => (path === aside ? [] : [file]));
  return checkFiles(files, trustedOwners);
}

export const checkFileAccess = (file: SourceFile | undefined, trustedOwners: readonly number[] | null): Issue[] =>
  file === undefined ? [] : checkFiles([file], trustedOwners);

function checkFiles(files: readonly SourceFile[], trustedOwners: readonly number[] | null): Issue[] {
  const seen = new Map<string, FileAccess>();
  for (const file of files) if (file.kind === "text") for (const access of file.access) seen.set(access.path, access);
  return [...seen.values()].flatMap((access) => checkOne(access, trustedOwners));
}

function checkOne(access: FileAccess, trustedOwners: readonly number[] | null): Issue[] {
  const issue = (message: string, fix: string): Issue => ({ severity: "error", file: access.path, path: "", message, fix });
  const issues: Issue[] = [];
  const others = access.isGroupPrivate === true ? WRITABLE_BY_ALL : WRITABLE_BY_ALL | WRITABLE_BY_GROUP;
  if ((access.mode & others) !== 0)
    issues.push(
      issue(
        `other users can write this (mode ${(access.mode & 0o7777).toString(8).padStart(4, "0")}), and whoever can write the config controls this machine`,
        `chmod go-w ${quotePath(access.path)}`,
      ),
    );
  if (trustedOwners !== null && !trustedOwners.includes(access.uid))
    issues.push(
      issue(
        `this belongs to uid ${access.uid}, and whoever can write the config controls this machine`,
        `chown ${trustedOwners[0] ?? 0} ${quotePath(access.path)}`,
      ),
    );
  return issues;
}

/** A path, or a session key, as one argument of a shell line that a person copies. */
export function quotePath(path: string): string {
  return /^[\w/.,:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
