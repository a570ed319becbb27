// Builds the image of sandboxes where a first `openclaw start` in a checkout would lack it, so that the first thing that an agent runs has a place.
// One that is there is left as it is, and so is an engine that can't be asked: the controller says what is missing.

import { resolveSandbox } from "../api/config/effective.ts";
import { DOCKER_KEYS } from "../api/config/keys.ts";
import { OperationError } from "../api/errors.ts";
import { openConfigFile } from "./config-file.ts";
import { type CliContext, printError, printNote } from "./context.ts";
import type { docker, runScript } from "./host-programs.ts";
import { type ConfigOptions, toStateDir } from "./paths.ts";

export interface ImageTools {
  docker: typeof docker;
  runScript: typeof runScript;
}

const IMAGE = DOCKER_KEYS.image.default;

export async function buildFirstImage(context: CliContext, options: ConfigOptions, tools: ImageTools): Promise<void> {
  if (!(await isAskedFor(context, options))) return;
  const found = await tools.docker("images", "--quiet", IMAGE);
  if (found !== "") return;
  printNote(context, `openclaw: the image ${IMAGE} is built first: once, a minute or two`);
  const over = new AbortController();
  const leave = (["SIGINT", "SIGTERM"] as const).map((name) =>
    context.onSignal(name, () => over.abort(new OperationError("Aborted", "the start was interrupted"))),
  );
  try {
    await tools.runScript("sandbox-setup.sh", over.signal);
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    printError(
      context,
      new OperationError(error.code, `${error.message}; sandboxes wait for it`, { fix: "scripts/sandbox-setup.sh builds it" }),
    );
  } finally {
    for (const each of leave) each();
  }
  over.signal.throwIfAborted();
}

/** Whether an agent's tools are to run in it. A config that is not valid is the controller's to explain. */
async function isAskedFor(context: CliContext, options: ConfigOptions): Promise<boolean> {
  const { parsed } = await openConfigFile(context, options);
  if (!parsed.ok) return false;
  const folders = { stateDir: toStateDir(context, options), home: context.home };
  return parsed.value.agents.some((agent) => {
    const { mode, docker: container } = resolveSandbox(parsed.value, agent, folders);
    return mode !== "off" && container.image === IMAGE;
  });
}
