// `openclaw demo`: the five-minute tour by itself, over a real controller and a temporary state folder. Cleans up however it ends.
// What it shows is demo/steps.ts.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { toDefaultInstance } from "../../api/names.ts";
import { type CliContext, EXIT, type ExitCode, print, printError, printNote } from "../context.ts";
import { ControllerProcess } from "../demo/controller-process.ts";
import { Stage } from "../demo/stage.ts";
import { DEMO_CONFIG, EMPTY_CONFIG, runTour } from "../demo/steps.ts";
import { docker, runScript } from "../host-programs.ts";
import { untilFulfilled } from "../watch.ts";

const CLEAN_MS_MAX = 60_000;

export async function runDemo(context: CliContext): Promise<ExitCode> {
  const over = new AbortController();
  const stops = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) =>
    context.onSignal(name, () => over.abort(new OperationError("Aborted", "the demo was interrupted"))),
  );
  try {
    print(context, "A controller keeps sandboxes as a config describes them. First it needs an engine and the sandbox image.");
    await runScript("ensure-engine.sh", over.signal);
    await runScript("sandbox-setup.sh", over.signal);
    over.signal.throwIfAborted();
    return await runInFolder(context, over);
  } finally {
    for (const stop of stops) stop();
  }
}

async function runInFolder(context: CliContext, over: AbortController): Promise<ExitCode> {
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "openclaw-demo-")));
  const stage = new Stage(context, stateDir, over.signal);
  await stage.writeConfig(DEMO_CONFIG);
  print(context, `The state folder is ${stateDir}; everything is removed at the end.`);
  const controller = new ControllerProcess(stateDir, context.env);
  controller.failure().catch((error: unknown) => over.abort(error));
  try {
    await runTour(stage);
    print(context, "\nThat's all. To set up your own: openclaw onboard, then openclaw start");
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    printNote(context, "");
    printError(context, error);
    return EXIT.failed;
  } finally {
    await cleanUp(stage, controller, stateDir);
  }
}

/** The controller removes what it made; what it could not, the docker command does. */
async function cleanUp(stage: Stage, controller: ControllerProcess, stateDir: string): Promise<void> {
  printNote(stage.context, "\ncleaning up");
  const isGone = (sandboxes: ReadonlyMap<string, { status: { container: unknown } }>): string | null =>
    [...sandboxes.values()].some(({ status }) => status.container !== null) ? "containers remain" : null;
  try {
    if (controller.isRunning) {
      await stage.writeConfig(EMPTY_CONFIG);
      await untilFulfilled(stage.context, stage.client, { makeGoal: () => isGone, timeoutMs: CLEAN_MS_MAX });
    }
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    printError(stage.context, error);
  }
  await controller.stop();
  const left =
    (await docker("ps", "--all", "--quiet", "--filter", `label=${LABEL.instance}=${toDefaultInstance(stateDir)}`))
      ?.split("\n")
      .filter(Boolean) ?? [];
  if (left.length > 0) await docker("rm", "--force", "--volumes", ...left);
  await rm(stateDir, { recursive: true, force: true });
  printNote(stage.context, "everything was removed");
}
