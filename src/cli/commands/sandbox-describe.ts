// `openclaw sandbox describe`: everything that is known about one sandbox, for people.
// Values are as the controller shows them: secrets are redacted there.
import { type EpochMs, renderTime } from "../../api/brands.ts";
import { renderConfigSize } from "../../api/config/values.ts";
import type { SandboxEvent } from "../../api/event.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { Failure, Sandbox } from "../../api/sandbox.ts";
import type { SandboxDetail } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, toWidth } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { describeSandboxNamed, type MeantKind } from "../sandbox-name.ts";
import { renderTable } from "../table.ts";
import { INDENT, indent, renderAge, renderFields } from "../text.ts";

const EVENTS_SHOWN_MAX = 20;

export async function describeSandbox(
  context: CliContext,
  name: string,
  options: StateOptions & MeantKind & { json?: boolean },
): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const detail = await describeSandboxNamed(client, name, options);
  if (options.json === true) printJson(context, detail);
  else print(context, renderDetail(detail, { now: context.now(), width: toWidth(context) - INDENT.length }));
  return EXIT.ok;
}

interface Style {
  now: EpochMs;
  /** Of a section's lines. */
  width: number;
}

function renderDetail({ sandbox, events }: SandboxDetail, style: Style): string {
  const { now, width } = style;
  const { status } = sandbox;
  const sections: readonly (readonly [string, string])[] = [
    [
      "Conditions",
      renderTable(
        ["TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"],
        status.conditions.map((one) => [one.type, one.status, one.reason, renderAge(one.lastTransitionTime, now), one.message]),
        { width, optional: ["REASON"] },
      ),
    ],
    [
      "Drift",
      status.drift.length === 0
        ? ""
        : renderTable(
            ["FIELD", "REMEDY", "WANTED", "IS"],
            status.drift.map((one) => [one.field, one.remedy, one.desired, one.actual]),
            { width },
          ),
    ],
    ["Next", status.next.map((line) => `${toSafeLine(line)}\n`).join("")],
    ["Events", renderEvents(events, style)],
  ];
  const shown = sections.filter(([, text]) => text !== "").map(([title, text]) => `${title}:\n${indent(text)}`);
  return `${renderFacts(sandbox, now)}${shown.join("")}`;
}

function renderFacts({ metadata, spec, status }: Sandbox, now: EpochMs): string {
  const { container, failure, servingFailure } = status;
  const live = spec.live;
  return renderFields([
    ["Name", metadata.name],
    ["Kind", spec.kind],
    ["Agent", spec.agentId ?? "-"],
    ["Scope", `${spec.scope} (${spec.scopeKey})`],
    ["Wanted", `${spec.wanted ? "yes" : "no"}: ${spec.because}`],
    ["Generation", `${metadata.generation}, observed ${status.observedGeneration}`],
    ["Hash", spec.hash ?? "not known yet"],
    ["Image", `${spec.image}${container === null ? "" : ` (${container.imageId})`}`],
    [
      "Limits",
      live === null
        ? ""
        : `memory ${renderBytes(live.memory)}, swap ${live.memorySwap === -1 ? "unlimited" : renderBytes(live.memorySwap)}, cpus ${live.cpus ?? "unlimited"}, pids ${live.pidsLimit === 0 ? "unlimited" : live.pidsLimit}`,
    ],
    ["Container", container === null ? "none" : container.id],
    ["Container hash", container === null || container.hash === spec.hash ? "" : container.hash],
    ["Created", container === null ? "" : `${renderTime(container.createdAt)} (${renderAge(container.createdAt, now)} ago)`],
    ["Last used", status.lastUsedAt === null ? "never" : `${renderTime(status.lastUsedAt)} (${renderAge(status.lastUsedAt, now)} ago)`],
    [
      "Change pending",
      status.deferredSince === null
        ? ""
        : `since ${renderTime(status.change?.pending === true ? status.change.since : status.deferredSince)}${status.deferredUntil === null ? "" : `, until ${renderTime(status.deferredUntil)}`}`,
    ],
    ["Failure", failure === null ? "" : renderFailure(failure, now)],
    ["Serving failure", servingFailure === null ? "" : renderFailure(servingFailure, now)],
  ]);
}

/** Empty once it is history: it was tried again, and only a first crash is still remembered. */
function renderFailure({ code, count, message, retryAt }: Failure, now: EpochMs): string {
  if (retryAt > now) return `${code} (${count} in a row): ${message}; retrying at ${renderTime(retryAt)}`;
  return count > 1 ? `${code} (${count} in a row): ${message}` : "";
}

const renderBytes = (bytes: number | null): string => (bytes === null ? "default" : renderConfigSize(bytes));

function renderEvents(events: readonly SandboxEvent[], { now, width }: Style): string {
  if (events.length === 0) return "";
  const rows = events
    .slice(-EVENTS_SHOWN_MAX)
    .map((event) => [renderAge(event.lastSeen, now), event.type, event.reason, event.count > 1 ? `x${event.count}` : "", event.message]);
  return renderTable(["AGE", "TYPE", "REASON", "", "MESSAGE"], rows, { width });
}
