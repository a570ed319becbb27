// The egress proxy on a real engine, as a controller would start it, with sandboxes, relays, servers and a resolver of a test's own in containers
// that it alone labelled. Everything is gone after the test. It knows nothing of the controller.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { EgressRecord } from "../src/api/egress/decision.ts";
import { EgressPolicy } from "../src/api/egress/policy.ts";
import { docker, IMAGE, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { EGRESS_IMAGE } from "../src/controller/fixtures/egress.fixture.ts";
import { variables } from "./compose.fixture.ts";
import { type Run, run } from "./run-program.ts";

const NODE_IN_IMAGE = "/opt/openclaw-egress/node";
const LABEL = "openclaw-test=egress";
/** As controllers number them: beyond what an image's users are. */
const UID_FIRST = 0x6000_0000;
const SANDBOX = [
  "--read-only",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
  "--init",
  "--pids-limit=512",
  "--tmpfs=/tmp:mode=1777",
];
const RELAY = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init", "--pids-limit=64", "--memory=64m"];
const PROXY_ENV = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"].map((name) => `--env=${name}=http://127.0.0.1:3128`);

export interface Sandbox {
  readonly id: string;
  readonly uid: number;
  readonly container: string;
  readonly relay: string;
}

export interface Lists {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/** A network with the proxy, a server that answers everything, and a neighbour that no sandbox may reach. */
export class EgressSite {
  readonly name = `openclaw-test-egress-${randomBytes(4).toString("hex")}`;
  readonly proxy = `${this.name}-proxy`;
  readonly sandboxes: Sandbox[] = [];
  readonly #folders: string[] = [];
  #generation = 0;

  /** With the proxy and so many sandboxes, none of which may reach anything yet. `close` it, also where this fails. */
  async open(sandboxes: number): Promise<void> {
    const subnet6 = `fd${randomBytes(1).toString("hex")}:${randomBytes(2).toString("hex")}:${randomBytes(2).toString("hex")}::/64`;
    await docker("network", "create", `--label=${LABEL}`, "--ipv6", `--subnet=${subnet6}`, this.name);
    await docker("volume", "create", `--label=${LABEL}`, this.name);
    await Promise.all([this.#startServer("server"), this.#startServer("neighbour")]);
    await this.startProxy();
    for (let count = 0; count < sandboxes; count += 1) await this.addSandbox();
  }

  /** Before anything is known of what may be reached. Again: the same, after `docker rm`. */
  async startProxy(): Promise<void> {
    const { ipv4 } = await this.addressOf("server");
    const mounts = [`--volume=${this.name}:/run/openclaw-egress`, "--tmpfs=/run/openclaw:mode=1777,size=16m", "--tmpfs=/tmp"];
    const confined = ["--read-only", "--cap-drop=ALL", "--cap-add=CHOWN", "--security-opt=no-new-privileges", "--user=0:0", "--init"];
    const flags = [`--name=${this.proxy}`, `--label=${LABEL}`, `--network=${this.name}`, ...confined, ...mounts];
    await docker("run", "--detach", ...flags, EGRESS_IMAGE, "serve", "--dns", ipv4);
    await until("the proxy answers", async () => (await this.command("status")).code === 0);
  }

  /** A sandbox without a network, and its relay. */
  async addSandbox(): Promise<Sandbox> {
    const number = this.sandboxes.length;
    const sandbox = {
      id: `relay-${number}`,
      uid: UID_FIRST + number,
      container: `${this.name}-sandbox-${number}`,
      relay: `${this.name}-relay-${number}`,
    };
    this.sandboxes.push(sandbox);
    const node = `--volume=${process.execPath}:/usr/local/bin/node:ro`;
    const environment = [...PROXY_ENV, "--env=NODE_USE_ENV_PROXY=1", "--env=NO_PROXY=localhost,127.0.0.1,::1", "--env=LC_ALL=C.UTF-8"];
    const flags = [`--name=${sandbox.container}`, `--label=${LABEL}`, "--network=none", ...SANDBOX, node, ...environment];
    await docker("run", "--detach", ...flags, IMAGE, "sleep", "infinity");
    await this.startRelay(sandbox);
    return sandbox;
  }

  /** A container that reaches the server over the network itself, to compare with. @returns its name */
  async addDirect(): Promise<string> {
    const container = `${this.name}-direct`;
    await docker(
      "run",
      "--detach",
      `--name=${container}`,
      `--label=${LABEL}`,
      `--network=${this.name}`,
      ...SANDBOX,
      IMAGE,
      "sleep",
      "infinity",
    );
    return container;
  }

  async startRelay({ id, uid, container, relay }: Sandbox): Promise<void> {
    const flags = [`--name=${relay}`, `--label=${LABEL}`, `--network=container:${container}`, `--user=${uid}:${uid}`, ...RELAY];
    await docker("run", "--detach", ...flags, `--volume=${this.name}:/run/openclaw-egress:ro`, EGRESS_IMAGE, "relay", id);
  }

  /** For the sandboxes in their order; those beyond the lists may not connect. */
  async apply(lists: readonly Lists[], refused: EgressPolicy["refused"] = []): Promise<Run> {
    this.#generation += 1;
    const sandboxes = lists.map(({ allow = [], deny = [] }, at) => {
      const sandbox = this.sandboxes[at];
      if (sandbox === undefined) throw new Error(`there is no sandbox ${at}`);
      return { id: sandbox.id, uid: sandbox.uid, sandbox: sandbox.container, rules: { allow, deny } };
    });
    const policy = EgressPolicy.parse({ version: 1, generation: this.#generation, refused, sandboxes });
    return await this.command("apply", JSON.stringify(policy));
  }

  async command(name: string, stdin = ""): Promise<Run> {
    return await run("docker", ["exec", "--interactive", this.proxy, "openclaw-egress", name], { env: variables(), stdin });
  }

  /** All that are kept. */
  async records(): Promise<EgressRecord[]> {
    const command = ["exec", this.proxy, "sh", "-c", "timeout 1 openclaw-egress follow || true"];
    const lines = (await docker(...command)).split("\n").filter((line) => line !== "");
    return lines.map((line) => EgressRecord.parse(JSON.parse(line)));
  }

  async addressOf(container: "server" | "neighbour" | "proxy"): Promise<{ ipv4: string; ipv6: string }> {
    const format = `{{with index .NetworkSettings.Networks "${this.name}"}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}`;
    const [ipv4 = "", ipv6 = ""] = (await docker("inspect", "--format", format, `${this.name}-${container}`)).split(" ");
    return { ipv4, ipv6 };
  }

  /** What DNS says of NAME.good.test from now on. */
  async tell(name: string, address: string): Promise<void> {
    const url = `http://127.0.0.1/told?${new URLSearchParams({ name, address })}`;
    await docker("exec", `${this.name}-server`, NODE_IN_IMAGE, "-e", `fetch(${JSON.stringify(url)})`);
  }

  /** Its blocks of addresses, and where the host stands in them. */
  async network(): Promise<{ subnets: string[]; gateways: string[] }> {
    const format = "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}\n{{end}}";
    const rows = (await docker("network", "inspect", "--format", format, this.name)).split("\n").map((row) => row.trim().split(" "));
    const column = (at: number): string[] => rows.flatMap((row) => row[at] ?? []).filter((text) => text !== "");
    return { subnets: column(0), gateways: column(1).map((gateway) => gateway.replace(/\/.*$/, "")) };
  }

  /** What a program in a sandbox prints. @param stdin its script or input */
  async inside({ container }: Sandbox, command: readonly string[], stdin = ""): Promise<Run> {
    return await run("docker", ["exec", "--interactive", container, ...command], { env: variables(), stdin, timeoutMs: 120_000 });
  }

  /** Every line that the server was asked for. */
  async served(container: "server" | "neighbour" = "server"): Promise<string[]> {
    return (await docker("logs", `${this.name}-${container}`)).split("\n").filter((line) => line !== "");
  }

  async #startServer(role: "server" | "neighbour"): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "openclaw-egress-"));
    this.#folders.push(folder);
    const subject = ["-subj", "/CN=server.test", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    execFileSync("openssl", ["req", "-x509", "-nodes", ...subject, "-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")], {
      stdio: "ignore",
    });
    const source = resolve(import.meta.dirname, "..");
    const mounts = [`--volume=${source}:/source:ro`, `--volume=${folder}:/certificate:ro`];
    const flags = [
      `--name=${this.name}-${role}`,
      `--label=${LABEL}`,
      `--network=${this.name}`,
      "--init",
      "--user=0:0",
      `--entrypoint=${NODE_IN_IMAGE}`,
    ];
    await docker("run", "--detach", ...flags, ...mounts, EGRESS_IMAGE, "/source/test/egress-server.fixture.ts");
    await until("the server serves", async () => (await docker("logs", `${this.name}-${role}`)).includes("ready"));
  }

  async close(): Promise<void> {
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
    const ids = await docker("ps", "-aq", "--filter", `name=${this.name}`);
    if (ids !== "") await tryDocker("rm", "--force", ...ids.split("\n"));
    await tryDocker("volume", "rm", this.name);
    await tryDocker("network", "rm", this.name);
  }
}
