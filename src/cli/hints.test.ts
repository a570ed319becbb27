// Every hint of the source, said for a host, for Compose and for systemd: what is to be typed exists there.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { OperationError } from "../api/errors.ts";
import { findPlace, type Place, toPlace } from "../api/place.ts";
import { refuseInCommandService } from "./command-service.ts";
import { commandNames, parseCommand } from "./parse-command.fixture.ts";

const SOURCE = join(import.meta.dirname, "..");
const COMPOSE_ENV = {
  OPENCLAW_CLI_COMMAND: "docker compose run --rm openclaw-cli",
  OPENCLAW_HOST_STATE_DIR: "/srv/claw",
  OPENCLAW_HOST_WORKSPACE_DIR: "/srv/files",
};
const PLACES = {
  host: findPlace({}, "openclaw"),
  checkout: findPlace({}, "bin/openclaw"),
  compose: findPlace(COMPOSE_ENV, "openclaw"),
  systemd: findPlace({ OPENCLAW_PLACE: "systemd" }, "openclaw"),
} as const satisfies Record<string, Place>;

/** String literals of the program's files in which a command of ours is named; what is filled in stands as a word. */
function collectHints(): string[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter(
    (file) =>
      /\.tsx?$/.test(file) &&
      !/\.(test|fixture)\.tsx?$/.test(file) &&
      !/^(ui|gateway\/http\/page|api\/place|cli\/other-commands)/.test(file),
  );
  const hints = files.flatMap((file) => {
    const code = readFileSync(join(SOURCE, file), "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    return [...code.matchAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g)].map(([text]) =>
      text.slice(1, -1).replaceAll(/\$\{[^}]*\}/g, "VALUE"),
    );
  });
  return [...new Set(hints)].filter((hint) => /(?<![\w./-])openclaw [a-z-]/.test(hint) && !/^\s*(?:\n|import )/.test(hint));
}

/** That something is left out ("openclaw sandbox list shows them") is no mistake of the command's name. */
const isOurs = async (words: string): Promise<boolean> =>
  !["commander.unknownCommand", "commander.unknownOption"].includes(await parseCommand(words));

/** What follows the program's name in a sentence: up to a sign that no command has. */
function commandsIn(text: string, program: string): string[] {
  const name = program.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&");
  return [...text.matchAll(new RegExp(`(?<![\\w./-])${name} ([a-z-]+(?: [\\w=:./-]+)*)`, "g"))].map(([, words = ""]) => words);
}

const GROUPS = ["sandbox", "session", "config", "devices"];

/** Prose may follow: some beginning is a command, and not only the name of a group of them. */
async function begins(words: string): Promise<boolean> {
  const all = words.split(" ");
  const least = Math.min(all.length, GROUPS.includes(all[0] ?? "") ? 2 : 1);
  const tries = Array.from({ length: all.length - least + 1 }, (_, at) => all.slice(0, all.length - at).join(" "));
  return (await Promise.all(tries.map(isOurs))).some(Boolean);
}

const HINTS = collectHints();

test("there are hints, and none was forgotten by the search", () => {
  expect(HINTS.length).toBeGreaterThan(50);
  expect(HINTS.some((hint) => hint.includes("openclaw config validate"))).toBe(true);
  const inCompose = HINTS.flatMap((hint) => commandsIn(toPlace(hint, PLACES.compose), PLACES.compose.program));
  expect(inCompose.length).toBeGreaterThan(50);
});

test.each(["sandbox bogus", "bogus", "sandbox list --bogus", "session nix KEY"])("%s would be found out", async (words) => {
  expect(await begins(words)).toBe(words === "sandbox list --bogus");
});

describe.each(Object.entries(PLACES))("on %s", (name, place) => {
  test.each(HINTS)("%s", async (hint) => {
    const said = toPlace(hint, place);
    const programs = [place.program, place.program.replace("run --rm", "run --rm -T")];
    for (const words of new Set(programs.flatMap((program) => commandsIn(said, program))))
      expect({ words, works: await begins(words) }).toEqual({ words, works: true });
    if (name !== "host")
      expect(said).not.toMatch(
        /(?<![\w./-])openclaw (?:agent|chat|config|controller|dashboard|devices|doctor|gateway|health|logs|mcp|models|onboard|sandbox|session|start|status|stop)\b/,
      );
    if (name === "compose") expect(said).not.toMatch(/--state-dir|OPENCLAW_STATE_DIR|--metrics-listen/);
  });
});

