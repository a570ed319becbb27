// Says a hint as it works where it is printed: on a host, beside Compose, or where systemd runs the program. Whoever writes a hint writes it for a host
// (`openclaw sandbox list`, `--state-dir`); this file alone knows the other two. Pure.

export interface Place {
  kind: "host" | "compose" | "systemd";
  /** What a person types in place of `openclaw`: `bin/openclaw`, `docker compose run --rm openclaw-cli`. */
  program: string;
  /** The host's: `docker compose`, or `docker-compose` of 1.29. Nothing else of it is known in a container. */
  compose: string;
  /** Folders as this process sees them, and as the person's machine does. The longest first. */
  folders: readonly (readonly [inside: string, outside: string])[];
}

/** A variable that is set to nothing is not set. */
const given = (text: string | undefined): string | undefined => text || undefined;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where `openclaw-cli` mounts them (docker-compose.yml). */
const STATE_FOLDER = "/home/node/.openclaw";
const COMPOSE = "docker compose";
const SYSTEMD_PROGRAM = "/opt/openclaw/bin/openclaw";

/** By `OPENCLAW_PLACE`, which the Compose file and the units set. @param program how this one was started on a host */
export function findPlace(env: Environment, program: string): Place {
  const command = given(env.OPENCLAW_CLI_COMMAND);
  const compose = given(env.OPENCLAW_COMPOSE) ?? COMPOSE;
  if (command !== undefined || env.OPENCLAW_PLACE === "compose")
    return { kind: "compose", program: command ?? `${compose} run --rm openclaw-cli`, compose, folders: composeFolders(env) };
  if (env.OPENCLAW_PLACE === "systemd") return { kind: "systemd", program: SYSTEMD_PROGRAM, compose, folders: [] };
  return { kind: "host", program, compose, folders: [] };
}

function composeFolders(env: Environment): Place["folders"] {
  const state = given(env.OPENCLAW_HOST_STATE_DIR);
  const workspace = given(env.OPENCLAW_HOST_WORKSPACE_DIR);
  return [
    ...(workspace === undefined ? [] : [[`${STATE_FOLDER}/workspace`, workspace] as const]),
    ...(state === undefined ? [] : [[STATE_FOLDER, state] as const]),
  ];
}

/** The first word of a command of ours; what else follows `openclaw` is prose. */
const COMMANDS = [
  ...[
    "agent",
    "channels",
    "chat",
    "completion",
    "config",
    "controller",
    "dashboard",
    "demo",
    "devices",
    "doctor",
    "gateway",
    "health",
    "logs",
    "man",
    "mcp",
    "models",
  ],
  ...["onboard", "sandbox", "session", "start", "status", "stop", "--help", "--version"],
];
const COMMAND = new RegExp(`(?<![\\w./-])openclaw (${COMMANDS.join("|")})\\b`, "g");
/** With the options that say for which folder it is started: elsewhere that is settled. */
const RUNNING =
  /(?<![\w./-])openclaw (start|controller|gateway|stop)\b(?: --(?:state-dir|config|port|bind|metrics-listen) [^\s;,)]+| --(?:adopt|detach|allow-unconfigured))*/g;

const STARTED: Readonly<Record<"compose" | "systemd", Readonly<Record<string, string>>>> = {
  compose: {
    start: "docker compose up -d",
    controller: "docker compose up -d",
    gateway: "docker compose up -d",
    stop: "docker compose stop",
  },
  systemd: {
    start: "systemctl start openclaw-controller openclaw-gateway",
    controller: "systemctl start openclaw-controller",
    gateway: "systemctl start openclaw-gateway",
    stop: "systemctl stop openclaw-gateway openclaw-controller",
  },
};

