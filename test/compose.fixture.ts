// The product in containers for one test file: Compose's project of its own, a state folder on this host, free ports. It asserts nothing.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findPlace, toPlace } from "../src/api/place.ts";
import { containersWith, docker, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { freePort } from "./free-port.ts";
import { type GatewayClient, speakTo } from "./gateway.fixture.ts";
import { type Run, run } from "./run-program.ts";

const PROJECT_FOLDER = resolve(import.meta.dirname, "..");
/** The user of the image. */
const OWNER = 1000;
const BUILD_MS_MAX = 600_000;
const COMPOSE_MS_MAX = 120_000;

export const variables = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** The engine's cache makes it a moment's work when nothing changed. */
export async function buildImage(): Promise<void> {
  const { code, stderr } = await run("scripts/openclaw-image.sh", [], { cwd: PROJECT_FOLDER, env: variables(), timeoutMs: BUILD_MS_MAX });
  if (code !== 0) throw new Error(`the image was not built: ${stderr}`);
}

/** `docker compose`, or the older `docker-compose`. null: there is none. */
export async function findCompose(): Promise<[string, ...string[]] | null> {
  if ((await tryDocker("compose", "version")) !== null) return ["docker", "compose"];
  const { code } = await run("docker-compose", ["version"], { env: variables(), timeoutMs: COMPOSE_MS_MAX }).catch(() => ({ code: 1 }));
  return code === 0 ? ["docker-compose"] : null;
}

export class Stack {
  readonly project = `openclaw-test-${randomBytes(4).toString("hex")}`;
  readonly stateDir: string;
  readonly gateway: GatewayClient;
  readonly metricsPort: number;
  /** `http://127.0.0.1:PORT` of the gateway, and its token. */
  readonly url: string;
  readonly token: string;
  readonly #compose: readonly [string, ...string[]];
  readonly #env: Record<string, string>;

  private constructor(parts: { stateDir: string; compose: readonly [string, ...string[]]; ports: readonly [number, number] }) {
    this.stateDir = parts.stateDir;
    this.#compose = parts.compose;
    const [gatewayPort, metricsPort] = parts.ports;
    this.token = randomBytes(16).toString("hex");
    this.url = `http://127.0.0.1:${gatewayPort}`;
    this.metricsPort = metricsPort;
    this.gateway = speakTo(this.url, this.token);
    this.#env = {
      ...variables(),
      COMPOSE_PROJECT_NAME: this.project,
      OPENCLAW_CONFIG_DIR: this.stateDir,
      OPENCLAW_WORKSPACE_DIR: join(this.stateDir, "workspace"),
      OPENCLAW_INSTANCE: this.project,
      OPENCLAW_GATEWAY_TOKEN: this.token,
      OPENCLAW_GATEWAY_PORT: `${gatewayPort}`,
      OPENCLAW_METRICS_PORT: `${metricsPort}`,
    };
  }

  /** With this config; nothing is started. */
  static async create(compose: readonly [string, ...string[]], config: object): Promise<Stack> {
    const stateDir = await mkdtemp(join(tmpdir(), "openclaw-compose-"));
    const stack = new Stack({ stateDir, compose, ports: [await freePort(), await freePort()] });
    await stack.writeConfig(config);
    await chown(stateDir, OWNER, OWNER);
    await chmod(stateDir, 0o700);
    return stack;
  }

  async writeConfig(config: object): Promise<void> {
    const path = join(this.stateDir, "openclaw.json");
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    await chown(path, OWNER, OWNER);
  }

  /** As most editors save. */
  async renameConfig(config: object): Promise<void> {
    const path = join(this.stateDir, "openclaw.json");
    await writeFile(`${path}.new`, JSON.stringify(config), { mode: 0o600 });
    await chown(`${path}.new`, OWNER, OWNER);
    await rename(`${path}.new`, path);
  }

  async compose(...args: string[]): Promise<Run> {
    return await this.#run(args, "");
  }

  async #run(args: readonly string[], stdin: string): Promise<Run> {
    const [program, ...words] = this.#compose;
    return await run(program, [...words, ...args], { cwd: PROJECT_FOLDER, env: this.#env, stdin, timeoutMs: COMPOSE_MS_MAX });
  }

  /** A command of the CLI with something piped in, as the product's hints say it. */
  async piped(stdin: string, ...args: string[]): Promise<Run> {
    const hint = this.#toWords("openclaw sandbox cp - NAME:PATH < FILE");
    return await this.#run([...hint.slice(0, hint.indexOf("sandbox")), ...args], stdin);
  }

  /** `openclaw mcp` as an agent's client starts it, by the product's hint. */
  spawnMcp(): ChildProcessWithoutNullStreams {
    const [program, ...words] = this.#compose;
    return spawn(program, [...words, ...this.#toWords("openclaw mcp")], { cwd: PROJECT_FOLDER, env: this.#env });
  }

  /** What a hint says here, behind the name of Compose. */
  #toWords(hint: string): string[] {
    const compose = this.#compose.join(" ");
    const place = findPlace({ OPENCLAW_PLACE: "compose", OPENCLAW_COMPOSE: compose }, "openclaw");
    return toPlace(hint, place)
      .slice(compose.length + 1)
      .split(" ");
  }

  /** A command of the CLI in its container. */
  async cli(...args: string[]): Promise<Run> {
    return await this.compose("run", "--rm", "-T", "openclaw-cli", ...args);
  }

  /** Id of the one container of a service. */
  async container(service: string): Promise<string> {
    const found = await containersWith(`com.docker.compose.service=${service}`);
    const own = await containersWith(`com.docker.compose.project=${this.project}`);
    const id = found.find((each) => own.includes(each));
    if (id === undefined) throw new Error(`${service} has no container`);
    return id;
  }

  /** A shell's command inside the container of a service: everything it wrote. */
  async inside(service: string, script: string): Promise<string> {
    return await docker("exec", await this.container(service), "sh", "-c", `{ ${script}; } 2>&1; true`);
  }

  async untilReady(): Promise<void> {
    await until("gateway and controller are ready", async () => {
      const answer = await this.gateway.ask("/readyz").catch(() => null);
      return answer?.status === 200;
    });
  }

  /** Whatever became of the test. */
  async end(): Promise<void> {
    await this.compose("down", "--volumes", "--remove-orphans", "--timeout", "5");
    for (const id of await containersWith(`openclaw.instance=${this.project}`)) await tryDocker("rm", "--force", id);
    await rm(this.stateDir, { recursive: true, force: true });
  }
}
