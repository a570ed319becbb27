// What `doctor` finds about sign-ins to model providers: how each stands, the clock, and who else could read them. It changes nothing.
// What is advised is api/models/sign-in-advice.ts's.
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../api/errors.ts";
import { type Finding, fail, ok, warn } from "../api/finding.ts";
import { judgeSignIns } from "../api/models/sign-in-advice.ts";
import type { CliContext } from "./context.ts";
import { accessCredentials } from "./credentials.ts";
import { type ConfigOptions, toStateDir } from "./paths.ts";

export async function findSignIns(context: CliContext, options: ConfigOptions): Promise<Finding[]> {
  return [...(await findStatuses(context, options)), ...(await findModes(join(toStateDir(context, options), "gateway", "credentials")))];
}

async function findStatuses(context: CliContext, options: ConfigOptions): Promise<Finding[]> {
  try {
    const { items } = await accessCredentials(context, options).list();
    const advice = judgeSignIns(items).map(({ message, fix }) => warn("sign-ins", message, fix));
    if (advice.length > 0) return advice;
    return [ok("sign-ins", items.length === 0 ? "none: no model provider is signed in to" : `${items.length} ready`)];
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return [warn("sign-ins", `how they stand can't be found out: ${error.message}`, error.fix ?? "openclaw models auth list")];
  }
}

const NOT_THE_OWNERS = 0o077;

/** Nothing where the folder is another user's: that user's it is to look. */
async function findModes(folder: string): Promise<Finding[]> {
  const names = await readdir(folder).catch(() => null);
  if (names === null) return [];
  const paths = [folder, ...names.map((name) => join(folder, name))];
  const facts = await Promise.all(paths.map(async (path) => ({ path, mode: (await lstat(path).catch(() => null))?.mode ?? 0 })));
  const open = facts.filter(({ mode }) => (mode & NOT_THE_OWNERS) !== 0).map(({ path }) => path);
  if (open.length === 0) return [ok("secrets", "sign-ins are readable for their owner alone")];
  return [
    fail(
      "secrets",
      `other users may read or write ${open[0]}${open.length > 1 ? ` and ${open.length - 1} more` : ""}`,
      `chmod -R go= '${folder}', and sign in again if others use this machine`,
    ),
  ];
}
