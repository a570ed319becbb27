// Judges the engine itself: whether there is one, how it was found, its version, its clock, its storage. Pure: facts in, findings out.
// What it confines is confinement-checks.ts.
import type { EpochMs } from "../../api/brands.ts";
import type { OperationError } from "../../api/errors.ts";
import { type Finding, fail, ok, warn } from "../../api/finding.ts";
import type { EngineInfo } from "../engine/engine.ts";
import { settingsOf } from "./engine-settings.ts";

/** `HostConfig.Mounts`, init and pids limits together: Docker 19.03, Podman 3. */
const API_MIN = [1, 40] as const;
/** Labels carry the controller's time, the engine stamps starts with its own; ages and back-off compare them. */
const SKEW_WARN_MS = 5_000;
const SKEW_FAIL_MS = 60_000;

export function judgeEngine(info: EngineInfo, now: EpochMs): Finding[] {
  return [
    ok("engine", `${info.product} ${info.version} at ${info.endpoint} (${info.because})`),
    ...judgeEndpoint(info.endpoint),
    judgeVersion(info),
    judgeClock(info, now),
    judgeStorage(info),
    judgeCommands(info),
  ];
}

export function judgeNoEngine({ message, fix }: OperationError): Finding {
  return fail("engine", message, fix ?? "start Docker or Podman, or set DOCKER_HOST to its socket");
}

function judgeEndpoint(endpoint: string): Finding[] {
  if (!/^(tcp|http):/.test(endpoint) || /:2376$/.test(endpoint)) return [];
  const fix = "use DOCKER_HOST=ssh://USER@HOST, or TLS with DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH";
  return [warn("engine", `${endpoint} has no TLS: whoever can reach that port controls the engine's machine`, fix)];
}

function judgeVersion({ product, version, apiVersion }: EngineInfo): Finding {
  const [major = 0, minor = 0] = apiVersion.split(".").map(Number);
  const isOld = major < API_MIN[0] || (major === API_MIN[0] && minor < API_MIN[1]);
  if (isOld)
    return fail(
      "version",
      `API ${apiVersion || "unknown"}; at least ${API_MIN.join(".")} is needed`,
      "upgrade the engine to Docker 20.10, Podman 3, or newer",
    );
  if (product === "podman")
    return ok("version", `API ${apiVersion}; this engine changes no limits in place, so a new limit takes a new container`);
  return ok("version", `API ${apiVersion} of version ${version}`);
}

function judgeClock({ systemTime }: EngineInfo, now: EpochMs): Finding {
  if (systemTime === null) return warn("clock", "the engine does not report its time", "compare the output of date there and here");
  const skewMs = Math.abs(systemTime - now);
  const message = `the engine's clock and this one differ by ${(skewMs / 1_000).toFixed(1)} s`;
  const fix = "synchronise both: timedatectl set-ntp true";
  if (skewMs > SKEW_FAIL_MS) return fail("clock", `${message}: ages, idle times and back-off are off by as much`, fix);
  return skewMs > SKEW_WARN_MS ? warn("clock", message, fix) : ok("clock", message);
}

/** With a terminal, or under a runtime that is no runc, there is none either: docs/operations.md says so. */
function judgeCommands({ subreaper }: EngineInfo): Finding {
  if (subreaper)
    return ok(
      "commands",
      "ending a command ends everything it started, including processes that left its session, parents and environment",
    );
  const message = "a process that left its command's session, parents and environment outlives the command's timeout here";
  return warn("commands", message, "use Docker with its own docker-init, or recreate the sandbox: openclaw sandbox recreate");
}

/** Drivers that copy or that the engine's makers have given up. */
const COPYING = { vfs: "copies every image for every container" };
const POOR_DRIVERS: Readonly<Record<string, string>> = {
  ...COPYING,
  devicemapper: "was removed from Docker 25",
  aufs: "was removed from Docker 24",
  overlay: "was removed from Docker 24",
};
/** Its `overlay` is what Docker calls overlay2. */
const POOR_DRIVERS_OF_PODMAN: Readonly<Record<string, string>> = COPYING;

function judgeStorage(info: EngineInfo): Finding {
  const { product, storageDriver: driver } = info;
  const trouble = (product === "podman" ? POOR_DRIVERS_OF_PODMAN : POOR_DRIVERS)[driver];
  if (trouble === undefined) return ok("storage", `driver ${driver || "unknown"}`);
  return warn("storage", `driver ${driver} ${trouble}`, settingsOf(info).storage);
}
