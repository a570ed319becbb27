// `openclaw sandbox rollout history` and `undo`: the configs that were in force, and the text of an earlier one back in its place, once its plan was shown and
// a person said yes. Included files come first and the main file last, each at once: whatever ends it in between, the same command finishes it.
import { lstat } from "node:fs/promises";
import { dirname } from "node:path";
import { toEpochMs } from "../../api/brands.ts";
import { hideText } from "../../api/config/hidden-text.ts";
import { readConfigSources } from "../../api/config/load.ts";
import type { ConfigSources } from "../../api/config/sources.ts";
import type { ConfigRevision, ConfigRevisionTexts } from "../../api/config-revision.ts";
import { errnoOf } from "../../api/errno.ts";
import { OperationError } from "../../api/errors.ts";
import { replaceFile } from "../../api/store/atomic-file.ts";
import { AdminClient } from "../admin-client.ts";
import { isAccepted, judgeChange, printIssues, showPlan } from "../config-change.ts";
import { openConfigFile, toInvalidConfig } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printData, printJson, printNote, toWidth } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { renderTable } from "../table.ts";
import { renderAge } from "../text.ts";

export async function showHistory(context: CliContext, options: StateOptions & { revision?: number; json?: boolean }): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  if (options.revision !== undefined) return showRevision(context, await client.configRevision(options.revision), options);
  const { items } = await client.configHistory();
  if (options.json === true) printJson(context, { items });
  else if (items.length === 0) printNote(context, "no config has been in force yet; see: openclaw status");
  else {
    const now = context.now();
    const rows = items.map(({ revision, since, changed }, at) => [
      String(revision),
      renderAge(toEpochMs(since), now),
      at === items.length - 1 ? "in force" : "-",
      changed.join(" "),
    ]);
    print(context, renderTable(["REVISION", "AGE", "STATE", "CHANGED"], rows, { width: toWidth(context) }));
  }
  return EXIT.ok;
}

/** Without its secrets and comments. */
function showRevision(context: CliContext, { texts, ...revision }: ConfigRevisionTexts, { json }: { json?: boolean }): ExitCode {
  const files = texts.files.map(([path, { text }]) => {
    const hiding = hideText(path, text);
    if (!hiding.ok) throw toInvalidConfig(hiding.issue);
    return { path, text: hiding.hidden.text };
  });
  if (json === true) printJson(context, { ...revision, files });
  else for (const { path, text } of files) printData(context, `${files.length > 1 ? `${path}:\n` : ""}${text}`);
  return EXIT.ok;
}

export async function undoRollout(context: CliContext, options: StateOptions & { toRevision?: number; yes?: boolean }): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const client = new AdminClient(stateDir);
  const { items } = await client.configHistory();
  const { revision, texts } = await client.configRevision(options.toRevision ?? findPrevious(items).revision);
  const file = await openConfigFile(context, { ...options, config: texts.main });
  const sources = withTexts(file.sources, texts);
  const writes = toWrites(file.sources, texts);
  if (writes.length === 0) {
    print(context, `${texts.main} is as revision ${revision} has it`);
    return EXIT.ok;
  }
  const { ok, issues } = await judgeChange(file, sources);
  printIssues(context, issues);
  if (!ok) throw new OperationError("InvalidConfig", `revision ${revision} is no valid config any more; nothing was changed`);
  await showPlan(context, stateDir, sources);
  const what = writes.map(({ path }) => path).join(", ");
  const lost = (await isKept(client, items, file.sources)) ? "" : "; what is there now is in no revision and will be lost";
  const asked = {
    question: `Put back revision ${revision} (${what}${lost})?`,
    yes: options.yes === true,
    command: "openclaw sandbox rollout undo",
  };
  if (!(await isAccepted(context, asked))) {
    printNote(context, "openclaw: nothing changed");
    return EXIT.failed;
  }
  const now = await readConfigSources(texts.main, stateDir);
  if (toWrites(now, texts).length !== writes.length || writes.some(({ path, before }) => textOf(now, path) !== before))
    throw new OperationError("Aborted", "the config was changed by something else meanwhile; nothing was changed", { retryable: false });
  await restoreTexts(writes);
  print(context, `${what}: as in revision ${revision}`);
  return EXIT.ok;
}

/** @throws OperationError `NotFound` */
function findPrevious(items: readonly ConfigRevision[]): ConfigRevision {
  const previous = items.at(-2);
  if (previous === undefined) throw new OperationError("NotFound", "there is no earlier revision of the config");
  return previous;
}

export interface ConfigWrite {
  path: string;
  /** What `path` led to. */
  target: string;
  text: string;
  /** What is there. null: nothing. */
  before: string | null;
}

type Texts = ConfigRevisionTexts["texts"];

/** The main file last: until it is written, what is included is not asked for in its new form. */
function toWrites(sources: ConfigSources, { main, files }: Texts): ConfigWrite[] {
  const writes = files.map(([path, { realPath, text }]): ConfigWrite => {
    const now = sources.files.get(path);
    return { path, target: now?.kind === "text" ? now.realPath : realPath, text, before: textOf(sources, path) };
  });
  const [included, own] = [writes.filter(({ path }) => path !== main), writes.filter(({ path }) => path === main)];
  return [...included, ...own].filter(({ text, before }) => text !== before);
}

function textOf(sources: ConfigSources, path: string): string | null {
  const file = sources.files.get(path);
  return file?.kind === "text" ? file.text : null;
}

/** Who may write the files that are there is asked as before; of those that come back the controller asks when it reads them. */
function withTexts(sources: ConfigSources, { main, files }: Texts): ConfigSources {
  const put = files.map(([path, { realPath, text }]) => {
    const now = sources.files.get(path);
    const [target, access] = now?.kind === "text" ? [now.realPath, now.access] : [realPath, []];
    return [path, { kind: "text", realPath: target, text, access }] as const;
  });
  return { main, files: new Map(put) };
}

/** Whether what would be replaced can be put back again. */
async function isKept(client: AdminClient, items: readonly ConfigRevision[], sources: ConfigSources): Promise<boolean> {
  const newest = items.at(-1);
  if (newest === undefined) return false;
  const { texts } = await client.configRevision(newest.revision);
  return toWrites(sources, texts).length === 0;
}

/** Each at once, with the mode that it has; a new one is its owner's alone. */
export async function restoreTexts(writes: readonly ConfigWrite[]): Promise<void> {
  for (const { target, text } of writes) {
    const facts = await lstat(target).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return null;
      throw error;
    });
    if (facts === null && (await lstat(dirname(target)).catch(() => null)) === null)
      throw new OperationError("HostRejected", `the folder ${dirname(target)} is not there any more`);
    await replaceFile(target, text, { durable: true, mode: facts === null ? 0o600 : facts.mode & 0o777 });
  }
}
