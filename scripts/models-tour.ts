// Plays onboarding's model question in Compose, with each choice, at a real terminal (tmux), against servers of its own: an authorization server, and one that
// answers as OpenAI and Anthropic do. What the terminal showed goes into docs/models.md, between the marks. Run as `node scripts/models-tour.ts`.
// It needs tmux, docker-compose, and the image openclaw:local (scripts/openclaw-image.sh).
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LLMock } from "@copilotkit/aimock";
import { openOAuthServer } from "../src/gateway/credentials/oauth-peer.fixture.ts";
import { replacePlayed } from "./tour-player.ts";

const PAGE = new URL("../docs/models.md", import.meta.url);
/** `docker compose`, or the older `docker-compose`. */
const COMPOSE = process.env.OPENCLAW_COMPOSE ?? "docker-compose";
const COLUMNS = 110;
const WAIT_MS_MAX = 180_000;
const LOOK_MS = 200;
/** Of the image, whose state folder it is. */
const OWNER = 1_000;
const KEY = "sk-proj-of-the-tour-0123456789";

const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
mock.on({ userMessage: "OK" }, { content: "OK" });
await mock.start();
const oauth = await openOAuthServer();
const folder = mkdtempSync(join(tmpdir(), "openclaw-models-tour-"));
const project = `openclaw-tour-${process.pid}`;
const socket = join(folder, "tmux");
const tmux = (...args: string[]): string => execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], { encoding: "utf8" });

/** The same file, but for the network: the servers are this host's, and sign-ins go nowhere else without TLS. */
function writeComposeFile(): string {
  const [before = "", own = ""] = readFileSync(new URL("../docker-compose.yml", import.meta.url), "utf8").split(/^(?= {2}openclaw-cli:)/m);
  const path = join(folder, "docker-compose.yml");
  writeFileSync(path, before + own.replace("networks: [default]", "network_mode: host"));
  return path;
}

const { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl } = oauth;
const CONFIG = {
  agents: { list: [{ id: "main" }] },
  models: { providers: { openai: { baseUrl: `${mock.url}/v1` }, anthropic: { baseUrl: mock.url } } },
  auth: { codex: { issuer, clientId, authorizeUrl, tokenUrl, redirectUrl, baseUrl: `${mock.url}/v1` } },
};

/** What is typed once the terminal shows a text. */
type Step = readonly [shown: string, ...keys: string[]];
interface Choice {
  title: string;
  /** How far below the first one it is in the list. */
  below: number;
  steps: readonly Step[];
}

const typed = (text: string): string[] => ["-l", text];
const CHOICES: readonly Choice[] = [
  {
    title: "OpenAI Codex OAuth",
    below: 0,
    steps: [
      ["Model\n", "Enter"],
      ["paste the address here", "PASTE"],
    ],
  },
  {
    title: "OpenAI API key",
    below: 1,
    steps: [
      ["Model\n", "Enter"],
      ["OpenAI API key\n│  _", ...typed(KEY)],
      ["▪", "Enter"],
    ],
  },
  {
    title: "Anthropic API key",
    below: 2,
    steps: [
      ["Model\n", "Enter"],
      ["Anthropic API key\n│  _", ...typed(KEY)],
      ["▪", "Enter"],
    ],
  },
  {
    title: "OpenAI-compatible URL",
    below: 3,
    steps: [
      ["URL of the model server\n", "C-u"],
      ["URL of the model server\n", ...typed(`${mock.url}/v1`)],
      [`${mock.url}/v1`, "Enter"],
      ["Model\n", ...typed("llama3")],
      ["llama3", "Enter"],
      ["API key (empty", "Enter"],
    ],
  },
];
/** Before the one about models. */
const QUESTIONS = 4;
const END = "%ENDED%";

const screen = (): string => tmux("capture-pane", "-pJ", "-S", "-200").trimEnd();

async function waitFor(shown: string): Promise<string> {
  const end = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const now = screen();
    if (now.includes(shown)) return now;
    if (performance.now() > end || now.includes(END)) throw new Error(`"${shown}" is not shown:\n${now}`);
    await pause(LOOK_MS);
  }
}

