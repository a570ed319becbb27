// The systemd units that are delivered: systemd understands them and finds little exposed, only the controller's has the engine's group, and the
// gateway's may write nothing but its own. That the two users suffice is two-users.engine.test.ts's.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const FOLDER = "manifests/systemd";
const UNITS = ["openclaw-controller.service", "openclaw-gateway.service"];
/** Of 10. What is left is what they are for: network, a home for state, a compiler of JavaScript. */
const EXPOSURE_MAX = 1.5;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openclaw-units-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Each value of a setting, in order. */
function valuesOf(unit: string, setting: string): string[] {
  const lines = readFileSync(join(FOLDER, unit), "utf8").split("\n");
  return lines.flatMap((line) => (line.startsWith(`${setting}=`) ? [line.slice(setting.length + 1)] : []));
}

/** null: this machine does not have it. */
function tryRun(program: string, ...args: string[]): string | null {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

test("only the controller's unit has the engine's group", () => {
  expect(UNITS.map((unit) => valuesOf(unit, "SupplementaryGroups"))).toEqual([["docker"], []]);
  expect(UNITS.map((unit) => valuesOf(unit, "User"))).toEqual([["openclaw-controller"], ["openclaw-gateway"]]);
  expect(UNITS.map((unit) => valuesOf(unit, "Group"))).toEqual([["openclaw"], ["openclaw"]]);
});

test("the gateway's unit may write sessions and its own folder, and no unit may write the config", () => {
  expect(valuesOf("openclaw-gateway.service", "ReadWritePaths")).toEqual(["/var/lib/openclaw/agents /var/lib/openclaw/gateway"]);
  expect(valuesOf("openclaw-controller.service", "ReadWritePaths")).toEqual(["/var/lib/openclaw"]);
  expect(UNITS.map((unit) => valuesOf(unit, "ProtectSystem"))).toEqual([["strict"], ["strict"]]);
});

test("the gateway's unit sees its own folders and the socket's of the state folder, and not the config", () => {
  const unit = "openclaw-gateway.service";
  expect(valuesOf(unit, "TemporaryFileSystem")).toEqual(["/var/lib/openclaw:ro"]);
  expect(valuesOf(unit, "BindPaths")).toEqual(["/var/lib/openclaw/agents /var/lib/openclaw/gateway"]);
  expect(valuesOf(unit, "BindReadOnlyPaths")).toEqual(["/var/lib/openclaw/run"]);
  expect(valuesOf(unit, "InaccessiblePaths").join(" ").split(" ")).toEqual(
    expect.arrayContaining(["-/etc/openclaw", "/var/lib/openclaw/run/admin"]),
  );
  expect(valuesOf(unit, "Environment").join(" ")).toContain("OPENCLAW_CONFIG_SOURCE=controller");
});

test("systemd understands both units, and finds little exposed", (context) => {
  for (const unit of UNITS) {
    const text = readFileSync(join(FOLDER, unit), "utf8").replaceAll("/opt/openclaw", resolve(import.meta.dirname, ".."));
    writeFileSync(join(folder, unit), text);
  }
  const paths = UNITS.map((unit) => join(folder, unit));
  if (tryRun("systemd-analyze", "verify", ...paths) === null) context.skip("there is no systemd-analyze (apt-get install systemd)");
  for (const path of paths) tryRun("systemd-analyze", "security", "--offline=yes", `--threshold=${EXPOSURE_MAX * 10}`, path);
});

test("systemd makes the users and the folders, and gives the gateway no folder but its own", (context) => {
  if (process.getuid?.() !== 0) context.skip("only root can make users and give folders away");
  mkdirSync(join(folder, "etc"));
  const made = tryRun("systemd-sysusers", `--root=${folder}`, resolve(FOLDER, "openclaw.sysusers.conf"));
  if (made === null) return context.skip("there is no systemd-sysusers (apt-get install systemd)");
  tryRun("systemd-tmpfiles", "--create", `--root=${folder}`, resolve(FOLDER, "openclaw.tmpfiles.conf"));
  const names = new Map(
    readFileSync(join(folder, "etc", "passwd"), "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , uid]) => [Number(uid), name]),
  );
  const look = (path: string): string => {
    const { mode, uid } = statSync(join(folder, path));
    return `${(mode & 0o7777).toString(8)} ${names.get(uid) ?? uid}`;
  };
  expect(
    [
      "/etc/openclaw",
      ...["", "/controller", "/requests", "/sandboxes", "/run", "/run/admin", "/agents", "/gateway"].map(
        (name) => `/var/lib/openclaw${name}`,
      ),
    ].map(look),
  ).toEqual([
    "2750 0",
    "750 openclaw-controller",
    "700 openclaw-controller",
    "700 openclaw-controller",
    "700 openclaw-controller",
    "750 openclaw-controller",
    "700 openclaw-controller",
    "2750 openclaw-gateway",
    "700 openclaw-gateway",
  ]);
});
