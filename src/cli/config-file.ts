// A config file as a person edits it: opened with everything that it includes, checked after each change, written whole. A change may not
// add a mistake; a file that has some may be mended step by step. What the keys mean is api/config.
import { lstat, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../api/config/config.ts";
import { readConfigSources } from "../api/config/load.ts";
import { type ConfigEnvironment, parseConfig } from "../api/config/parse.ts";
import type { ConfigSources } from "../api/config/sources.ts";
import { CONFIG_BYTES_MAX } from "../api/config/text.ts";
import { errnoOf } from "../api/errno.ts";
import { OperationError } from "../api/errors.ts";
import { type Issue, type Parsed, renderIssue } from "../api/issue.ts";
import { toSafeLine } from "../api/safe-text.ts";
import { replaceFile } from "../api/store/atomic-file.ts";
import type { CliContext } from "./context.ts";
import { type ConfigOptions, toConfigPath, toStateDir } from "./paths.ts";

export interface ConfigFile {
  /** Absolute, as it was named. */
  readonly path: string;
  /** null: there is no file. */
  readonly text: string | null;
  readonly parsed: Parsed<Config>;
  /** What `path` leads to, should it be a symbolic link. */
  readonly target: string;
  readonly sources: ConfigSources;
  readonly environment: ConfigEnvironment;
}

/** @throws OperationError `InvalidConfig`: it is there and can't be read */
export async function openConfigFile(context: CliContext, options: ConfigOptions): Promise<ConfigFile> {
  const path = toConfigPath(context, options);
  const sources = await readConfigSources(path, toStateDir(context, options));
  const main = sources.files.get(path);
  if (main?.kind === "unreadable") throw new OperationError("InvalidConfig", `${path} can't be read: ${main.reason}`);
  const environment = toConfigEnvironment(context, options);
  const [text, target] = main?.kind === "text" ? [main.text, main.realPath] : [null, path];
  return { path, text, target, sources, environment, parsed: parseConfig(sources, environment) };
}

/**
 * Writes the text, unless it is there already.
 * @returns the issues that are left. @throws OperationError `InvalidConfig`: the change adds a mistake; `HostRejected`: it can't be written
 */
export async function saveConfigFile(file: ConfigFile, text: string): Promise<readonly Issue[]> {
  if (text.length > CONFIG_BYTES_MAX) throw new OperationError("InvalidConfig", `the file would be larger than ${CONFIG_BYTES_MAX} bytes`);
  const after = parseConfig(withText(file, text), file.environment);
  const known = new Set(file.text === null ? [] : file.parsed.issues.map(toText));
  const added = after.issues.find((issue) => issue.severity === "error" && !known.has(toText(issue)));
  if (added !== undefined) throw toInvalidConfig(added);
  if (text !== file.text) await write(file.target, text);
  return after.issues;
}

export const toInvalidConfig = (issue: Issue): OperationError => new OperationError("InvalidConfig", toSafeLine(renderIssue(issue)));

export function toConfigEnvironment(context: CliContext, options: ConfigOptions): ConfigEnvironment {
  const uid = process.getuid?.();
  return {
    stateDir: toStateDir(context, options),
    home: context.home,
    variables: context.env,
    trustedOwners: uid === undefined ? null : [uid, 0],
  };
}

/** The same files with another text of the main one. */
export function withText({ path, target, sources }: ConfigFile, text: string): ConfigSources {
  const before = sources.files.get(path);
  const access = before?.kind === "text" ? before.access : [];
  return { main: path, files: new Map([...sources.files, [path, { kind: "text", realPath: target, text, access }]]) };
}

/** A symbolic link stays one: what it points to is replaced, with its mode. */
async function write(target: string, text: string): Promise<void> {
  const facts = await lstat(target).catch((error: unknown) => {
    if (errnoOf(error) !== "ENOENT") throw error;
    return null;
  });
  if (facts === null) await requireFolder(dirname(target));
  await replaceFile(target, text, { durable: true, ...(facts === null ? {} : { mode: facts.mode & 0o777 }) });
}

async function requireFolder(folder: string): Promise<void> {
  await realpath(folder).catch((cause: unknown) => {
    throw new OperationError("HostRejected", `the folder ${folder} does not exist`, { cause, fix: `mkdir -p -m 700 ${folder}` });
  });
}

/** Without the position, which an edit moves. */
const toText = ({ path, message }: Issue): string => `${path}: ${message}`;