/** Options of processes, as the settings that Compose passes on; and what is missing in a container, where the host may have it. */
const SETTINGS: readonly (readonly [RegExp, string])[] = [
  [
    /does not exist; create it, or remove the bind/g,
    "does not exist in the controller's container; mount the host's folder there at the same path (volumes of openclaw-controller), or remove the bind",
  ],
  // The image has no editor.
  [/set VISUAL or EDITOR, or edit (\S+) itself: saving it applies it/g, "edit $1 on the host: saving it applies it"],
  [/--state-dir(?: or |, )OPENCLAW_STATE_DIR|--state-dir\b|\bOPENCLAW_STATE_DIR\b/g, "OPENCLAW_CONFIG_DIR in .env"],
  [/--port or --bind\b|--port\b(?! \d)/g, "OPENCLAW_GATEWAY_PORT in .env"],
  [/--bind\b(?! l)/g, "OPENCLAW_GATEWAY_BIND in .env"],
  [/--metrics-listen\b(?: 127\.0\.0\.1:PORT)?(?:; port 0 picks a free one)?/g, "OPENCLAW_METRICS_PORT in .env"],
  [/\bOPENCLAW_GATEWAY_TOKEN(?:, or --token,)?(?! in )/g, "OPENCLAW_GATEWAY_TOKEN in .env"],
];

/** A text that names commands, options or paths as on a host, said as they are where this process runs. */
export type Say = (text: string) => string;

/** Fields of the product's own answers that are sentences for people; all others are data, which nobody may reword. */
const SENTENCES = new Set(["message", "fix", "because", "next", "advice", "problem", "unplanned", "missing", "waits", "actions"]);

/** The answer with its sentences said as they are there. Config texts, logs, names and paths to work with stay as they are. */
export function sayAnswer<Answer>(answer: Answer, say: Say): Answer {
  // Of the same shape: strings become strings.
  return sayIn(answer, say, false) as Answer;
}

function sayIn(value: unknown, say: Say, isSentence: boolean): unknown {
  if (typeof value === "string") return isSentence ? say(value) : value;
  if (Array.isArray(value)) return value.map((inner) => sayIn(inner, say, isSentence));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sayIn(inner, say, SENTENCES.has(key))]));
}

/** The text with every command, option and path as they are there. */
export function toPlace(text: string, place: Place): string {
  const { kind, program, compose } = place;
  if (kind === "host") return program === "openclaw" ? text : text.replace(COMMAND, (_, word) => `${program} ${word}`);
  const started = text.replace(RUNNING, (_, word: string) => STARTED[kind][word] ?? word);
  const commands = started.replace(COMMAND, (_, word: string, at: number, whole: string) => {
    const isPiped = word === "mcp" || /\| *$/.test(whole.slice(0, at)) || /^[^;,)\n]*? (?:[|<>] |<<)/.test(whole.slice(at));
    return `${kind === "compose" && isPiped ? toPiped(program, word) : program} ${word}`;
  });
  if (kind === "systemd") return commands;
  const settings = SETTINGS.reduce((all, [option, setting]) => all.replace(option, setting), commands);
  return toOutside(compose === COMPOSE ? settings : settings.replaceAll(COMPOSE_CALL, `${compose} `), place);
}

const COMPOSE_CALL = /(?<![\w./-])docker compose /g;

/**
 * Of docker-compose 1.29, whose `run` says that the input has ended only where the host has the docker command beside it, and leaves its container
 * behind a client that is killed. The controller's container has the admin socket and the state folder, and reaches no gateway; the gateway's own does.
 */
const PIPED_OLD: ReadonlyMap<string, string> = new Map([
  ...["sandbox", "config", "models"].map((word) => [word, "docker-compose exec -T openclaw-controller openclaw-entrypoint"] as const),
  ...["mcp", "session", "agent"].map((word) => [word, "docker-compose exec -T openclaw-gateway openclaw-entrypoint"] as const),
]);

/** An agent's program is no terminal, nor is a pipe or a file: bytes would arrive as a terminal changes them. */
function toPiped(program: string, word: string): string {
  const running = program.startsWith("docker-compose ") ? PIPED_OLD.get(word) : undefined;
  return running ?? program.replace(/ run --rm /, " run --rm -T ");
}

function toOutside(text: string, { folders }: Place): string {
  return folders.reduce(
    (all, [inside, outside]) => all.replaceAll(new RegExp(`(?<![\\w./-])${inside}(?![\\w.-])`, "g"), () => outside),
    text,
  );
}
