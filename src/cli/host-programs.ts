// Programs that the demo and a first start use as a person would: the scripts that make an engine and an image, and the docker command where there is one.
// It explains nothing; it runs and answers.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { OperationError } from "../api/errors.ts";
import { toPackageFile } from "../api/package-file.ts";

/** Runs a script of the checkout with its progress on stderr. In an image there are none: then an engine and an image must be there. */
export async function runScript(name: string, signal: AbortSignal): Promise<void> {
  const script = toPackageFile(`scripts/${name}`);
  if (!existsSync(script)) return;
  const { code } = await run("bash", [script], { signal, output: "inherit" });
  if (code !== 0)
    throw new OperationError("EngineUnreachable", `scripts/${name} failed with exit code ${code ?? "?"}; see its output above`);
}

/** null: there is no docker command, or it failed. */
export async function docker(...args: readonly string[]): Promise<string | null> {
  const { code, stdout } = await run("docker", args, { output: "keep" });
  return code === 0 ? stdout.trim() : null;
}

interface RunOptions {
  output: "inherit" | "keep";
  signal?: AbortSignal;
}

async function run(
  command: string,
  args: readonly string[],
  { output, signal }: RunOptions,
): Promise<{ code: number | null; stdout: string }> {
  return await new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", output === "inherit" ? "inherit" : "ignore"],
      ...(signal === undefined ? {} : { signal }),
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.once("error", () => resolve({ code: null, stdout }));
    child.once("close", (code) => resolve({ code, stdout }));
  });
}
