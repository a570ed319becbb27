// `openclaw sandbox list`: one line per sandbox, now or as they change.
// Everything about one of them is `sandbox describe`.
import { type EpochMs, renderTime } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { OperationError, renderError } from "../../api/errors.ts";
import type { Sandbox } from "../../api/sandbox.ts";
import { isSandboxChanged, isSandboxList } from "../../api/view-client.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJsonLine, printNote, toWidth } from "../context.ts";
import { type OutputOptions, printAsData, toOutputForm } from "../output-form.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";
import { type Fit, type Layout, layOut, renderTable } from "../table.ts";
import { renderAge } from "../text.ts";

export interface ListOptions extends StateOptions, OutputOptions {
  browser?: boolean;
  all?: boolean;
  watch?: boolean;
}

const HEAD = ["NAME", "AGENT", "SCOPE", "READY", "REASON", "GEN/OBS", "HASH", "AGE", "IDLE", "DEFERRED-UNTIL"] as const;
/** What a narrow terminal does without; `-o wide` and `describe` have it. */
const OPTIONAL = ["HASH", "GEN/OBS", "DEFERRED-UNTIL", "IDLE", "SCOPE", "AGE", "AGENT"] as const;
const HASH_LENGTH = 8;
/** As the engine shows it. */
const CONTAINER_ID_LENGTH = 12;

/** @param name of the only one that is shown */
export async function listSandboxes(context: CliContext, name: string | undefined, options: ListOptions): Promise<ExitCode> {
  const kind = options.all === true ? "all" : options.browser === true ? "browser" : "tools";
  const client = new AdminClient(toStateDir(context, options));
  const only = name === undefined ? null : await findSandboxNamed(client, name, options);
  const isShown = ({ metadata, spec }: Sandbox): boolean =>
    only === null ? kind === "all" || spec.kind === kind : metadata.name === only.metadata.name;
  const form = toOutputForm(options);
  if (options.watch === true) return watchSandboxes(context, client, { isShown, json: form === "json" });
  const items = only === null ? await client.sandboxes(kind) : [only];
  if (await printAsData(context, form, { value: { items }, names: items.map(({ metadata }) => metadata.name) })) return EXIT.ok;
  if (items.length === 0) printNote(context, await explainNone(client, kind));
  else print(context, form === "wide" ? renderWide(items, context.now()) : renderSandboxes(items, context));
  return EXIT.ok;
}

/** How the first one comes to be; where the config makes none, what to change. */
async function explainNone(client: AdminClient, kind: "tools" | "browser" | "all"): Promise<string> {
  const asked = { session: "main", agent: null, name: null, kind: kind === "browser" ? kind : null };
  const view = await client.explain(asked).catch((error: unknown) => {
    // Before a config is loaded nothing can be explained; the list is empty all the same.
    if (error instanceof OperationError) return error;
    throw error;
  });
  if (view instanceof OperationError) return `no sandboxes: ${renderError(view)}`;
  if (!view.sandboxed) return `no sandboxes: ${view.because}; ${view.next.at(-1) ?? ""}`;
  if (kind === "browser") return `no browser sandboxes: ${[view.wanted?.because ?? "", ...view.next.slice(-1)].join("; ")}`;
  if (view.wanted?.yes === true)
    return `no sandboxes yet: ${view.wanted.because}, and it is being created: openclaw sandbox wait ${view.agentId}`;
  return "no sandboxes yet: a session gets one within a second; create one with: openclaw session create main";
}

export function renderSandboxes(items: readonly Sandbox[], context: CliContext): string {
  return renderTable(HEAD, toRows(items, context), toFit(context));
}

const toFit = (context: CliContext): Fit => ({ width: toWidth(context), optional: OPTIONAL });

function toRows(items: readonly Sandbox[], { now }: CliContext): string[][] {
  const at = now();
  return items.map((sandbox) => toRow(sandbox, at));
}

/** As wide as it gets: with what one looks up elsewhere: the image, the container, and for whom it is. */
function renderWide(items: readonly Sandbox[], now: EpochMs): string {
  return renderTable(
    [...HEAD, "IMAGE", "CONTAINER", "SCOPE-KEY"],
    items.map((sandbox) => [
      ...toRow(sandbox, now),
      sandbox.spec.image,
      sandbox.status.container?.id.slice(0, CONTAINER_ID_LENGTH) ?? "-",
      sandbox.spec.scopeKey,
    ]),
  );
}

function toRow({ metadata, spec, status }: Sandbox, now: EpochMs): string[] {
  const ready = findCondition(status.conditions, "Ready");
  const upToDate = findCondition(status.conditions, "UpToDate");
  // What a person should know first: why it is not ready, else why it is not up to date.
  const reason = ready?.status === "True" && upToDate?.status === "False" ? upToDate.reason : ready?.reason;
  return [
    metadata.name,
    spec.agentId ?? "-",
    spec.scope,
    ready?.status ?? "Unknown",
    reason ?? "-",
    `${metadata.generation}/${status.observedGeneration}`,
    (status.container?.hash ?? spec.hash ?? "-").slice(0, HASH_LENGTH),
    renderAge(status.container?.createdAt ?? null, now),
    renderAge(status.lastUsedAt, now),
    status.deferredSince === null ? "-" : status.deferredUntil === null ? toOpenEnd(upToDate?.reason) : renderTime(status.deferredUntil),
  ];
}

/** What ends a wait that no moment ends. */
function toOpenEnd(reason: string | undefined): string {
  switch (reason) {
    case "Pinned":
      return "unpinned";
    case "RolloutPaused":
      return "resumed";
    case "RolloutHalted":
      return "fixed";
    case "WaitsForCanary":
    case "WaitsForTurn":
      return "its turn";
    default:
      return "in use";
  }
}

/** The table once, then a line for each sandbox that changed, with a head where the columns are others now; JSON: one object per line. */
async function watchSandboxes(
  context: CliContext,
  client: AdminClient,
  { isShown, json }: { isShown(sandbox: Sandbox): boolean; json: boolean },
): Promise<ExitCode> {
  const shown = new Map<string, Sandbox>();
  let columns = "";
  for await (const { event, data } of client.follow("/v1/watch")) {
    if (event === "list" && isSandboxList(data)) {
      const items = data.items.filter(isShown);
      for (const sandbox of items) shown.set(sandbox.metadata.name, sandbox);
      if (json) for (const sandbox of items) printJsonLine(context, { name: sandbox.metadata.name, sandbox });
      else print(context, renderSandboxes(items, context));
      columns = toColumns(layOut(HEAD, toRows(items, context), toFit(context)));
    }
    if (event !== "changed" || !isSandboxChanged(data)) continue;
    const { name, sandbox } = data;
    if (sandbox === null ? !shown.delete(name) : !isShown(sandbox)) continue;
    if (sandbox !== null) shown.set(name, sandbox);
    if (json) printJsonLine(context, data);
    else if (sandbox === null) print(context, `${name}  gone`);
    else {
      const table = layOut(HEAD, toRows([...shown.values()], context), toFit(context));
      print(context, `${toColumns(table) === columns ? "" : table.head}${table.rows[[...shown.keys()].indexOf(name)] ?? ""}`);
      columns = toColumns(table);
    }
  }
  printNote(context, "openclaw: the controller closed the stream");
  return EXIT.failed;
}

/** Which ones there are, however wide. */
const toColumns = ({ head }: Layout): string => head.replaceAll(/ +/g, " ");
