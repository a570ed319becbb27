// A site that is worth a picture, on the engine of this machine: agents whose sandboxes are ready, wait, fail and are pinned; a session with files, a
// process and messages; a rollout under way. It runs from source in a folder of its own, and all of it is removed at the end. It takes no picture.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LLMock } from "@copilotkit/aimock";
import { LABEL } from "../src/api/labels.ts";
import { toDefaultInstance } from "../src/api/names.ts";
import { findGatewayToken, findGatewayUrl } from "../src/api/store/gateway-files.ts";

const LAUNCHER = resolve(import.meta.dirname, "../bin/openclaw");
const START_MS_MAX = 120_000;
const LOOK_MS = 250;
/** Of each edit that is made for the charts. */
const EDIT_MS = 45_000;
export const SESSION = "agent:main:main";
/** In which an agent was asked something, and did it. */
export const CHAT_SESSION = "agent:main:report";

interface Said {
  modelUrl: string;
  greeting: string;
  memory: string;
  hasOld: boolean;
}

const toConfig = ({
  modelUrl,
  greeting,
  memory,
  hasOld,
}: Said): string => `// Agents and what each may have. Saved is in force: no restart, no work ended.
{
  gateway: { mode: "local" },
  models: {
    providers: {
      local: { baseUrl: "${modelUrl}", api: "openai-completions", models: [{ id: "llama3.1", cost: { input: 0.2, output: 0.6 } }] },
    },
  },
  agents: {
    defaults: {
      model: "local/llama3.1",
      sandbox: {
        mode: "all",
        scope: "agent",
        start: "eager",
        workspaceAccess: "rw",
        docker: {
          memory: "${memory}",
          pidsLimit: 256,
          user: "1000:1000",
        },
        // A change that takes a new container waits until the agent has been idle for so long.
        rollout: { hotWindow: "2h" },
        prune: { idleHours: 24, maxAgeDays: 7 },
      },
    },
    list: [
      { id: "main", default: true, sandbox: { docker: { setupCommand: "echo installing tools; sleep 1; echo done" } } },
      { id: "research", sandbox: { docker: { env: { GREETING: "${greeting}" } } } },
      { id: "coder", sandbox: { docker: { memory: "1g" } } },
      { id: "writer" },${hasOld ? '\n      { id: "old" },' : ""}
      { id: "reviewer", sandbox: { docker: { image: "openclaw-sandbox:not-built" } } },
      { id: "ops", sandbox: { mode: "off" } },
    ],
  },
}
`;

const FILES: Readonly<Record<string, string>> = {
  "README.md":
    "# Weather report\n\nReads the forecast of the day and writes a short text about it.\n\n- `report.py` makes it\n- `notes/` is what was learned on the way\n",
  "report.py":
    'import json\nimport sys\n\n\ndef report(forecast: dict) -> str:\n    high, low = forecast["high"], forecast["low"]\n    return f"Between {low} and {high} degrees, {forecast[\'sky\']}."\n\n\nif __name__ == "__main__":\n    print(report(json.load(sys.stdin)))\n',
  "forecast.json": '{ "high": 21, "low": 12, "sky": "clouds in the morning, sun after noon" }\n',
  "notes/plan.md": "1. read the forecast\n2. write the text\n3. send it at seven\n",
};

const MESSAGES = [
  ["user", "Write a report on today's weather from forecast.json, in one sentence."],
  ["assistant", "Done: report.py prints it. Between 12 and 21 degrees, clouds in the morning, sun after noon."],
  ["user", "Keep a log of what it prints, once a second, until I stop it."],
  ["assistant", "It runs in the background now. You can watch it under Processes and end it there."],
] as const;

const QUESTION = "Run the report on today's forecast. Is it fit to be sent?";
const ANSWER = `It runs, and says what the forecast says:

| | forecast.json | report |
| --- | --- | --- |
| high | 21 | 21 degrees |
| low | 12 | 12 degrees |
| sky | clouds, then sun | the same words |

**Fit to be sent.** One thing is worth a look: \`report.py\` trusts the file, so a missing \`sky\` ends it with a \`KeyError\`.`;

/** A model that runs the report and then says what came of it. */
async function openModel(): Promise<LLMock> {
  const mock = new LLMock({ port: 0, host: "127.0.0.1", logLevel: "silent" });
  await mock.start();
  const command = JSON.stringify({ command: "python3 report.py <forecast.json" });
  mock.on(
    { hasToolResult: false },
    { content: "I run it as it would be run at seven.", toolCalls: [{ name: "exec", arguments: command }] },
  );
  mock.on({ hasToolResult: true }, { content: ANSWER });
  return mock;
}

const LOOP = 'for n in $(seq 1 3600); do echo "$(date +%T) report $n: $(python3 report.py <forecast.json)"; sleep 1; done';

