// `openclaw onboard`: a first config, or a few changes to the one that is there, and a model that answered; then what to do next. Answers are flags, or asked
// at a terminal. It starts nothing and shows no secret.
import { dirname } from "node:path";
import { getPath } from "../../api/config/edit.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { findPlace } from "../../api/place.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { makeFolder } from "../../api/store/group-folder.ts";
import { findUpstreamState } from "../../api/store/upstream-state.ts";
import { openConfigFile, saveConfigFile, toInvalidConfig } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { accessCredentials } from "../credentials.ts";
import { readAnswers, writeAnswers } from "../onboarding/edit-config.ts";
import type { ModelFlags } from "../onboarding/model-choices.ts";
import type { ModelSetup } from "../onboarding/model-setup.ts";
import { renderNextSteps } from "../onboarding/next-steps.ts";
import type { Answers } from "../onboarding/questions.ts";
import { type ConfigOptions, toStateDir } from "../paths.ts";

/** @throws OperationError `InvalidConfig`: the file has mistakes, or an answer would be one; `HostRejected` */
export async function runOnboard(
  context: CliContext,
  given: Answers,
  options: ConfigOptions & ModelFlags & { nonInteractive?: boolean },
): Promise<ExitCode> {
  const stateDir = toStateDir(context, options);
  await refuseUpstreamState(stateDir);
  const file = await openConfigFile(context, options);
  const [mistake] = file.text === null ? [] : file.parsed.issues.filter(({ severity }) => severity === "error");
  if (mistake !== undefined) throw toInvalidConfig(mistake);
  const known = { ...(file.text !== null && readAnswers(file.text)), ...given };
  const asks = options.nonInteractive !== true && context.stdin.isTTY === true;
  const answers = asks ? await (await import("../onboarding/ask.ts")).askPerson(context, { known, file: file.path }) : given;
  if (answers === null) return EXIT.failed;
  const edited = writeAnswers(file.text, answers, file.path);
  if (!edited.ok) throw toInvalidConfig(edited.issue);
  const { setUpModel } = await import("../onboarding/model-setup.ts");
  const model = await setUpModel(context, { flags: options, options, asks, file, text: edited.text });
  if (model === null) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  if (asks) (await import("../onboarding/ask.ts")).sayThanks(context);
  if (file.text === null) await makeFolder(dirname(file.path));
  if (model.credential !== null) await keepCredential(context, model.credential, options);
  for (const issue of await saveConfigFile(file, model.text)) printNote(context, toSafeLine(renderIssue(issue)));
  print(context, model.text === file.text ? `${file.path}: nothing to change` : `${file.path} written:`);
  for (const { path, before, after } of [...edited.changes, ...model.changes])
    print(context, toSafeLine(`  ${path}: ${before === null ? "" : `${before} -> `}${after}`));
  print(context, renderNextSteps(findPlace(context.env, context.program), namesModel(model.text, file.path)));
  return EXIT.ok;
}

const namesModel = (text: string, path: string): boolean =>
  ["agents.defaults.model", "agents.defaults.model.primary"].some((key) => getPath(text, key, path).kind === "found");

/** One of another kind stays beside it, and is tried after it. */
async function keepCredential(
  context: CliContext,
  { provider, secret }: NonNullable<ModelSetup["credential"]>,
  options: ConfigOptions,
): Promise<void> {
  const access = accessCredentials(context, options);
  const there = (await access.list()).items.filter((item) => item.provider === provider);
  const [first, second] = [`${provider}:default`, `${provider}:${secret.kind}`];
  const isOther = there.some(({ id, kind }) => id === first && kind !== null && kind !== secret.kind);
  const profile = isOther ? second : first;
  await access.put(profile, secret);
  if (isOther) await access.setOrder(provider, [profile, ...there.map(({ id }) => id).filter((id) => id !== profile)]);
  print(context, `${profile} is kept in the state folder, for its owner alone`);
}

/** Two gateways must not both think that a folder's sessions are theirs. */
async function refuseUpstreamState(stateDir: string): Promise<void> {
  const database = await findUpstreamState(stateDir);
  if (database === null) return;
  throw new OperationError("HostRejected", `another OpenClaw gateway keeps its state here (${database}); nothing was changed`, {
    fix: "give this product a folder of its own (--state-dir, OPENCLAW_STATE_DIR), or start once with --adopt, which makes a copy first",
  });
}
