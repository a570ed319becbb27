// `openclaw status`: the controller as it sees itself, and the gateway if one runs. Exit code 1 when the controller is not ready.
// Its sandboxes are `sandbox list`.
import { renderTime, toEpochMs } from "../../api/brands.ts";
import { isErrorCode, renderError } from "../../api/errors.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { ControllerView } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { askGateway, type GatewayHealth } from "../gateway-health.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { indent, renderDuration, renderFields } from "../text.ts";
import { renderHealth } from "./health.ts";

export async function showStatus(context: CliContext, options: StateOptions & { json?: boolean }): Promise<ExitCode> {
  const gateway = await lookAtGateway(context, options);
  const view = await new AdminClient(toStateDir(context, options)).status().catch((error: unknown) => {
    // Half of the answer is better than none.
    if (gateway.health !== null && options.json !== true) print(context, gateway.text);
    throw error;
  });
  if (options.json === true) printJson(context, { ...view, gateway: gateway.health });
  else print(context, `${renderStatus(view, context.now())}${gateway.text}`);
  return view.ready ? EXIT.ok : EXIT.failed;
}

const KNOWN_TROUBLES = ["GatewayUnreachable", "HostRejected", "Unauthenticated", "LimitExceeded"] as const;

/** `health` is null where none was ever started, none answers, or this user may not know. */
async function lookAtGateway(context: CliContext, options: StateOptions): Promise<{ health: GatewayHealth | null; text: string }> {
  try {
    const health = await askGateway(context, options);
    return { health, text: health === null ? "No gateway is running\n" : renderHealth(health) };
  } catch (error) {
    if (!KNOWN_TROUBLES.some((code) => isErrorCode(error, code))) throw error;
    return { health: null, text: `Gateway: ${toSafeLine(renderError(error))}\n` };
  }
}

function renderStatus(view: ControllerView, now: number): string {
  const { engine, config } = view;
  const fields = renderFields([
    ["Controller", `${view.ready ? "ready" : "not ready"}, version ${view.version}, running for ${renderDuration(now - view.startedAt)}`],
    ["Instance", view.instance ?? "unknown until the engine answers"],
    ["State folder", view.stateDir],
    ["Engine", engine === null ? "not reachable" : `${engine.product} ${engine.version} at ${engine.endpoint}`],
    [
      "Config",
      `${config.file} (${config.ok ? "in force" : config.loadedAt === null ? "invalid; nothing is created or removed" : "invalid; the last good one is in force"})`,
    ],
    ["Sandboxes", String(view.sandboxes)],
    [
      "Rollouts",
      view.rolloutsPausedSince === null
        ? ""
        : `paused since ${renderTime(toEpochMs(view.rolloutsPausedSince))}; resume with: openclaw sandbox rollout resume`,
    ],
    ["Removals", view.removalsHeld === 0 ? "" : `${view.removalsHeld} awaiting approval; see: openclaw sandbox approve`],
  ]);
  const checks = view.checks.map(
    ({ name, ok, message }) => `${ok ? "ok  " : "FAIL"} ${name}${message === "" ? "" : `: ${toSafeLine(message)}`}\n`,
  );
  const issues = config.issues.map((issue) => `${toSafeLine(renderIssue(issue))}\n`);
  return `${fields}${checks.length === 0 ? "" : `Checks:\n${indent(checks.join(""))}`}${issues.length === 0 ? "" : `Issues:\n${indent(issues.join(""))}`}`;
}
