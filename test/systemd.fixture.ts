// A machine in a container whose first process is systemd, with the units of manifests/systemd installed as docs/operations.md tells a person to,
// over this host's engine. It is gone after the tests with all that its controller made. It asserts nothing.
import { chmod, mkdtemp, readFile, realpath, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import { containersWith, docker, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { variables } from "./compose.fixture.ts";
import { type Run, run } from "./run-program.ts";

const CHECKOUT = resolve(import.meta.dirname, "..");
const IMAGE = "openclaw-test-systemd:local";
const LABEL = "openclaw.test=systemd";
const ENGINE_SOCKET = "/var/run/docker.sock";
const BUILD_MS_MAX = 300_000;
const SCRIPT_MS_MAX = 60_000;
/** The first start compiles everything, which a busy machine takes half a minute for. */
export const START_MS_MAX = 90_000;
/** Of the shell block in docs/operations.md: fetches the program, and looks whether all is well. */
const NOT_INSTALLING = /^(?:git clone|\/opt\/openclaw\/bin\/openclaw) /;

/** All rights but the one that engines in containers often lack themselves: it is what systemd needs of a machine. */
const MACHINE = [
  ...["--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"],
  ...["--security-opt=systempaths=unconfined", "--cgroupns=private", "--network=none", "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp"],
];

export class Machine {
  readonly stateDir: string;
  readonly #container: string;
  /** null: it has never been ready. */
  #instance: string | null = null;

  private constructor(stateDir: string, container: string) {
    this.stateDir = stateDir;
    this.#container = container;
  }

  /** Booted, with the two users, their folders and the units; nothing of the product runs yet. */
  static async boot(): Promise<Machine> {
    const build = ["build", "--quiet", "--tag", IMAGE, "-"];
    const stdin = await readFile(join(CHECKOUT, "test/systemd/Dockerfile"), "utf8");
    const { code, stderr } = await run("docker", build, { env: variables(), stdin, timeoutMs: BUILD_MS_MAX });
    if (code !== 0) throw new Error(`the machine's image was not built: ${stderr}`);
    const stateDir = await mkdtemp(join(tmpdir(), "openclaw-systemd-"));
    await chmod(stateDir, 0o755);
    const mounts = [
      `${CHECKOUT}:/opt/openclaw:ro`,
      `${await realpath(join(CHECKOUT, "node_modules"))}:/opt/openclaw/node_modules:ro`,
      `${ENGINE_SOCKET}:/run/docker.sock`,
      `${stateDir}:/var/lib/openclaw`,
    ].map((mount) => `--volume=${mount}`);
    const machine = new Machine(stateDir, await docker("run", "--detach", `--label=${LABEL}`, ...MACHINE, ...mounts, IMAGE));
    const isBooted = async (): Promise<boolean> => (await machine.attempt("systemctl is-system-running")).stdout.trim() === "running";
    await until("systemd has booted", isBooted, START_MS_MAX);
    await machine.sh(`groupadd --non-unique --gid ${(await stat(ENGINE_SOCKET)).gid} docker`);
    return machine;
  }

  /** The commands of docs/operations.md, as they stand there: the `block`-th in the section. */
  async install(block: 0 | 1): Promise<void> {
    const text = await readFile(join(CHECKOUT, "docs/operations.md"), "utf8");
    const section = text.split(/^(?=## )/m).find((part) => part.startsWith("## On a host, as two users")) ?? "";
    const [, commands = ""] = [...section.matchAll(/^```sh\n(.*?)^```$/gms)][block] ?? [];
    const lines = commands.split("\n").filter((line) => !NOT_INSTALLING.test(line));
    await this.sh(`cd /opt/openclaw/manifests/systemd\n${lines.join("\n")}`);
  }

  /** A script as root. @throws when it fails, with what it said */
  async sh(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(script);
    if (code !== 0) throw new Error(`exit code ${code} of ${script}\n${stdout}${stderr}\n${await this.#journal()}`);
    return stdout.trimEnd();
  }

  async attempt(script: string): Promise<Run> {
    const environment = ["OPENCLAW_STATE_DIR=/var/lib/openclaw", "OPENCLAW_CONFIG_PATH=/etc/openclaw/openclaw.json"];
    const options = environment.map((each) => `--env=${each}`);
    const command = ["exec", ...options, this.#container, "sh", "-ec", script];
    return await run("docker", command, { env: variables(), timeoutMs: SCRIPT_MS_MAX });
  }

  /** A property of a unit, as `systemctl show` knows it. */
  async show(unit: string, property: string): Promise<string> {
    return await this.sh(`systemctl show --value --property=${property} ${unit}`);
  }

  /** Both units work, by the word of `openclaw health`. */
  async untilReady(): Promise<void> {
    let said = "";
    const look = async (): Promise<boolean> => {
      const { code, stdout, stderr } = await this.attempt("/opt/openclaw/bin/openclaw health");
      said = `${stdout}${stderr}`;
      return code === 0;
    };
    await until("gateway and controller are ready", look, START_MS_MAX).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${said}\n${await this.#journal()}`);
    });
    this.#instance = z
      .object({ instance: z.string() })
      .parse(JSON.parse(await this.sh("/opt/openclaw/bin/openclaw status --json"))).instance;
  }

  /** A request to the gateway, by a program on that machine that may read the token: the body of the answer. @param input without a single quote */
  async ask(path: string, input: object): Promise<unknown> {
    const answer = await this.sh(`
      printf 'Authorization: Bearer %s\\nContent-Type: application/json\\n' "$(cat /var/lib/openclaw/gateway/token)" >/run/headers
      curl --silent --show-error --max-time 50 --header @/run/headers --data-binary '${JSON.stringify(input)}' http://127.0.0.1:18789${path}`);
    return JSON.parse(answer);
  }

  /** Ids of what its controller made on the engine, in any state. */
  async containers(): Promise<string[]> {
    return this.#instance === null ? [] : await containersWith(`openclaw.instance=${this.#instance}`);
  }

  async #journal(): Promise<string> {
    return (await this.attempt("journalctl --no-pager --lines=60 --unit='openclaw-*'")).stdout;
  }

  async end(): Promise<void> {
    await tryDocker("rm", "--force", "--volumes", this.#container);
    const left = await this.containers();
    if (left.length > 0) await tryDocker("rm", "--force", "--volumes", ...left);
    await rm(this.stateDir, { recursive: true, force: true });
  }
}
