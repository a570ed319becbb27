// The one table of sandbox keys: what each means (unit, bounds, meaning of absence) and its default, written as a person writes it.
// Types and checks are schema.ts; this table feeds them, the effective sandbox and the editors' JSON Schema.

export interface KeyFacts {
  /** Shown by editors and by `explain`. */
  readonly about: string;
  /** As one would write it in the file; null: unset. */
  readonly default: unknown;
}

export const SANDBOX_KEYS = {
  mode: { default: "off", about: "Which sessions are sandboxed: off (none), non-main (all but agent:<id>:main), all" },
  scope: { default: "agent", about: "What one sandbox is shared by: session, agent, or shared (everything)" },
  workspaceAccess: {
    default: "none",
    about: "The agent workspace in the sandbox: none, ro (at /agent, write/edit/apply_patch off), rw (at workdir)",
  },
  workspaceRoot: { default: null, about: "Folder of the scope workspaces, absolute or ~; unset: <state>/sandboxes" },
  start: {
    default: "on-demand",
    about:
      "on-demand: exists while a live session needs it; eager: exists as long as the config lists it (scope agent or shared), ignoring idleHours",
  },
} as const satisfies Record<string, KeyFacts>;

export const DOCKER_KEYS = {
  image: { default: "openclaw-sandbox:bookworm-slim", about: "Image of the container; never replaced silently" },
  containerPrefix: { default: "openclaw-sbx-", about: "Prefix of every container name; at most 22 of [a-zA-Z0-9_.-]" },
  workdir: {
    default: "/workspace",
    about: "Absolute path in the container where the workspace is mounted; also HOME, unless an agent may write there but not exec",
  },
  readOnlyRoot: { default: true, about: "Mount the container's root file system read-only" },
  tmpfs: {
    default: ["/tmp", "/var/tmp", "/run"],
    about: "In-memory file systems, path[:options]; without options size=256m,mode=1777. Replaces the inherited list",
  },
  network: { default: "none", about: "none, bridge or the name of a network; host is refused" },
  user: {
    default: null,
    about: "uid:gid, or a user name in the image; unset: the owner of the mounted workspace folder, never implicitly 0",
  },
  capDrop: { default: ["ALL"], about: "Linux capabilities to drop. Replaces the inherited list" },
  env: {
    default: { LANG: "C.UTF-8" },
    about:
      "Environment of every command; merged by name, null removes a name; HOME is workdir unless set, or a separate folder (/run/openclaw-home) where an agent may write but not exec",
  },
  setupCommand: {
    default: null,
    about: "Run once after creation by sh after /etc/profile, as the container's user; an array is joined with &&; unset: none",
  },
  pidsLimit: { default: 512, about: "Processes and threads; 0 is unlimited" },
  memory: { default: null, about: 'Memory limit: "512m", "1g" or bytes, at least 6 MiB; unset or 0: unlimited' },
  memorySwap: {
    default: null,
    about: "Memory plus swap, not below memory; -1: unlimited swap; unset or 0: the engine's default (twice the memory)",
  },
  cpus: { default: null, about: "Cores, fractions allowed, at least 0.01; unset or 0: unlimited" },
  ulimits: { default: {}, about: 'By name: a number, "soft:hard" or { soft, hard }; -1 is unlimited; merged by name, null removes a name' },
  gpus: { default: null, about: '"all", a count, or "device=0,1"; unset: none' },
  workspaceSize: {
    default: null,
    about:
      'Disk space that the workspace may use: "5g" or bytes, at least 1 MiB; above it write, edit, apply_patch and uploads are refused, but commands are not; unset or 0: unlimited',
  },
  shmSize: { default: null, about: "Size of /dev/shm; unset: the engine's default (64 MiB)" },
  runtime: { default: null, about: "Container runtime known to the engine, e.g. runsc; unset: its default" },
  seccompProfile: {
    default: null,
    about: "Absolute path of a seccomp profile; unconfined is refused; unset: the engine's default profile",
  },
  apparmorProfile: { default: null, about: "Name of a loaded AppArmor profile; unconfined is refused; unset: the engine's default" },
  dns: { default: [], about: "IP addresses of name servers. Replaces the inherited list; empty: the engine's" },
  extraHosts: { default: [], about: "name:ip, added to /etc/hosts. Replaces the inherited list" },
  binds: { default: [], about: "host:container[:ro|rw]; added to the inherited ones, a later one with the same target wins" },
  dangerouslyAllowReservedContainerTargets: { default: false, about: "Let binds and tmpfs touch workdir, /agent or /" },
  dangerouslyAllowExternalBindSources: { default: false, about: "Let binds come from outside the workspaces" },
  dangerouslyAllowContainerNamespaceJoin: { default: false, about: "Let network be container:<name>" },
} as const satisfies Record<string, KeyFacts>;

