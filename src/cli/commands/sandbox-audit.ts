// `openclaw sandbox audit`: all OpenClaw sandbox containers on the engine, including those of other programs, and their problems. The
// judgement is the controller's; the commands it names are for the person to run. Exit code 1 if there are problems.
import { toEpochMs } from "../../api/brands.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import type { AuditedContainer, AuditFinding } from "../../api/wire.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { indent, renderAge } from "../text.ts";

export async function auditSandboxes(context: CliContext, options: StateOptions & { json?: boolean }): Promise<ExitCode> {
  const view = await new AdminClient(toStateDir(context, options)).audit();
  const wrong = view.items.filter(({ findings }) => findings.some(({ level }) => level === "warn"));
  if (options.json === true) printJson(context, view);
  else {
    for (const one of view.items.filter(({ findings }) => findings.length > 0)) print(context, renderContainer(one, context));
    const containers = view.items.length === 1 ? "container" : "containers";
    printNote(context, `${view.items.length} sandbox ${containers} on this engine, ${wrong.length} with problems; nothing was changed`);
  }
  return wrong.length === 0 ? EXIT.ok : EXIT.failed;
}

function renderContainer(one: AuditedContainer, context: CliContext): string {
  const age = renderAge(one.createdAt === null ? null : toEpochMs(one.createdAt), context.now());
  const facts = [`of ${one.owner}`, one.scopeKey, one.image, one.state, `${age} old`].filter((fact) => fact !== "");
  return `${toSafeLine(one.name)}: ${facts.map(toSafeLine).join(", ")}\n${indent(renderFindings(one.findings))}`;
}

/** One fix is said once, below what it is for. */
function renderFindings(findings: readonly AuditFinding[]): string {
  const fixes = [...new Set(findings.map(({ fix }) => fix))];
  return fixes
    .map((fix) => {
      const lines = findings
        .filter((finding) => finding.fix === fix)
        .map(({ kind, level, message }) => `${MARKS[level]} ${kind}: ${toSafeLine(message)}\n`);
      return `${lines.join("")}     fix: ${toSafeLine(fix)}\n`;
    })
    .join("");
}

const MARKS: Readonly<Record<AuditFinding["level"], string>> = { warn: "WARN", note: "note" };
