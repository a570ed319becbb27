// `openclaw doctor`: whether this machine can run sandboxes and confines them. The controller examines it; if none is running, this command does so once,
// in this process, as `openclaw controller` would. Sign-ins are sign-in-findings.ts's. This file lays out the findings. Exit code 1 when a check failed.
import { isErrorCode, OperationError } from "../../api/errors.ts";
import { CHECKS, type Finding, warn } from "../../api/finding.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson } from "../context.ts";
import { type ConfigOptions, nonEmpty, toConfigPath, toStateDir } from "../paths.ts";
import { findSignIns } from "../sign-in-findings.ts";

export async function runDoctorCommand(context: CliContext, options: ConfigOptions & { json?: boolean }): Promise<ExitCode> {
  const findings = [...(await findOut(context, options)), ...(await findSignIns(context, options))];
  if (options.json === true) printJson(context, { findings });
  else print(context, renderFindings(findings));
  return findings.some(({ level }) => level === "fail") ? EXIT.failed : EXIT.ok;
}

async function findOut(context: CliContext, options: ConfigOptions): Promise<Finding[]> {
  const stateDir = toStateDir(context, options);
  try {
    return (await new AdminClient(stateDir).doctor()).findings;
  } catch (error) {
    if (!(error instanceof OperationError) || !isErrorCode(error, "ControllerUnreachable")) throw error;
    const { runDoctor } = await import("../../controller/main.ts");
    const instance = nonEmpty(context.env.OPENCLAW_INSTANCE);
    const alone = await runDoctor({
      stateDir,
      configPath: toConfigPath(context, options),
      home: context.home,
      ...(instance === undefined ? {} : { instance }),
    });
    return [...alone.findings, warn("controller", error.message, error.fix ?? `openclaw controller --state-dir ${stateDir}`)];
  }
}

const MARKS = { ok: "ok  ", warn: "WARN", fail: "FAIL" } as const;

/** One line per check under the part that it is about, a fix below it; a summary ends the list. */
function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const groups = [...new Set(Object.values(CHECKS))].flatMap((group) => {
    const lines = findings.filter(({ check }) => CHECKS[check] === group).map((finding) => renderFinding(finding, width));
    return lines.length === 0 ? [] : [`${group}:\n${lines.join("")}`];
  });
  const count = (level: Finding["level"]): number => findings.filter((finding) => finding.level === level).length;
  const warnings = count("warn") === 1 ? "1 warning" : `${count("warn")} warnings`;
  return `${groups.join("\n")}\n${count("fail")} failed, ${warnings}, ${count("ok")} passed\n`;
}

function renderFinding({ check, level, message, fix }: Finding, width: number): string {
  const line = `  ${MARKS[level]}  ${check.padEnd(width)}  ${toSafeLine(message)}\n`;
  return fix === null ? line : `${line}${" ".repeat(width + 10)}fix: ${toSafeLine(fix)}\n`;
}
