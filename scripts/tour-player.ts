// Plays the steps of a page at a real shell against a real engine, one after the other, and renders what was said as a reader would see it.
// What is played is the callers'.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const OUTPUT_LINES_MAX = 40;

/** `until`: a command that is tried, and not told of, until it succeeds: a busy machine takes longer. */
export type Step =
  | { say: string }
  | { run: string; settle?: number; until?: string }
  | { background: string; until: string }
  | { stop: true };

const READY_MS_MAX = 120_000;
const RETRY_MS = 500;
/** Images may be built. */
const STEP_MS_MAX = 900_000;

export interface Place {
  folder: string;
  /** Put before the PATH. */
  programs: string;
  variables: Readonly<Record<string, string>>;
}

export const environmentOf = ({ programs, variables }: Place): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${programs}:${process.env.PATH}`,
  NO_COLOR: "1",
  COLUMNS: "140",
  ...variables,
});

/** A shell of its own for each step, with the variables that earlier ones set: NAME and ID. */
function shell(command: string, variables: Map<string, string>, place: Place): string {
  const assigned = [...variables].map(([name, value]) => `${name}='${value}'; `).join("");
  const script = `${assigned}cd ${place.folder}; { ${command}\n} 2>&1; printf '\\0%s\\0%s' "\${NAME:-}" "\${ID:-}"`;
  const { stdout } = spawnSync("bash", ["-c", script], {
    env: environmentOf(place),
    encoding: "utf8",
    timeout: STEP_MS_MAX,
  });
  const [output = "", name = "", id = ""] = stdout.split("\0");
  variables.set("NAME", name).set("ID", id);
  return output.trimEnd();
}

function renderOutput(output: string): string {
  // As a terminal shows it.
  const lines = output.split(/\r?\n/);
  return lines.length <= OUTPUT_LINES_MAX
    ? lines.join("\n")
    : [...lines.slice(0, OUTPUT_LINES_MAX), `... (${lines.length - OUTPUT_LINES_MAX} more lines)`].join("\n");
}

/** @returns paragraphs and blocks of Markdown, in their order */
export async function play(steps: readonly Step[], place: Place): Promise<string[]> {
  const variables = new Map<string, string>();
  const parts: string[] = [];
  let controller: ChildProcess | null = null;
  for (const step of steps) {
    if ("say" in step) parts.push(step.say);
    else if ("stop" in step) controller = await stop(controller);
    else if ("background" in step) {
      controller = spawn("bash", ["-c", `exec ${step.background}`], {
        env: environmentOf(place),
        cwd: place.folder,
        stdio: "ignore",
      });
      parts.push(`\`\`\`console\n$ ${step.background} &\n\`\`\``);
      await untilSo(step.until, place);
    } else {
      const output = renderOutput(shell(step.run, variables, place));
      parts.push(`\`\`\`console\n$ ${step.run}${output === "" ? "" : `\n${output}`}\n\`\`\``);
      await pause(step.settle ?? 0);
      if (step.until !== undefined) await untilSo(step.until, place);
    }
  }
  await stop(controller);
  return parts.filter((part) => part !== "");
}

/** Into a page, between the marks of a script: all else of it is written by hand. */
export function replacePlayed(page: URL, script: string, parts: readonly string[]): void {
  const [begin, end] = [`<!-- played by scripts/${script} -->`, "<!-- /played -->"];
  const text = readFileSync(page, "utf8");
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from < 0 || to < 0) throw new Error(`${page.pathname} has no marks of ${script}`);
  writeFileSync(page, `${text.slice(0, from)}${begin}\n\n${parts.join("\n\n")}\n\n${text.slice(to)}`);
}

async function untilSo(command: string, place: Place): Promise<void> {
  const end = performance.now() + READY_MS_MAX;
  const isSo = (): boolean => spawnSync("bash", ["-c", command], { env: environmentOf(place), cwd: place.folder }).status === 0;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${READY_MS_MAX / 1_000} s: ${command}`);
    await pause(RETRY_MS);
  }
}

async function stop(controller: ChildProcess | null): Promise<null> {
  if (controller === null || controller.exitCode !== null) return null;
  controller.kill("SIGINT");
  await once(controller, "exit");
  return null;
}