async function play({ below, steps }: Choice, composeFile: string): Promise<string> {
  const stateDir = mkdtempSync(join(folder, "state-"));
  writeFileSync(join(stateDir, "openclaw.json"), JSON.stringify(CONFIG), { mode: 0o600 });
  mkdirSync(join(stateDir, "workspace"));
  execFileSync("chown", ["-R", `${OWNER}:${OWNER}`, stateDir]);
  const variables = {
    COMPOSE_PROJECT_NAME: project,
    OPENCLAW_CONFIG_DIR: stateDir,
    OPENCLAW_WORKSPACE_DIR: join(stateDir, "workspace"),
    OPENCLAW_INSTANCE: project,
  };
  const env = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const command = `env ${env.join(" ")} ${COMPOSE} -f ${composeFile} run --rm openclaw-cli onboard; echo '${END}'; sleep 600`;
  tmux("new-session", "-d", "-x", String(COLUMNS), "-y", "80", command);
  try {
    for (let question = 0; question < QUESTIONS; question += 1) await answer(question);
    const list: readonly string[] = (await waitFor("◆  Model provider?")).split("◆  Model provider?")[1]?.match(/[●○]/g) ?? [];
    // From the one that is offered.
    const away = below - list.indexOf("●");
    for (let at = 0; at < Math.abs(away); at += 1) tmux("send-keys", away > 0 ? "Down" : "Up");
    tmux("send-keys", "Enter");
    for (const [shown, ...keys] of steps) {
      const now = await waitFor(shown);
      await pause(LOOK_MS);
      if (keys[0] !== "PASTE") tmux("send-keys", ...keys);
      else {
        const address = await oauth.browse(/http:\/\/\S+\/auth\?\S+/.exec(now)?.[0] ?? "");
        tmux("send-keys", "-l", address.href);
        tmux("send-keys", "Enter");
      }
    }
    return (await waitFor(END)).replace(END, "");
  } finally {
    tmux("kill-session");
  }
}

/** The questions before are onboarding's others: as they are offered. */
async function answer(question: number): Promise<void> {
  const asked = (now: string): number => now.split("\n").filter((line) => line.startsWith("◇")).length;
  const end = performance.now() + WAIT_MS_MAX;
  while (!(asked(screen()) >= question && screen().includes("◆"))) {
    if (performance.now() > end || screen().includes(END)) throw new Error(`question ${question + 1} is not asked:\n${screen()}`);
    await pause(LOOK_MS);
  }
  tmux("send-keys", "Enter");
}

/** From the question on; without what differs from run to run and says nothing. */
function toTranscript(shown: string): string {
  const from = shown.slice(shown.indexOf("◇  Model provider?"));
  return from
    .replaceAll(/(authorize|auth)\?response_type=code\S+/g, "$1?response_type=code&client_id=...&state=...")
    .replaceAll(/127([.-])0\1(?:0\1)1([:-])\d+/g, "127$10$10$11$28000")
    .replaceAll(new RegExp(`${folder}/state-\\w+`, "g"), "~/.openclaw")
    .replaceAll("docker-compose", "docker compose")
    .replaceAll(/▪{21,}(?:\n▪+)?/g, "▪".repeat(20))
    .replaceAll(/answered in [\d.]+ s/g, "answered in 0.2 s")
    .replaceAll(/[ \t]+$/gm, "")
    .trim();
}

try {
  const composeFile = writeComposeFile();
  const played: string[] = [];
  for (const choice of CHOICES) {
    process.stderr.write(`models-tour: ${choice.title} ...\n`);
    const transcript = toTranscript(await play(choice, composeFile));
    played.push(`**${choice.title}**\n\n\`\`\`text\n${transcript}\n\`\`\``);
  }
  replacePlayed(PAGE, "models-tour.ts", played);
} finally {
  try {
    tmux("kill-server");
  } catch {
    // It ended with its last session.
  }
  const [program = "", ...words] = COMPOSE.split(" ");
  const down = [...words, "-p", project, "-f", join(folder, "docker-compose.yml"), "down", "--volumes"];
  execFileSync(program, down, { stdio: "ignore" });
  oauth.close();
  await mock.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
