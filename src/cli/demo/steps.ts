// The tour itself: what a person would try in the first five minutes, and what it shows. Each step fails if the product does not do what it says.
// The controller under it, and cleaning up, is commands/demo.ts.
import { CommandConnection } from "../../api/command-client.ts";
import { findCondition } from "../../api/condition.ts";
import { OperationError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { toSandboxPath } from "../../api/view-client.ts";
import { toCommandOutput } from "../command-output.ts";
import { renderSandboxes } from "../commands/sandbox-list.ts";
import { docker } from "../host-programs.ts";
import { renderDuration } from "../text.ts";
import { idOf, isReady, isUpToDate, type Stage } from "./stage.ts";

/** Short, so that a tour shows it; people have five minutes. */
const HOT_WINDOW = "3s";
const MEMORY_BYTES = 536_870_912;

export const DEMO_CONFIG = `// Two agents, each with a sandbox that exists because this file lists it.
{
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        start: "eager",
        rollout: { hotWindow: "${HOT_WINDOW}" },
        docker: { memory: "256m", env: { GREETING: "hello" } },
      },
    },
    list: [{ id: "main", default: true }, { id: "helper" }],
  },
}
`;

/** Nothing is wanted any more, and nothing is waited for. */
export const EMPTY_CONFIG = `{ agents: { defaults: { sandbox: { mode: "off", rollout: { hotWindow: "0s" } } }, list: [{ id: "main" }] } }\n`;

export async function runTour(stage: Stage): Promise<void> {
  await converge(stage);
  await editLive(stage);
  await editEnv(stage);
  await breakConfig(stage);
  await killContainer(stage);
  await removeAgent(stage);
}

async function converge(stage: Stage): Promise<void> {
  await stage.step("Converge. The config lists two agents, and no container exists yet.", async () => {
    await stage.until("main", "its sandbox is ready", isReady);
    await stage.until("helper", "its sandbox is ready", isReady);
    stage.say(renderSandboxes(await stage.client.sandboxes("all"), stage.context));
    return "two sandboxes are ready";
  });
}

async function editLive(stage: Stage): Promise<void> {
  await stage.step("Edit docker.memory and save: 256m becomes 512m. A limit changes under the running container.", async () => {
    const before = await stage.until("main", "its sandbox is ready", isReady);
    await stage.setConfig("agents.defaults.sandbox.docker.memory", '"512m"');
    const after = await stage.until(
      "main",
      "it has the new limit",
      (sandbox) => sandbox.spec.live?.memory === MEMORY_BYTES && isReady(sandbox) && isUpToDate(sandbox),
    );
    mustBe(idOf(after) === idOf(before), "the container should have stayed the same");
    const seen = await docker("inspect", "--format", "{{.HostConfig.Memory}}", idOf(after));
    if (seen !== null) stage.say(`docker inspect says: memory ${seen}`);
    return `the same container, ${idOf(after)}, has 512m`;
  });
}

async function editEnv(stage: Stage): Promise<void> {
  await stage.step("Edit docker.env and save, while the sandbox is in use. That takes a new container.", async () => {
    const before = await stage.until("main", "its sandbox is ready", isReady);
    stage.say(`in ${idOf(before)}: echo $GREETING -> ${await greet(stage, before)}`);
    await stage.setConfig("agents.defaults.sandbox.docker.env.GREETING", '"good morning"');
    const waiting = await stage.until(
      "main",
      "the change is deferred or made",
      (sandbox) => sandbox.status.deferredSince !== null || idOf(sandbox) !== idOf(before),
    );
    const why = findCondition(waiting.status.conditions, "UpToDate");
    if (waiting.status.deferredSince !== null) stage.say(`deferred: ${toSafeLine(why?.message ?? "in use")}`);
    const after = await stage.until(
      "main",
      "it has a new container",
      (sandbox) => idOf(sandbox) !== idOf(before) && isReady(sandbox) && isUpToDate(sandbox),
    );
    stage.say(`in ${idOf(after)}: echo $GREETING -> ${await greet(stage, after)}`);
    return `a new container, ${idOf(after)}, once the old one had been idle for ${HOT_WINDOW}; the workspace is the same`;
  });
}

async function greet(stage: Stage, { metadata }: Sandbox): Promise<string> {
  const { PassThrough } = await import("node:stream");
  const { text } = await import("node:stream/consumers");
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const output = text(stdout);
  const command = new CommandConnection(
    stage.client,
    `${toSandboxPath(metadata.name)}/exec`,
    { argv: ["sh", "-c", "echo $GREETING"], stdin: false },
    { stdin, output: toCommandOutput({ stdout, stderr }) },
  );
  await command.ended;
  stdout.end();
  return toSafeLine((await output).trim());
}

async function breakConfig(stage: Stage): Promise<void> {
  await stage.step("Break the config with a wrong key. Nothing may change.", async () => {
    const before = await stage.until("main", "its sandbox is ready", isReady);
    const good = await stage.setConfig("agents.defaults.sandbox.docker.memroy", '"1g"');
    const issues = await untilRefused(stage);
    for (const issue of issues) stage.say(toSafeLine(renderIssue(issue)));
    const after = await stage.until("main", "its sandbox is ready", isReady);
    mustBe(idOf(after) === idOf(before), "nothing should have changed");
    await stage.writeConfig(good);
    return `the last good config stays in force, ${idOf(after)} keeps serving`;
  });
}

/** The config's state is no sandbox's, so the event log tells. */
async function untilRefused(stage: Stage): Promise<Awaited<ReturnType<typeof stage.client.status>>["config"]["issues"]> {
  for await (const { event } of stage.client.follow("/v1/events", { signal: stage.over })) {
    if (event !== "event") continue;
    const { config } = await stage.client.status();
    if (!config.ok) return config.issues;
  }
  stage.over.throwIfAborted();
  throw new OperationError("ControllerUnreachable", "the controller ended the stream of events");
}

async function killContainer(stage: Stage): Promise<void> {
  await stage.step("Kill the container behind the controller's back.", async () => {
    const before = await stage.until("main", "its sandbox is ready", (sandbox) => isReady(sandbox) && isUpToDate(sandbox));
    const startedAt = before.status.container?.startedAt;
    if ((await docker("kill", idOf(before))) !== null) stage.say(`docker kill ${idOf(before)}`);
    else {
      stage.say("no docker command here, so from inside: kill 1");
      const { PassThrough } = await import("node:stream");
      const streams = { stdin: new PassThrough(), output: async () => true };
      // The answer may well be that the container went away.
      await new CommandConnection(
        stage.client,
        `${toSandboxPath(before.metadata.name)}/exec`,
        { argv: ["kill", "1"], stdin: false },
        streams,
      ).ended.catch(() => undefined);
    }
    const after = await stage.until(
      "main",
      "it runs again",
      (sandbox) => isReady(sandbox) && sandbox.status.container?.startedAt !== startedAt,
    );
    return `${idOf(after)} serves${idOf(after) === idOf(before) ? ", started again" : ""}`;
  });
}

async function removeAgent(stage: Stage): Promise<void> {
  await stage.step("Remove the agent helper from the config. Its sandbox is removed, and nothing else.", async () => {
    const helper = await stage.until("helper", "its sandbox is ready", isReady);
    await stage.setConfig("agents.list", '[{ id: "main", default: true }]');
    await stage.untilGone("helper");
    const main = await stage.until("main", "its sandbox is ready", isReady);
    const age = renderDuration(stage.context.now() - (main.status.container?.createdAt ?? 0));
    return `${idOf(helper)} was removed; ${idOf(main)} keeps serving, ${age} old`;
  });
}

function mustBe(isSo: boolean, what: string): void {
  if (!isSo) throw new OperationError("Aborted", what);
}
