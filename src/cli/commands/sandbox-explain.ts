// `openclaw sandbox explain`: what is in force for a session or agent, where each value comes from, and what to change.
// The answer is the controller's; when none runs, what the config says. This file lays it out: explicit settings first, defaults on request.
import { type EpochMs, renderTime, toEpochMs } from "../../api/brands.ts";
import { findCondition } from "../../api/condition.ts";
import { isErrorCode, OperationError } from "../../api/errors.ts";
import type { ExplainView, LiveContainer, LiveView } from "../../api/explain-view.ts";
import { renderIssue } from "../../api/issue.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, toWidth } from "../context.ts";
import { type ConfigOptions, nonEmpty, toConfigPath, toStateDir } from "../paths.ts";
import { renderTable } from "../table.ts";
import { INDENT, indent, renderAge, renderDuration, renderFields } from "../text.ts";

export interface ExplainOptions extends ConfigOptions {
  session?: string;
  agent?: string;
  /** Of the browser beside the sandbox. */
  browser?: boolean;
  all?: boolean;
  json?: boolean;
}

/** @param name of a sandbox, an agent or a session. Absent: what the options say, else the default agent's main session */
export async function explainSandbox(context: CliContext, name: string | undefined, options: ExplainOptions): Promise<ExitCode> {
  if (name !== undefined && (options.session !== undefined || options.agent !== undefined))
    throw new OperationError("InvalidArgument", "expected a name, or --session and --agent, not both");
  const view = await findOut(context, toQuery(name, options), options);
  if (options.json === true) printJson(context, view);
  else print(context, renderExplain(view, { all: options.all === true, now: context.now(), width: toWidth(context) - INDENT.length }));
  return EXIT.ok;
}

interface Query {
  sessionKey: string | null;
  agentId: string | null;
  name: string | null;
  kind: SandboxKind;
}

function toQuery(name: string | undefined, { session, agent, browser }: ExplainOptions): Query {
  const kind = browser === true ? "browser" : "tools";
  if (name !== undefined) return { sessionKey: null, agentId: null, name, kind };
  const main = agent === undefined ? "main" : null;
  return { sessionKey: session ?? main, agentId: agent ?? null, name: null, kind };
}

async function findOut(context: CliContext, query: Query, options: ExplainOptions): Promise<ExplainView> {
  const stateDir = toStateDir(context, options);
  const { sessionKey: session, agentId: agent, name, kind } = query;
  try {
    return await new AdminClient(stateDir).explain({ session, agent, name, kind });
  } catch (error) {
    if (!isErrorCode(error, "ControllerUnreachable")) throw error;
    const { runExplain } = await import("../../controller/main.ts");
    const instance = nonEmpty(context.env.OPENCLAW_INSTANCE);
    return await runExplain({
      query,
      stateDir,
      configPath: toConfigPath(context, options),
      home: context.home,
      ...(instance === undefined ? {} : { instance }),
    });
  }
}

interface Style {
  /** Whether defaults and every single tool are shown too. */
  all: boolean;
  now: EpochMs;
  /** Of a section's lines. */
  width: number;
}

function renderExplain(view: ExplainView, style: Style): string {
  const sections: readonly (readonly [string, string])[] = [
    ["Container", renderContainer(view, style.now)],
    ["Drift", renderDrift(view, style)],
    ["Next", renderLines(view.next.map((line) => withDistance(line, style.now)))],
    [style.all ? "Values" : "Values set by the config", renderValues(view, style)],
    ["No effect", renderLines(view.ignored.map(({ key, because }) => `${key}: ${because}`))],
    ["Mounts", renderMounts(view, style)],
    ["Tools", style.all ? renderEveryTool(view, style) : renderTools(view)],
    ["Warnings", renderLines(view.warnings.map(renderIssue))],
    ["Unknown", renderLines(view.missing)],
  ];
  const shown = sections.filter(([, text]) => text !== "").map(([title, text]) => `\n${title}:\n${indent(text)}`);
  return `${renderSubject(view)}${shown.join("")}`;
}

const renderLines = (lines: readonly string[]): string => lines.map((line) => `${toSafeLine(line)}\n`).join("");

function renderSubject({ kind, agentId, sessionKey, sandboxed, because, wanted, sandbox, config }: ExplainView): string {
  return renderFields([
    ["Agent", agentId],
    ["Session", sessionKey ?? ""],
    ["Config", config],
    ["Sandboxed", `${sandboxed ? "yes" : "no"}: ${because}`],
    [
      kind === "browser" ? "Browser" : "Sandbox",
      sandbox === null ? "" : `${sandbox.name ?? "(name not known)"}, scope ${sandbox.scope} (${sandbox.scopeKey})`,
    ],
    ["Wanted", sandbox === null || wanted === null ? "" : `${wanted.yes ? "yes" : "no"}: ${wanted.because}`],
  ]);
}

