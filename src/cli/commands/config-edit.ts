// `openclaw config edit`: the config file in the person's editor. What comes back is checked, its plan is shown, and after a yes it takes the file's place
// at once. Whatever refuses it keeps the edited text and says where. Nothing is saved that the editor did not change.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { CONFIG_BYTES_MAX } from "../../api/config/text.ts";
import { OperationError } from "../../api/errors.ts";
import { readBounded } from "../../api/store/atomic-file.ts";
import { isAccepted, judgeChange, printIssues, showPlan } from "../config-change.ts";
import { type ConfigFile, openConfigFile, saveConfigFile, withText } from "../config-file.ts";
import { confirm } from "../confirm.ts";
import { type CliContext, EXIT, type ExitCode, print, printNote } from "../context.ts";
import { type ConfigOptions, nonEmpty, toStateDir } from "../paths.ts";

export type EditOptions = ConfigOptions & { yes?: boolean };

export async function editConfig(context: CliContext, options: EditOptions): Promise<ExitCode> {
  const file = await openConfigFile(context, options);
  if (file.text === null)
    throw new OperationError("NotFound", `there is no config file ${file.path}`, { fix: "make one with: openclaw onboard" });
  const copy = join(await mkdtemp(join(tmpdir(), "openclaw-edit-")), basename(file.path));
  await writeFile(copy, file.text, { mode: 0o600, flag: "wx" });
  let outcome: Outcome = "refused";
  try {
    outcome = await editUntilSaved(context, { file, text: file.text, copy }, options);
    return outcome === "refused" ? EXIT.failed : EXIT.ok;
  } finally {
    if (outcome === "refused") printNote(context, `openclaw: ${file.path} is as it was; what you edited is in ${copy}`);
    else await rm(dirname(copy), { recursive: true, force: true });
  }
}

type Outcome = "saved" | "unchanged" | "refused";

interface Edit {
  file: ConfigFile;
  /** Of the file, as it was read. */
  text: string;
  /** Where the editor works: in a folder that is this user's alone. */
  copy: string;
}

async function editUntilSaved(context: CliContext, { file, text, copy }: Edit, options: EditOptions): Promise<Outcome> {
  for (;;) {
    await runEditor(context, copy, file.path);
    const edited = await readEdited(copy);
    if (edited === text) {
      print(context, `${file.path}: nothing was changed`);
      return "unchanged";
    }
    const sources = withText(file, edited);
    const { ok, issues } = await judgeChange(file, sources);
    printIssues(context, issues);
    if (ok) {
      await showPlan(context, toStateDir(context, options), sources);
      const asked = { question: `Save ${file.path}?`, yes: options.yes === true, command: "openclaw config edit" };
      if (!(await isAccepted(context, asked))) return "refused";
      await saveUnlessChanged({ file, text, copy }, edited);
      print(context, `${file.path}: saved`);
      return "saved";
    }
    if (context.stdin.isTTY !== true || !(await confirm(context, "The config is invalid. Edit it again?"))) return "refused";
  }
}

async function readEdited(copy: string): Promise<string> {
  const read = await readBounded(copy, CONFIG_BYTES_MAX);
  if (read.kind === "read") return read.text;
  throw new OperationError(
    "InvalidConfig",
    read.kind === "missing" ? "the editor removed the file" : `the edited file can't be read: ${read.message}`,
  );
}

/** @throws OperationError `Aborted`: somebody else saved it meanwhile */
async function saveUnlessChanged({ file, text }: Edit, edited: string): Promise<void> {
  if ((await readFile(file.target, "utf8").catch(() => null)) !== text)
    throw new OperationError("Aborted", `${file.path} was changed by something else meanwhile`, {
      fix: "compare the two, then edit again",
      retryable: false,
    });
  await saveConfigFile(file, edited);
}

/** What a machine has where no variable names one; the first is what git and kubectl run. */
const EDITORS = ["vi", "nano", "vim"] as const;
const NOT_FOUND = 127;

/** As git and kubectl do it: a command line of the shell's, whose last argument is the file. @throws OperationError `HostRejected` */
async function runEditor({ env }: CliContext, copy: string, path: string): Promise<void> {
  const named = nonEmpty(env.VISUAL) ?? nonEmpty(env.EDITOR);
  for (const editor of named === undefined ? EDITORS : [named]) {
    // The shell stays: to Node a signal that it has no name for is success.
    const code = await runShell(`${editor} "$@"\nexit $?`, [editor, copy], env);
    if (code === 0) return;
    if (code !== NOT_FOUND)
      throw new OperationError("HostRejected", `the editor "${editor}" ended with exit code ${code}`, { fix: "edit again" });
  }
  throw new OperationError("HostRejected", named === undefined ? "there is no editor" : `the editor "${named}" was not found`, {
    fix: `set VISUAL or EDITOR, or edit ${path} itself: saving it applies it`,
  });
}

/** @returns its exit code */
async function runShell(script: string, args: readonly string[], env: CliContext["env"]): Promise<number> {
  return await new Promise((resolve, reject) => {
    const child = spawn("sh", ["-c", script, ...args], { stdio: "inherit", env: { ...env } });
    child.once("error", reject).once("exit", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}
