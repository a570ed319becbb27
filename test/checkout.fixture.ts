// A copy of the checkout's scripts with a PATH of its own on which `docker` is a stub that records how it was called.
// What the stub answers is in files that a test writes; nothing reaches an engine.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { onTestFinished } from "vitest";
import { toolbox } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");
const TOOLS = ["chmod", "chown", "cmp", "cp", "ls", "od", "tar"];

/** Every call on a line of its own in `calls`. Rootless, unless a test says otherwise, so that a test needs no root. */
const DOCKER = `#!/bin/sh
stub=$(dirname "$0")/../stub
printf '%s\\n' "$*" >>"$stub/calls"
case "$*" in "build "*" -") cat >/dev/null ;; esac # the context, read to its end as an engine does
case "$*" in "compose "*) [ -z "\${COMPOSE_FILE:-}" ] || exit 1 ;; esac
case "$*" in
"version "*) echo 28.0.0 ;;
"compose version"*) [ ! -e "$stub/no-compose" ] && echo 2.30.3 ;;
"info --format {{.DockerRootDir}}") cat "$stub/data-root" 2>/dev/null || echo /var/lib/docker ;;
"info "*) cat "$stub/info" 2>/dev/null || echo "[name=rootless]" ;;
"image inspect --format {{index .Config.Labels \\"ai.openclaw.image.checkout"*)
  cat "$stub/builder" 2>/dev/null || sed -n 's/^build .*--label ai.openclaw.image.checkout=\\([0-9a-f]*\\).*/\\1/p' "$stub/calls" | tail -n 1 ;;
"image inspect"*) [ ! -e "$stub/no-image" ] && echo "sha256:0123456789ab 379000000" ;;
"build "*)
  [ ! -e "$stub/builds-what-fails" ] || touch "$stub/unhealthy"
  [ ! -e "$stub/takes-time" ] || { sleep 0.3 && echo built >>"$stub/calls"; } ;;
"tag "*before-update" "*) rm -f "$stub/unhealthy" ;;
"compose ps -q "*) echo container ;;
"inspect "*.Config.Healthcheck*) echo check ;;
"exec container node -e check") [ ! -e "$stub/unready" ] ;;
"inspect "*) [ -e "$stub/starting" ] && echo starting || { [ ! -e "$stub/unhealthy" ] && echo healthy || echo exited; } ;;
"ps --quiet "*) cat "$stub/own-container" 2>/dev/null ;;
"ps --filter "*) cat "$stub/other-container" 2>/dev/null ;;
*"config get gateway.auth --json"*) cat "$stub/auth" 2>/dev/null || exit 3 ;;
*" onboard"*) echo "{}" >"$OPENCLAW_CONFIG_DIR/openclaw.json" ;;
*" status --json"*) printf '{\\n  "instance": "abc123",\\n}\\n' ;;
"ps --all --filter label=com.docker.compose.project="*) cat "$stub/project-folders" 2>/dev/null ;;
"ps --all --filter label=openclaw.instance="*) cat "$stub/sandboxes" 2>/dev/null ;;
esac
`;

export interface Checkout {
  /** Holds all of the others. */
  readonly folder: string;
  readonly checkout: string;
  readonly home: string;
  readonly environment: Record<string, string>;
  /** Writes a file that the stub looks at. */
  stub(name: string, text?: string): void;
  /** What the docker command was called with so far. */
  calls(): string;
  read(name: string): string;
}

/** Gone when the test is over. */
export function makeCheckout(): Checkout {
  const folder = mkdtempSync(join(tmpdir(), "openclaw-setup-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [checkout, home, path] = [join(folder, "checkout"), join(folder, "home"), join(folder, "path")];
  for (const name of [checkout, home, path, join(folder, "stub")]) mkdirSync(name);
  for (const name of ["docker-setup.sh", "docker-compose.yml", "Dockerfile", "images", "scripts"]) {
    cpSync(join(project, name), join(checkout, name), { recursive: true, verbatimSymlinks: true });
  }
  toolbox(path, TOOLS);
  writeFileSync(join(path, "docker"), DOCKER);
  chmodSync(join(path, "docker"), 0o755);
  const record = join(folder, "stub/calls");
  return {
    folder,
    checkout,
    home,
    environment: { PATH: path, HOME: home, TMPDIR: folder },
    stub: (name, text = "") => writeFileSync(join(folder, "stub", name), text),
    calls: () => (existsSync(record) ? readFileSync(record, "utf8") : ""),
    read: (name) => readFileSync(join(checkout, name), "utf8"),
  };
}