function renderContainer({ sandbox }: ExplainView, now: EpochMs): string {
  if (sandbox === null) return "";
  const { status, live } = sandbox;
  const ready = status === null ? undefined : findCondition(status.status.conditions, "Ready");
  const container = status?.status.container ?? null;
  const differs = container !== null && status !== null && container.hash !== status.spec.hash;
  return renderFields([
    ["State", renderState(live, now)],
    ["Ready", ready === undefined ? "" : `${ready.status}: ${ready.message}`],
    ["Id", container === null ? "" : container.id.slice(0, 12)],
    ["Hash", container === null ? "" : `${container.hash}${differs ? `; the config requires ${status.spec.hash ?? "another"}` : ""}`],
    ["Used", live.kind === "container" ? renderUse(live, now) : ""],
  ]);
}

function renderState(live: LiveView, now: EpochMs): string {
  if (live.kind !== "container") return live.kind === "none" ? "none" : "not known";
  const { startedAt, state, user, isPending } = live;
  const since = startedAt === null ? "" : ` since ${renderTime(toEpochMs(startedAt))} (${renderAge(toEpochMs(startedAt), now)})`;
  return `${state}${since} as user ${user}${isPending ? "; being created" : ""}`;
}

function renderUse({ inUse, lastUsedAt, hotUntil }: LiveContainer, now: EpochMs): string {
  if (inUse !== null) return `now, by ${inUse}`;
  if (lastUsedAt === null) return "never";
  const last = `${renderTime(toEpochMs(lastUsedAt))} (${renderAge(toEpochMs(lastUsedAt), now)} ago)`;
  return hotUntil === null ? last : `${last}; counts as in use until ${withDistance(renderTime(toEpochMs(hotUntil)), now)}`;
}

function renderDrift({ sandbox }: ExplainView, { width }: Style): string {
  const drift = sandbox?.status?.status.drift ?? [];
  const rows = drift.map(({ field, actual, desired, remedy }) => [field, actual, desired, remedy]);
  return rows.length === 0 ? "" : renderTable(["FIELD", "IS", "WANTED", "REMEDY"], rows, { width });
}

/** Adds how far away each time in the text is, so that nobody has to compute with RFC 3339. */
function withDistance(text: string, now: EpochMs): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) => {
    const distanceMs = Date.parse(time) - now;
    return distanceMs > 0 ? `${time} (in ${renderDuration(distanceMs)})` : time;
  });
}

function renderValues({ values }: ExplainView, { all, width }: Style): string {
  const shown = values.filter(({ source }) => all || source !== "default");
  const rows = shown.map(({ key, value, source, at, over }) => [
    key,
    value,
    at === null ? source : `${source} (${at})${over === null ? "" : `, over ${over}`}`,
  ]);
  const more = values.length - shown.length;
  const rest =
    more === 0
      ? ""
      : `${more === 1 ? "1 more key has its default" : `${more} more keys have their defaults`}; --all shows ${more === 1 ? "it" : "them"}\n`;
  return `${rows.length === 0 ? "" : renderTable(["KEY", "VALUE", "FROM"], rows, { width })}${rest}`;
}

function renderMounts({ mounts }: ExplainView, { width }: Style): string {
  const rows = mounts.map(({ target, access, source, because }) => [target, access, source ?? "(name not known)", because]);
  return rows.length === 0 ? "" : renderTable(["TARGET", "ACCESS", "SOURCE", "WHY"], rows, { width });
}

type Tool = ExplainView["tools"][number];

function renderEveryTool({ tools }: ExplainView, { width }: Style): string {
  const rows = tools.map(({ tool, allowed, rule, source, fix }) => [tool, allowed ? "yes" : "no", rule, source, fix ?? ""]);
  return renderTable(["TOOL", "ALLOWED", "RULE", "FROM", "TO CHANGE IT"], rows, { width });
}

/** Tools that one rule decides together: where they are several, each one's own name in the rule and the fix is `...`. */
function renderTools({ tools }: ExplainView): string {
  const allowedFirst = tools.toSorted((left, right) => Number(right.allowed) - Number(left.allowed));
  const groups = Map.groupBy(allowedFirst, (decision) => renderDecision(decision, "..."));
  return [...groups]
    .map(([line, decisions]) => {
      const [only, ...others] = decisions;
      const names = decisions.map(({ tool }) => toSafeLine(tool)).join(" ");
      return `${only !== undefined && others.length === 0 ? renderDecision(only, `"${only.tool}"`) : line}\n     ${names}\n`;
    })
    .join("");
}

function renderDecision({ tool, allowed, rule, source, fix }: Tool, name: string): string {
  const named = (text: string): string => toSafeLine(text.replaceAll(`"${tool}"`, name));
  return `${allowed ? "yes" : "no "}  ${named(rule)} (${source})${fix === null ? "" : `; to change it, ${named(fix)}`}`;
}
