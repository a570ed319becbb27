// `openclaw config ...`: check, read and edit the config file. Only a person does this; the controller notices by itself.
// What a config means is api/config; what this host would refuse of it, the controller's program, in this process. No controller is asked.
import { realpath } from "node:fs/promises";
import type { Config } from "../../api/config/config.ts";
import { getPath, setPath } from "../../api/config/edit.ts";
import { unsetPath } from "../../api/config/edit-remove.ts";
import { readConfigSources } from "../../api/config/load.ts";
import { toMasked } from "../../api/config/masked.ts";
import { findNoEffect } from "../../api/config/no-effect.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { recommend } from "../../api/config/recommend.ts";
import { CONFIG_BYTES_MAX, parseText } from "../../api/config/text.ts";
import { OperationError } from "../../api/errors.ts";
import { type Issue, type Parsed, renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { readBounded } from "../../api/store/atomic-file.ts";
import { openConfigFile, saveConfigFile, toConfigEnvironment, toInvalidConfig } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printData, printJson, printJsonAsIs, printNote } from "../context.ts";
import { type ConfigOptions, toConfigPath } from "../paths.ts";

type Options = ConfigOptions & { json?: boolean };

export async function validateConfig(context: CliContext, options: Options): Promise<ExitCode> {
  const path = toConfigPath(context, options);
  const parsed = await judge(context, options);
  const recommendations = parsed.ok ? recommend(parsed.value, toConfigEnvironment(context, options)) : [];
  if (options.json === true) printJson(context, { file: path, ok: parsed.ok, issues: parsed.issues, recommendations });
  else {
    for (const issue of parsed.issues) (parsed.ok ? printNote : print)(context, toSafeLine(renderIssue(issue)));
    print(context, renderVerdict(path, parsed));
    for (const recommendation of recommendations) printNote(context, toSafeLine(`recommended: ${recommendation}`));
  }
  return parsed.ok ? EXIT.ok : EXIT.failed;
}

/** The controller's program is loaded for a valid text alone: it takes half a second. */
async function judge(context: CliContext, options: Options): Promise<Parsed<Config>> {
  const environment = toConfigEnvironment(context, options);
  const parsed = parseConfig(await readConfigSources(toConfigPath(context, options), environment.stateDir), environment);
  if (!parsed.ok) return parsed;
  const { runConfigCheck } = await import("../../controller/main.ts");
  const more = [...findNoEffect(parsed.value, environment), ...(await runConfigCheck(parsed.value, environment))];
  return { ...parsed, issues: [...parsed.issues, ...more] };
}

function renderVerdict(path: string, parsed: Parsed<Config>): string {
  const count = (severity: Issue["severity"]): string => {
    const number = parsed.issues.filter((issue) => issue.severity === severity).length;
    return `${number} ${severity}${number === 1 ? "" : "s"}`;
  };
  if (!parsed.ok)
    return `${path}: invalid (${count("error")}, ${count("warning")}); a running controller goes on with the config before, if it has one`;
  const agents = parsed.value.agents.length;
  return `${path}: valid, ${agents} ${agents === 1 ? "agent" : "agents"} (${count("warning")})`;
}

export async function getConfigValue(context: CliContext, path: string, options: Options): Promise<ExitCode> {
  const file = toConfigPath(context, options);
  const found = getPath(await readText(file), path, file);
  switch (found.kind) {
    case "invalid":
      throw toInvalidConfig(found.issue);
    case "absent":
      printNote(context, `openclaw: ${path} is not set in ${file}`);
      return EXIT.notFound;
    case "found":
      if (options.json === true) printJsonAsIs(context, found.value);
      else printData(context, typeof found.value === "string" ? toSafeLine(found.value) : found.text);
      return EXIT.ok;
  }
}

/** Without comments, in which a secret may stand too. */
export async function showConfig(context: CliContext, options: ConfigOptions): Promise<ExitCode> {
  const file = toConfigPath(context, options);
  const parsed = parseText(file, await readText(file));
  if (!parsed.ok) throw new OperationError("InvalidConfig", parsed.issues.map((issue) => toSafeLine(renderIssue(issue))).join("\n"));
  printJsonAsIs(context, toMasked(parsed.root));
  return EXIT.ok;
}

export async function setConfigValue(
  context: CliContext,
  { path, value }: { path: string; value: string },
  options: ConfigOptions,
): Promise<ExitCode> {
  const file = await openConfigFile(context, options);
  const text = file.text ?? "";
  const edited = setPath(text, path, toValueText(value), file.path);
  if (!edited.ok) throw toInvalidConfig(edited.issue);
  const issues = await saveConfigFile(file, edited.text);
  for (const issue of issues) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, edited.text === text ? `${file.path} already has that value` : `${file.path}: ${path} is set`);
  return EXIT.ok;
}

export async function unsetConfigValue(context: CliContext, path: string, options: ConfigOptions): Promise<ExitCode> {
  const file = await openConfigFile(context, options);
  const text = file.text ?? "";
  const edited = unsetPath(text, path, file.path);
  if (!edited.ok) throw toInvalidConfig(edited.issue);
  if (edited.text === text) {
    printNote(context, `openclaw: ${path} is not set in ${file.path}`);
    return EXIT.notFound;
  }
  for (const issue of await saveConfigFile(file, edited.text)) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, `${file.path}: ${path} is unset`);
  return EXIT.ok;
}

/** JSON5 where it is that; else the text itself, so that `config set a.b on-demand` needs no quotes in quotes. */
function toValueText(value: string): string {
  const looksStructured = /^\s*[[{"']/.test(value);
  return looksStructured || parseText("the value", value).ok ? value : JSON.stringify(value);
}

export async function showConfigSchema(context: CliContext): Promise<ExitCode> {
  const { toConfigJsonSchema } = await import("../../api/config/json-schema.ts");
  printJsonAsIs(context, toConfigJsonSchema());
  return EXIT.ok;
}

async function readText(file: string): Promise<string> {
  const path = await realpath(file).catch(() => file);
  const read = await readBounded(path, CONFIG_BYTES_MAX);
  if (read.kind === "read") return read.text;
  if (read.kind === "missing") throw new OperationError("NotFound", `there is no config file ${file}`);
  throw new OperationError("InvalidConfig", `${file} can't be read: ${read.message}`);
}