export interface ShownSite {
  url: string;
  /** The gateway's, with which a browser may ask to be let in. */
  token: string;
  /** A code that pairs one browser with every right. */
  makeLink(): Promise<string>;
  /** Nobody waits to be let in any more. */
  rejectAll(): Promise<void>;
  close(): Promise<void>;
}

/** @param edits made one after the other beforehand, 45 s each: what the charts show */
export async function openShownSite(edits: number): Promise<ShownSite> {
  const stateDir = await realpath(await mkdtemp(join(tmpdir(), "openclaw-shown-")));
  const model = await openModel();
  const said: Said = { modelUrl: `${model.url}/v1`, greeting: "hello", memory: "256m", hasOld: true };
  await save(stateDir, toConfig(said));
  const child = spawn(LAUNCHER, ["start", "--state-dir", stateDir, "--port", "0"], { stdio: ["ignore", "ignore", "inherit"] });
  const close = async (): Promise<void> => {
    await end(child);
    await model.stop();
    const label = `label=${LABEL.instance}=${toDefaultInstance(stateDir)}`;
    execFileSync("sh", ["-c", 'docker ps -aq --filter "$1" | xargs -r docker rm -f', "sh", label], { stdio: "ignore" });
    await rm(stateDir, { recursive: true, force: true });
  };
  try {
    const url = await until("the gateway is there", async () => await findGatewayUrl(stateDir));
    const ownerKey = (await readFile(join(stateDir, "gateway/owner-key"), "utf8")).trim();
    const ask = async (path: string, body?: object): Promise<unknown> => await askGateway({ url, ownerKey }, path, body);
    await until("both are ready", async () => ((await fetch(`${url}/readyz`)).ok ? true : null));
    await fill(ask);
    for (let edit = 0; edit < edits; edit += 1) {
      said.memory = edit % 2 === 0 ? "320m" : "256m";
      await save(stateDir, toConfig(said));
      await pause(EDIT_MS);
    }
    await ask("/v1/sessions/agent:research:main/tools/exec", { command: "echo $GREETING" });
    await save(stateDir, toConfig({ ...said, greeting: "good morning", hasOld: false }));
    await pause(LOOK_MS * 20);
    const scopes = ["operator.read", "operator.write", "operator.approvals", "operator.pairing"];
    const makeLink = async (): Promise<string> => ((await ask("/v1/devices/links", { scopes })) as { code: string }).code;
    const rejectAll = async (): Promise<void> => {
      const { pending } = (await ask("/v1/devices")) as { pending: { requestId: string }[] };
      for (const { requestId } of pending) await ask(`/v1/devices/${requestId}/reject`, {});
    };
    return { url, token: (await findGatewayToken(stateDir)) ?? "", makeLink, rejectAll, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Ask = (path: string, body?: object) => Promise<unknown>;

/** What people and their agents did before the picture is taken. */
async function fill(ask: Ask): Promise<void> {
  const session = `/v1/sessions/${encodeURIComponent(SESSION)}`;
  for (const key of [SESSION, "agent:research:main", "agent:writer:main", "agent:ops:main", "agent:coder:review-482"])
    await ask("/v1/sessions", { key });
  for (const [role, text] of MESSAGES) await ask(`${session}/messages`, { role, text, run: false });
  for (const [path, content] of Object.entries(FILES)) await ask(`${session}/tools/write`, { path, content });
  await ask(`${session}/tools/exec`, { command: "seq 1 5; echo stored", background: true });
  await ask(`${session}/tools/exec`, { command: LOOP, background: true });
  await ask("/v1/sessions", { key: CHAT_SESSION });
  await ask(`/v1/chat/${encodeURIComponent(CHAT_SESSION)}/send`, { message: QUESTION, idempotencyKey: "picture" });
  await until("a sandbox of its own to pin", async () => {
    const { items } = (await ask("/v1/sandboxes")) as { items: { metadata: { name: string }; spec: { agentId: string } }[] };
    const coder = items.find(({ spec }) => spec.agentId === "coder");
    return coder === undefined ? null : await ask(`/v1/sandboxes/${coder.metadata.name}/pin`, {});
  });
}

async function askGateway({ url, ownerKey }: { url: string; ownerKey: string }, path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${ownerKey}`, "content-type": "application/json" };
  const init = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  const response = await fetch(url + path, init);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

/** As an editor that saves: a new file takes the old one's place. */
async function save(stateDir: string, text: string): Promise<void> {
  const path = join(stateDir, "openclaw.json");
  await writeFile(`${path}.tmp`, text, { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

async function until<Found>(what: string, look: () => Promise<Found | null>): Promise<Found> {
  const startedAt = performance.now();
  for (;;) {
    const found = await look().catch(() => null);
    if (found !== null) return found;
    if (performance.now() - startedAt > START_MS_MAX) throw new Error(`not within ${START_MS_MAX / 1_000} s: ${what}`);
    await pause(LOOK_MS);
  }
}
