// Decides what the sandbox of a browser is made from: an agent's settings with the browser's own image, names, network and environment, so that
// everything after it treats it as any other sandbox. Pure.
import { type DurationMs, MINUTE_MS, toDurationMs } from "../../api/brands.ts";
import type { Config } from "../../api/config/config.ts";
import type { EffectiveDocker, EffectiveSandbox } from "../../api/config/effective.ts";
import { EGRESS_ENV } from "../../api/config/egress.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { decideTool, renderRefusal, toToolPolicy } from "../../api/tool-policy.ts";
import type { DesiredSandbox } from "./types.ts";

export const BROWSER_IMAGE = "openclaw-sandbox-browser:bookworm-slim";

/** The entrypoint's word for nobody (images/sandbox-browser/entrypoint.sh). */
const NO_SOURCE_RANGE = "none";
/** Of `/dev/shm`: with an engine's 64 MiB Chromium writes files instead. */
const SHM_BYTES = 256 * 1_048_576;

/** Variables of the image, by the key that each stands for: `docker.env.NAME` of a browser's container is shown as that key. */
const VARIABLES = {
  OPENCLAW_BROWSER_CDP_PORT: "browser.cdpPort",
  OPENCLAW_BROWSER_VNC_PORT: "browser.vncPort",
  OPENCLAW_BROWSER_NOVNC_PORT: "browser.noVncPort",
  OPENCLAW_BROWSER_HEADLESS: "browser.headless",
  OPENCLAW_BROWSER_ENABLE_NOVNC: "browser.enableNoVnc",
  OPENCLAW_BROWSER_NO_SANDBOX: "browser.noSandbox",
  OPENCLAW_BROWSER_CDP_SOURCE_RANGE: "browser.cdpSourceRange",
} as const;

const KEYS: ReadonlyMap<string, string> = new Map([
  ["docker.image", "browser.image"],
  ["docker.network", "browser.network"],
  ["docker.setupCommand", "browser.cdpPort"],
  ...Object.entries(VARIABLES).map(([name, key]) => [`docker.env.${name}`, key] as const),
]);

/** The config's key for a field of a container. */
export const toConfigKeyOf = (kind: SandboxKind, field: string): string => (kind === "browser" ? (KEYS.get(field) ?? field) : field);

/** What a container that was made with this environment offers. `vnc` is null where nobody can watch. */
export function toBrowserPorts(env: Readonly<Record<string, string>>): { cdp: number; vnc: number | null; headless: boolean } {
  const headless = env.OPENCLAW_BROWSER_HEADLESS === "1";
  const isWatched = !headless && env.OPENCLAW_BROWSER_ENABLE_NOVNC === "1";
  return { cdp: Number(env.OPENCLAW_BROWSER_CDP_PORT), vnc: isWatched ? Number(env.OPENCLAW_BROWSER_VNC_PORT) : null, headless };
}

/** Secrets of the tools' environment are no business of a program that shows pages of strangers. */
const PASSED_VARIABLE = /^(HOME|LANG|LC_[A-Z]+|TZ)$/;

/** Of the sandbox's settings those that a browser has another one for, or none. */
const NOT_A_BROWSERS: ReadonlySet<string> = new Set([
  "start",
  "docker.image",
  "docker.containerPrefix",
  "docker.network",
  "docker.gpus",
  "docker.setupCommand",
]);

/** Whether a key of the settings says anything about the browser beside the sandbox; as `toBrowserSettings` has it. */
export function actsOnBrowser({ browser, provenance }: EffectiveSandbox, key: string): boolean {
  const variable = /^docker\.env\.(.+)$/.exec(key)?.[1];
  if (variable !== undefined) return PASSED_VARIABLE.test(variable);
  if (key.startsWith("docker.binds")) return provenance.get("browser.binds")?.kind !== "config";
  if (key.startsWith("egress.")) return browser.network === null;
  return key === "docker.seccompProfile" ? browser.noSandbox : !NOT_A_BROWSERS.has(key);
}

