// `openclaw config ...`: check, read and edit the config file. Only a person does this; the controller notices by itself.
// What a config means is api/config; nothing here asks the controller.
import { lstat, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { Config } from "../../api/config/config.ts";
import { getPath, setPath } from "../../api/config/edit.ts";
import { readConfigSources } from "../../api/config/load.ts";
import { toMasked } from "../../api/config/masked.ts";
import { type ConfigEnvironment, parseConfig } from "../../api/config/parse.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import { CONFIG_BYTES_MAX, parseText } from "../../api/config/text.ts";
import { OperationError } from "../../api/errors.ts";
import { type Issue, type Parsed, renderIssue } from "../../api/issue.ts";
import { errnoOf, readBounded, replaceFile } from "../../api/store/atomic-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type ConfigOptions, toConfigPath, toStateDir } from "../paths.ts";
import { toSafeLine } from "../text.ts";

type Options = ConfigOptions & { json?: boolean };

export async function validateConfig(context: CliContext, options: Options): Promise<ExitCode> {
  const path = toConfigPath(context, options);
  const parsed = parseConfig(await readConfigSources(path), toEnvironment(context, options));
  if (options.json === true) printJson(context, { file: path, ok: parsed.ok, issues: parsed.issues });
  else {
    for (const issue of parsed.issues) (parsed.ok ? printNote : print)(context, toSafeLine(renderIssue(issue)));
    print(context, renderVerdict(path, parsed));
  }
  return parsed.ok ? EXIT.ok : EXIT.failed;
}

function renderVerdict(path: string, parsed: Parsed<Config>): string {
  const count = (severity: Issue["severity"]): string => {
    const number = parsed.issues.filter((issue) => issue.severity === severity).length;
    return `${number} ${severity}${number === 1 ? "" : "s"}`;
  };
  if (!parsed.ok) return `${path}: not valid (${count("error")}, ${count("warning")}); a running controller keeps the last good one`;
  const agents = parsed.value.agents.length;
  return `${path}: valid, ${agents} ${agents === 1 ? "agent" : "agents"} (${count("warning")})`;
}

export async function getConfigValue(context: CliContext, path: string, options: Options): Promise<ExitCode> {
  const file = toConfigPath(context, options);
  const found = getPath(await readText(file), path, file);
  switch (found.kind) {
    case "invalid":
      throw toInvalid(found.issue);
    case "absent":
      printNote(context, `openclaw: ${path} is not set in ${file}`);
      return EXIT.notFound;
    case "found":
      if (options.json === true) printJson(context, found.value);
      else print(context, typeof found.value === "string" ? toSafeLine(found.value) : found.text);
      return EXIT.ok;
  }
}

/** Without comments, in which a secret may stand too. */
export async function showConfig(context: CliContext, options: ConfigOptions): Promise<ExitCode> {
  const file = toConfigPath(context, options);
  const parsed = parseText(file, await readText(file));
  if (!parsed.ok) throw new OperationError("InvalidConfig", parsed.issues.map((issue) => toSafeLine(renderIssue(issue))).join("\n"));
  printJson(context, toMasked(parsed.root));
  return EXIT.ok;
}

export async function setConfigValue(
  context: CliContext,
  { path, value }: { path: string; value: string },
  options: ConfigOptions,
): Promise<ExitCode> {
  const file = toConfigPath(context, options);
  const sources = await readConfigSources(file);
  const main = sources.files.get(file);
  if (main?.kind === "unreadable") throw new OperationError("InvalidConfig", `${file} can't be read: ${main.reason}`);
  const text = main?.kind === "text" ? main.text : "";
  const edited = setPath(text, path, toValueText(value), file);
  if (!edited.ok) throw toInvalid(edited.issue);
  if (edited.text.length > CONFIG_BYTES_MAX)
    throw new OperationError("InvalidConfig", `the file would be larger than ${CONFIG_BYTES_MAX} bytes`);
  const target = main?.kind === "text" ? main.realPath : file;
  const environment = toEnvironment(context, options);
  const before = parseConfig(sources, environment);
  const after = parseConfig(withText(sources, { file, target, text: edited.text }), environment);
  // A file that has mistakes already may be mended step by step; none may be added.
  const known = new Set(main?.kind === "text" ? before.issues.map(toText) : []);
  const added = after.issues.find((issue) => issue.severity === "error" && !known.has(toText(issue)));
  if (added !== undefined) throw toInvalid(added);
  if (edited.text !== text) await writeConfig(target, edited.text);
  for (const issue of after.issues) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, edited.text === text ? `${file} says so already` : `${file}: ${path} is set`);
  return EXIT.ok;
}

/** JSON5 where it is that; else the text itself, so that `config set a.b on-demand` needs no quotes in quotes. */
function toValueText(value: string): string {
  const looksStructured = /^\s*[[{"']/.test(value);
  return looksStructured || parseText("the value", value).ok ? value : JSON.stringify(value);
}

function withText(sources: ConfigSources, { file, target, text }: { file: string; target: string; text: string }): ConfigSources {
  const before = sources.files.get(file);
  const access = before?.kind === "text" ? before.access : [];
  return { main: file, files: new Map([...sources.files, [file, { kind: "text", realPath: target, text, access }]]) };
}

/** A symbolic link stays one: what it points to is replaced, with its mode. */
async function writeConfig(target: string, text: string): Promise<void> {
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

export async function showConfigSchema(context: CliContext): Promise<ExitCode> {
  const { toConfigJsonSchema } = await import("../../api/config/json-schema.ts");
  printJson(context, toConfigJsonSchema());
  return EXIT.ok;
}

function toEnvironment(context: CliContext, options: ConfigOptions): ConfigEnvironment {
  const uid = process.getuid?.();
  return {
    stateDir: toStateDir(context, options),
    home: context.home,
    variables: context.env,
    trustedOwners: uid === undefined ? null : [uid, 0],
  };
}

async function readText(file: string): Promise<string> {
  const path = await realpath(file).catch(() => file);
  const read = await readBounded(path, CONFIG_BYTES_MAX);
  if (read.kind === "read") return read.text;
  if (read.kind === "missing") throw new OperationError("NotFound", `there is no config file ${file}`);
  throw new OperationError("InvalidConfig", `${file} can't be read: ${read.message}`);
}

/** Without the position, which an edit moves. */
const toText = ({ path, message }: Issue): string => `${path}: ${message}`;

const toInvalid = (issue: Issue): OperationError => new OperationError("InvalidConfig", toSafeLine(renderIssue(issue)));