test.each([
  ["start one with: openclaw start --state-dir /home/node/.openclaw; see docs", "start one with: docker compose up -d; see docs"],
  ["openclaw controller", "docker compose up -d"],
  ["claude mcp add openclaw -- openclaw mcp", "claude mcp add openclaw -- docker compose run --rm -T openclaw-cli mcp"],
  ["/home/node/.openclaw/openclaw.json:3:7", "/srv/claw/openclaw.json:3:7"],
  ["/home/node/.openclaw/workspace/a and /home/node/.openclaw-other", "/srv/files/a and /home/node/.openclaw-other"],
  ["choose another one with --state-dir or OPENCLAW_STATE_DIR", "choose another one with OPENCLAW_CONFIG_DIR in .env"],
  ["set OPENCLAW_GATEWAY_TOKEN, or --token, to the one", "set OPENCLAW_GATEWAY_TOKEN in .env to the one"],
  ["choose another with --metrics-listen 127.0.0.1:PORT; port 0 picks a free one", "choose another with OPENCLAW_METRICS_PORT in .env"],
  [
    "docker.binds: /srv/data does not exist; create it, or remove the bind",
    "docker.binds: /srv/data does not exist in the controller's container; mount the host's folder there at the same path (volumes of openclaw-controller), or remove the bind",
  ],
  [
    "set VISUAL or EDITOR, or edit /home/node/.openclaw/openclaw.json itself: saving it applies it",
    "edit /srv/claw/openclaw.json on the host: saving it applies it",
  ],
  [
    "tar c a | openclaw sandbox exec -i main -- tar x, or openclaw sandbox cp - main:a < a; openclaw sandbox list",
    "tar c a | docker compose run --rm -T openclaw-cli sandbox exec -i main -- tar x, or docker compose run --rm -T openclaw-cli sandbox cp - main:a < a; docker compose run --rm openclaw-cli sandbox list",
  ],
  ["the openclaw command of openclaw-cli", "the openclaw command of openclaw-cli"],
])("in Compose %j is %j", (hint, said) => {
  expect(toPlace(hint, PLACES.compose)).toBe(said);
});

test("where the host has docker-compose of 1.29, it is named", () => {
  const place = findPlace(
    { ...COMPOSE_ENV, OPENCLAW_CLI_COMMAND: "docker-compose run --rm openclaw-cli", OPENCLAW_COMPOSE: "docker-compose" },
    "openclaw",
  );
  for (const hint of HINTS) expect(toPlace(hint, place)).not.toMatch(/docker compose /);
  expect(toPlace("openclaw start", place)).toBe("docker-compose up -d");
  const gatewayPiped = "docker-compose exec -T openclaw-gateway openclaw-entrypoint";
  expect(toPlace("claude mcp add openclaw -- openclaw mcp", place)).toBe(`claude mcp add openclaw -- ${gatewayPiped} mcp`);
  expect(toPlace("openclaw session send main < note.txt", place)).toBe(`${gatewayPiped} session send main < note.txt`);
  const piped = "docker-compose exec -T openclaw-controller openclaw-entrypoint";
  expect(toPlace("openclaw sandbox cp - main:a < a; openclaw config patch <<'EOF'", place)).toBe(
    `${piped} sandbox cp - main:a < a; ${piped} config patch <<'EOF'`,
  );
  const gateway = findPlace({ OPENCLAW_PLACE: "compose", OPENCLAW_COMPOSE: "docker-compose" }, "openclaw");
  expect(toPlace("openclaw health", gateway)).toBe("docker-compose run --rm openclaw-cli health");
});

test("under systemd the units are started, and other commands have their path", () => {
  expect(toPlace("openclaw start --state-dir /var/lib/openclaw", PLACES.systemd)).toBe(
    "systemctl start openclaw-controller openclaw-gateway",
  );
  expect(toPlace("openclaw sandbox list", PLACES.systemd)).toBe("/opt/openclaw/bin/openclaw sandbox list");
});

test("the page shows no command that was not said for its place", () => {
  const files = readdirSync(join(SOURCE, "ui"), { recursive: true, encoding: "utf8" }).filter((file) => /(?<!\.test)\.tsx$/.test(file));
  const bare = files.flatMap((file) => {
    const code = readFileSync(join(SOURCE, "ui", file), "utf8").replace(/^\s*(\/\/|\/?\*).*$/gm, "");
    return [...code.matchAll(/<code[^>]*>\s*(?:openclaw |\{toCommand)|: openclaw [a-z]+/g)].map(([text]) => `${file}: ${text}`);
  });
  expect(bare).toEqual([]);
});

test("in the service for commands no process is started that stays", () => {
  expect(() => refuseInCommandService(COMPOSE_ENV)).toThrow(OperationError);
  expect(() => refuseInCommandService({ OPENCLAW_PLACE: "compose" })).not.toThrow();
});

test("every command is said as it is typed where the program has another name", () => {
  const said = commandNames().map((name) => toPlace(`openclaw ${name}`, PLACES.checkout));
  expect(said.filter((text) => !text.startsWith("bin/openclaw "))).toEqual([]);
});