/** Why sessions of this agent have no browser, whatever they ask for. null: they may have one. */
export function whyNoBrowser(config: Config, sandbox: EffectiveSandbox): string | null {
  const { agentId, browser } = sandbox;
  if (!browser.enabled) return `browser.enabled of agent ${agentId} is false`;
  const decision = decideTool(toToolPolicy(config, { agentId, sandbox }), "browser");
  return decision.allowed ? null : renderRefusal(decision);
}

/** What the browser beside a sandbox of these settings is made from. */
export function toBrowserSettings(settings: EffectiveSandbox): EffectiveSandbox {
  const { docker, browser, egress } = settings;
  const ownEgress = browser.network === null ? egress : null;
  return {
    ...settings,
    start: "on-demand",
    egress: ownEgress,
    docker: {
      ...docker,
      image: browser.image,
      containerPrefix: browser.containerPrefix,
      network: browser.network ?? "none",
      env: toEnvironment(settings, ownEgress === null ? {} : EGRESS_ENV),
      binds: browser.binds,
      shmSize: docker.shmSize ?? SHM_BYTES,
      gpus: null,
      seccompProfile: browser.noSandbox ? docker.seccompProfile : null,
      setupCommand: toReadyCommand(settings),
    },
  };
}

function toEnvironment({ docker, browser }: EffectiveSandbox, proxy: EffectiveDocker["env"]): EffectiveDocker["env"] {
  const passed = Object.entries(docker.env).filter(([name]) => PASSED_VARIABLE.test(name));
  const own: Record<keyof typeof VARIABLES, string> = {
    OPENCLAW_BROWSER_CDP_PORT: String(browser.cdpPort),
    OPENCLAW_BROWSER_VNC_PORT: String(browser.vncPort),
    OPENCLAW_BROWSER_NOVNC_PORT: String(browser.noVncPort),
    OPENCLAW_BROWSER_HEADLESS: toFlag(browser.headless),
    OPENCLAW_BROWSER_ENABLE_NOVNC: toFlag(browser.enableNoVnc),
    OPENCLAW_BROWSER_NO_SANDBOX: toFlag(browser.noSandbox),
    OPENCLAW_BROWSER_CDP_SOURCE_RANGE: browser.cdpSourceRange ?? NO_SOURCE_RANGE,
  };
  return { ...Object.fromEntries(passed), ...proxy, ...own };
}

const toFlag = (value: boolean): string => (value ? "1" : "0");

/**
 * Ends with exit code 0 once DevTools answers; that is the setup of a browser, so that only one that answers gets its name. Any image does that has
 * curl or bash. Part of the hash: another text is a new container for every browser. How long it may take is not in it (`toSetupMsMax`).
 */
const toReadyCommand = ({ browser: { cdpPort } }: EffectiveSandbox): string => `answers() {
  if command -v curl >/dev/null; then curl --noproxy '*' -sf -o /dev/null -m 3 http://127.0.0.1:${cdpPort}/json/version
  else bash -c 'exec 3<>/dev/tcp/127.0.0.1/${cdpPort}' 2>/dev/null; fi
}
until answers; do sleep 0.1; done`;

/** Longest setup: a large package installation over a slow line. */
const SETUP_MS_MAX = (15 * MINUTE_MS) as DurationMs;

export const toSetupMsMax = ({ kind, settings }: Pick<DesiredSandbox, "kind" | "settings">): DurationMs =>
  kind === "browser" ? toDurationMs(settings.browser.autoStartTimeoutMs) : SETUP_MS_MAX;

/** What is said of what runs once in a new container. */
export interface SetupWords {
  once: string;
  running: string;
  failed: string;
  waits: string;
}

/** For tools it is the config's own command, for a browser the wait for DevTools. */
export const SETUP_WORDS: Readonly<Record<SandboxKind, SetupWords>> = {
  tools: {
    once: "docker.setupCommand runs once in a new container",
    running: "docker.setupCommand is running",
    failed: "docker.setupCommand failed",
    waits: "docker.setupCommand waits for the sandbox's egress",
  },
  browser: {
    once: "a new browser is ready once DevTools answers",
    running: "waiting until DevTools answers",
    failed: "the browser did not become ready",
    waits: "the browser waits for its egress",
  },
};