export const EGRESS_KEYS = {
  allow: {
    default: [],
    about:
      'Destinations that the sandbox may reach: "host", "*.domain", "host:port", "10.1.0.0/16", "10.1.2.3:5432"; ports 80 and 443 unless one is named. Replaces the inherited list; empty: none',
  },
  deny: { default: [], about: "Destinations that it may not reach although allow names them; added to the inherited ones" },
  log: { default: "all", about: "Which decisions openclaw sandbox egress log keeps: all, refused, none" },
  connections: { default: 48, about: "Connections through the proxy at the same time, 1 to 48; one more is refused" },
  bandwidth: {
    default: null,
    about:
      'What passes in a second, in both directions and over all connections together: "10m" or bytes, at least 64 KiB; unset or 0: unlimited',
  },
} as const satisfies Record<string, KeyFacts>;

export const PRUNE_KEYS = {
  idleHours: { default: 24, about: "Remove a sandbox unused for this many hours, fractions allowed; 0 disables" },
  maxAgeDays: { default: 7, about: "Remove, or recreate if wanted, a container older than this many days, fractions allowed; 0 disables" },
  workspaces: { default: "keep", about: "What happens to the workspace folder of a session that is gone (scope session): keep or delete" },
} as const satisfies Record<string, KeyFacts>;

export const ROLLOUT_KEYS = {
  policy: { default: "when-idle", about: "When a changed sandbox is recreated: when-idle (at the end of the hot window), now, never" },
  hotWindow: { default: "5m", about: "A sandbox used within this time is not recreated" },
  maxDriftAge: { default: "24h", about: "A change deferred for longer than this is reported as overdue; 0 disables" },
  afterMaxDriftAge: {
    default: "report",
    about:
      "What happens to an overdue change: report (nothing more), recreate (ends the hot window, waits for running work), kill (ends running work too)",
  },
  maxParallel: {
    default: null,
    about: "Working sandboxes replaced at the same time, at least 1; unset: as many as the engine handles well",
  },
  canary: {
    default: 1,
    about: "How many sandboxes must be ready with a change before the others follow; 0: all at once",
  },
  // Setup may take 15 min; a rollout is stuck when not even that explains it.
  progressDeadline: { default: "20m", about: "A sandbox that does not become ready with a change within this time counts as failed" },
} as const satisfies Record<string, KeyFacts>;

export const BROWSER_KEYS = {
  enabled: { default: false, about: "Let the browser tool run a browser beside each sandbox, in a container of its own" },
  image: { default: "openclaw-sandbox-browser:bookworm-slim", about: "Image of the browser container" },
  containerPrefix: { default: "openclaw-sbx-browser-", about: "Prefix of every browser container's name; at most 22 of [a-zA-Z0-9_.-]" },
  network: {
    default: null,
    about: "Network of the browser container: bridge or a network's name; host is refused; unset: what the egress list allows, or none",
  },
  cdpPort: { default: 9222, about: "Port of the DevTools protocol in the container" },
  cdpSourceRange: { default: null, about: "CIDR that may also reach its ports over its network; unset: only the controller reaches them" },
  vncPort: { default: 5900, about: "Port of the VNC server in the container" },
  noVncPort: {
    default: 6080,
    about: "Port of the noVNC observer in the container; its server runs where cdpSourceRange lets somebody reach it",
  },
  headless: { default: false, about: "Run without a display (no VNC)" },
  enableNoVnc: { default: true, about: "Let people watch and take over: a VNC server beside Chromium; has no effect when headless" },
  noSandbox: {
    default: false,
    about: "Run Chromium without its own sandbox, where the engine refuses what that needs; the container is the only wall then",
  },
  allowHostControl: { default: false, about: "true is refused: no browser runs on the host" },
  autoStart: {
    default: true,
    about: "Start the browser at the first tool call that needs it; false: only when the tool is asked to start it",
  },
  autoStartTimeoutMs: { default: 12_000, about: "How long a new browser may take until its DevTools port answers, in milliseconds" },
  binds: { default: null, about: "Replaces docker.binds for the browser container; unset: docker.binds" },
  evaluateEnabled: { default: false, about: "Let the browser tool run JavaScript of the agent's in pages" },
} as const satisfies Record<string, KeyFacts>;
