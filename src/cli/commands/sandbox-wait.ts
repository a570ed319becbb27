// `openclaw sandbox wait`: for scripts and CI, until sandboxes are ready, converged or gone.
// What those words mean for one sandbox stands here; the waiting is watch.ts.
import { unreachable } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import type { NameView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { lookUpName } from "../sandbox-name.ts";
import { type Goal, PATIENCE_MS, untilFulfilled } from "../watch.ts";

export type WaitGoal = "ready" | "converged" | "gone";

export interface WaitOptions extends StateOptions {
  all?: boolean;
  /** The browser beside the sandbox of that name. */
  browser?: boolean;
  for: WaitGoal;
  /** Milliseconds. */
  timeout: number;
}

export async function waitForSandboxes(context: CliContext, name: string | undefined, options: WaitOptions): Promise<ExitCode> {
  if ((name === undefined) !== (options.all === true))
    throw new OperationError("InvalidArgument", "expected a sandbox or --all", {
      fix: "openclaw sandbox wait NAME, or openclaw sandbox wait --all",
    });
  const client = new AdminClient(toStateDir(context, options));
  const makeGoal = async (): Promise<Goal> =>
    name === undefined ? allAre(options.for, await wantedNames(client)) : await oneNamed(client, name, options);
  await untilFulfilled(context, client, { makeGoal, timeoutMs: options.timeout, patienceMs: PATIENCE_MS });
  return EXIT.ok;
}

/** What is wanted now, also where no pass has looked yet: an empty list must not pass for "everything is ready". */
async function wantedNames(client: AdminClient): Promise<string[]> {
  return (await client.plan(null)).items.filter(({ wanted }) => wanted).map(({ name }) => name);
}

function allAre(goal: WaitGoal, wanted: readonly string[]): Goal {
  return (sandboxes) => {
    const concerned = [...sandboxes.values()].filter(({ spec }) => spec.wanted || goal !== "ready");
    const unseen = goal === "gone" ? [] : wanted.filter((name) => !sandboxes.has(name)).map((name) => `${name} has not been observed yet`);
    const missing = [...unseen, ...concerned.map((sandbox) => missingFor(goal, sandbox)).filter((what) => what !== null)];
    return missing.length === 0 ? null : `${missing.slice(0, 3).join("; ")}${missing.length > 3 ? `; and ${missing.length - 3} more` : ""}`;
  };
}

/** A session that was created a moment ago is known to the controller within this time: it looks at session files once a second. */
const SESSION_MS_MAX = 2_000;
const SESSION_LOOK_MS = 100;

/** What is nowhere is said at once, unless it may be the key of a new session; whoever waits for its end has it. */
async function oneNamed(client: AdminClient, name: string, options: WaitOptions): Promise<Goal> {
  const goal = options.for;
  for (let leftMs = name.includes(":") ? SESSION_MS_MAX : 0; ; leftMs -= SESSION_LOOK_MS) {
    try {
      const named = await lookUpName(client, name);
      return options.browser === true ? browserIs(named, goal) : oneIs(named, goal);
    } catch (error) {
      if (!isErrorCode(error, "NotFound")) throw error;
      if (goal === "gone") return () => null;
      if (leftMs <= 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, SESSION_LOOK_MS));
    }
  }
}

/** The one that was found; one that is still to be created is known by whom it will serve. */
function oneIs({ sandbox: name, scopeKey, message }: NameView, goal: WaitGoal): Goal {
  return (sandboxes) => {
    const awaited = [...sandboxes.values()].find(({ spec }) => spec.kind === "tools" && spec.scopeKey === scopeKey);
    const sandbox = name === null ? awaited : sandboxes.get(name);
    if (sandbox !== undefined) return missingFor(goal, sandbox);
    return goal === "gone" ? null : message === "" ? `${name} is gone` : message;
  };
}

/** Also one that no session has asked for yet. */
const browserIs =
  ({ sandbox: name, scopeKey }: NameView, goal: WaitGoal): Goal =>
  (sandboxes) => {
    const beside = [...sandboxes.values()].filter(({ spec }) => spec.kind === "browser" && spec.scopeKey === scopeKey);
    const meant = beside.find(({ metadata }) => metadata.name === name) ?? beside.find(({ spec }) => spec.wanted) ?? beside[0];
    if (meant !== undefined) return missingFor(goal, meant);
    return goal === "gone" ? null : `there is no browser for ${scopeKey}: one starts when a session uses the tool browser`;
  };

/** null: it is as the goal says. */
function missingFor(goal: WaitGoal, { metadata, spec, status }: Sandbox): string | null {
  const ready = findCondition(status.conditions, "Ready");
  const upToDate = findCondition(status.conditions, "UpToDate");
  const { name } = metadata;
  switch (goal) {
    case "ready":
      return ready?.status === "True" ? null : `${name} is not ready: ${ready?.message ?? "not observed yet"}`;
    case "gone":
      return status.container === null && !spec.wanted ? null : `${name} is still there: ${spec.because}`;
    case "converged":
      if (upToDate?.status !== "True" || status.observedGeneration !== metadata.generation)
        return `${name} is not up to date: ${upToDate?.message ?? "not observed yet"}`;
      return ready?.status === "True" || !spec.wanted ? null : `${name} is not ready: ${ready?.message ?? "not observed yet"}`;
    default:
      return unreachable(goal);
  }
}
