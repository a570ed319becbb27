// `openclaw sandbox rollout status|pause|resume`, `sandbox pin|unpin`: shows how far changes are, and writes requests to hold them back.
// The controller decides who is replaced when; a request is a file that it reads.
import { renderTime, toEpochMs } from "../../api/brands.ts";
import { type ChangeStory, PROGRESS, type SandboxProgress, toRolloutView } from "../../api/rollout-story.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { pinSandbox, requestPause } from "../../api/store/request-file.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { indent, renderAge } from "../text.ts";

export interface RolloutOptions extends StateOptions {
  json?: boolean;
}

export async function showRollout(context: CliContext, options: RolloutOptions): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const [sandboxes, { rolloutsPausedSince }] = await Promise.all([client.sandboxes("all"), client.status()]);
  const { changes, upToDate } = toRolloutView(sandboxes, rolloutsPausedSince);
  if (options.json === true) {
    printJson(context, { pausedSince: rolloutsPausedSince, changes });
    return EXIT.ok;
  }
  const paused =
    rolloutsPausedSince === null
      ? ""
      : `Paused since ${renderTime(toEpochMs(rolloutsPausedSince))}: working sandboxes are not replaced; resume with: openclaw sandbox rollout resume\n`;
  const told = changes.map((change) => renderChange(change, context)).join("\n");
  const none = `No rollout is in progress; ${upToDate === 1 ? "1 sandbox is" : `${upToDate} sandboxes are`} up to date.\n`;
  print(context, `${paused}${changes.length === 0 ? none : told}`);
  return EXIT.ok;
}

/** Those that are done are counted, not listed. */
function renderChange({ parts, since, state, sandboxes, advice }: ChangeStory, { now }: CliContext): string {
  const what = parts.length === 0 ? "Same spec, recreated" : parts.map(({ field, to }) => `${field} -> ${to}`).join(", ");
  const counts = PROGRESS.flatMap((progress) => {
    const count = sandboxes.filter((one) => one.progress === progress).length;
    return count === 0 ? [] : [`${count} ${progress}`];
  });
  const todo = advice === "" ? "" : `What to do: ${advice}\n`;
  return `${toSafeLine(what)}\n${indent(`${state} for ${renderAge(since, now())}: ${counts.join(", ")} of ${sandboxes.length}\n${todo}${renderWaits(sandboxes)}`)}`;
}

/** Who waits for the same is listed together under the one sentence that says why. */
function renderWaits(sandboxes: readonly SandboxProgress[]): string {
  const groups = new Map<string, SandboxProgress[]>();
  for (const one of sandboxes.filter(({ progress }) => progress !== "done")) {
    const why = `${one.progress}: ${one.message}`;
    groups.set(why, [...(groups.get(why) ?? []), one]);
  }
  const names = (group: readonly SandboxProgress[]): string =>
    group.map(({ name, until }) => `${name}${until === null ? "" : ` (until ${renderTime(until)})`}\n`).join("");
  return [...groups].map(([why, group]) => `${toSafeLine(why)}\n${indent(names(group))}`).join("");
}

export async function pauseRollouts(context: CliContext, options: RolloutOptions): Promise<ExitCode> {
  await requestPause(toStateDir(context, options), context.now());
  print(
    context,
    "Rollouts are paused: working sandboxes are not replaced; sandboxes are still created, repaired and removed.\nResume with: openclaw sandbox rollout resume",
  );
  return EXIT.ok;
}

export async function resumeRollouts(context: CliContext, options: RolloutOptions): Promise<ExitCode> {
  await requestPause(toStateDir(context, options), null);
  print(context, "Rollouts resumed.");
  return EXIT.ok;
}

export async function setPin(context: CliContext, text: string, options: StateOptions & { pinned: boolean }): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  const { metadata } = await findSandboxNamed(new AdminClient(stateDir), text);
  await pinSandbox(stateDir, metadata.name, options.pinned);
  print(
    context,
    options.pinned
      ? `${metadata.name} is pinned: it stays as it is, whatever changes in the config`
      : `${metadata.name} is unpinned: it follows the config again`,
  );
  return EXIT.ok;
}
