// `openclaw sandbox recreate`: writes a request for each chosen sandbox. The controller acts on it once no work is running there.
// It removes nothing itself.
import { findCondition } from "../../api/condition.ts";
import { OperationError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { requestRecreation } from "../../api/store/request-file.ts";
import { AdminClient } from "../admin-client.ts";
import { confirm } from "../confirm.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { type Goal, PATIENCE_MS, untilFulfilled } from "../watch.ts";

export interface RecreateOptions extends StateOptions {
  all?: boolean;
  session?: string;
  agent?: string;
  browser?: boolean;
  drifted?: boolean;
  wait?: boolean;
  /** Milliseconds. */
  timeout: number;
  force?: boolean;
  kill?: boolean;
  json?: boolean;
}

/** @param name of one sandbox, as everywhere. Absent: the options choose */
export async function recreateSandboxes(context: CliContext, name: string | undefined, options: RecreateOptions): Promise<ExitCode> {
  const given = [name !== undefined, options.all === true, options.session !== undefined, options.agent !== undefined];
  if (given.filter(Boolean).length !== 1)
    throw new OperationError("InvalidArgument", "expected exactly one of a name, --session, --agent and --all", {
      fix: "openclaw sandbox recreate NAME",
    });
  const stateDir = toStateDir(context, options);
  const client = new AdminClient(stateDir);
  const chosen = await choose(client, name, options);
  if (chosen.length === 0) {
    // Refuses an agent that is none.
    if (options.agent !== undefined) await client.explain({ session: null, agent: options.agent, name: null, kind: null });
    printNote(
      context,
      `openclaw: no such sandbox has a container${options.drifted === true ? " that differs from its spec" : ""}; nothing to recreate`,
    );
    return options.all === true || options.drifted === true ? EXIT.ok : EXIT.notFound;
  }
  if (!(await isConfirmed(context, chosen, options))) {
    printNote(context, "openclaw: nothing changed");
    return EXIT.failed;
  }
  const after = context.now();
  const names = chosen.map(({ metadata }) => metadata.name);
  for (const name of names) await requestRecreation(stateDir, name, { after, kill: options.kill === true });
  if (options.wait === true)
    await untilFulfilled(context, client, {
      makeGoal: () => areRecreated(names, after),
      timeoutMs: options.timeout,
      patienceMs: PATIENCE_MS,
    });
  if (options.json === true) printJson(context, { items: names.map((name) => ({ name })), recreateAfter: after });
  else
    for (const name of names)
      print(
        context,
        options.wait === true
          ? `${name} recreated`
          : `${name} will be recreated${options.kill === true ? "" : " once no work is running in it"}`,
      );
  return EXIT.ok;
}

async function choose(client: AdminClient, name: string | undefined, options: RecreateOptions): Promise<Sandbox[]> {
  const sandboxes = name === undefined ? await client.sandboxes("all") : [await findSandboxNamed(client, name, options)];
  const isMeant = await toSelection(client, options);
  return sandboxes.filter(
    (sandbox) =>
      sandbox.status.container !== null &&
      isMeant(sandbox) &&
      isOfKind(sandbox, options) &&
      (options.drifted !== true || isDrifted(sandbox)),
  );
}

const isOfKind = ({ spec }: Sandbox, { browser }: RecreateOptions): boolean => browser !== true || spec.kind === "browser";

const isDrifted = ({ status }: Sandbox): boolean =>
  status.drift.length > 0 || findCondition(status.conditions, "UpToDate")?.status === "False";

async function toSelection(client: AdminClient, { session, agent }: RecreateOptions): Promise<(sandbox: Sandbox) => boolean> {
  if (agent !== undefined) return ({ spec }) => spec.agentId === agent;
  if (session === undefined) return () => true;
  // Which sandbox a session has is the config's to say: its own, its agent's, or the shared one.
  const { sandbox, sessionKey } = await client.explain({ session, agent: null, name: null, kind: null });
  if (sandbox === null)
    throw new OperationError("NotFound", `the session ${sessionKey ?? session} has no sandbox`, {
      fix: `openclaw sandbox explain --session ${sessionKey ?? session}`,
    });
  return ({ spec }) => spec.scopeKey === sandbox.scopeKey;
}

/** Asked only at a terminal; a script has decided. */
async function isConfirmed(context: CliContext, chosen: readonly Sandbox[], options: RecreateOptions): Promise<boolean> {
  if (options.force === true || context.stdin.isTTY !== true) return true;
  const list = chosen.map(({ metadata }) => `  ${metadata.name}\n`).join("");
  const work = options.kill === true ? "running work is ended" : "running work finishes first";
  const what = chosen.length === 1 ? "this sandbox" : `these ${chosen.length} sandboxes`;
  return await confirm(context, `${list}Recreate ${what} (${work}; files outside workspaces are lost)?`);
}

const areRecreated =
  (names: readonly string[], after: number): Goal =>
  (sandboxes) => {
    for (const name of names) {
      const sandbox = sandboxes.get(name);
      // It is no longer desired: there is nothing to recreate.
      if (sandbox === undefined || (sandbox.status.container === null && !sandbox.spec.wanted)) continue;
      const ready = findCondition(sandbox.status.conditions, "Ready");
      if (sandbox.status.container === null || sandbox.status.container.createdAt <= after)
        return `${name} still has its old container${sandbox.status.next[0] === undefined ? "" : `: ${sandbox.status.next[0]}`}`;
      if (ready?.status !== "True") return `${name} is not ready: ${ready?.message ?? "not observed yet"}`;
    }
    return null;
  };
