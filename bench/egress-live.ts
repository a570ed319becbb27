// How soon an edited egress list is in force, and how soon a sandbox reaches what its list names after the relay or the proxy ended: seen from inside, by a
// program that asks all the while. A real controller and engine; nothing else is measured.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { LABEL } from "../src/api/labels.ts";
import { buildEgressImage } from "../src/controller/fixtures/egress.fixture.ts";
import { percentile, type Row } from "./figures.ts";
import { IMAGE, openSite, type Site } from "./site.ts";

const EDITS = 50;
const FAULTS = 30;
/** What docs/egress.md promises. */
const EDIT_MS_MAX = 1_000;
/** A container is noticed, made and started, and told its list. */
const RECOVERY_MS_MAX = 10_000;
const WAIT_MS_MAX = 60_000;

/** Asks for both in turns, every few milliseconds; prints the number of the one that is open, or `-`, whenever that is another one. */
const PROBE = `import socket, sys, time
def asks(address):
    try:
        with socket.create_connection(("127.0.0.1", 3128), 0.5) as proxy:
            proxy.settimeout(2)
            proxy.sendall(f"CONNECT {address}:80 HTTP/1.1\\r\\nHost: {address}:80\\r\\n\\r\\n".encode())
            return b" 200 " in proxy.recv(64)
    except OSError:
        return False
said = None
while True:
    now = "".join(str(at) for at, address in enumerate(sys.argv[1:]) if asks(address)) or "-"
    if now != said: print(now, flush=True)
    said = now
    time.sleep(0.015)`;

const execute = promisify(execFile);
const docker = async (...args: string[]): Promise<string> => (await execute("docker", args)).stdout.trim();
const listOf = (...allow: string[]): object => ({ agents: { defaults: { sandbox: { mode: "all", start: "eager", egress: { allow } } } } });

/** What a program inside sees, as it changes. */
class Probe {
  #seen = "";
  #wake = (): void => undefined;
  readonly #child: ReturnType<typeof spawn>;

  constructor(sandbox: string, addresses: readonly string[]) {
    this.#child = spawn("docker", ["exec", sandbox, "python3", "-c", PROBE, ...addresses], { stdio: ["ignore", "pipe", "ignore"] });
    if (this.#child.stdout === null) throw new Error("no output");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#seen = line;
      this.#wake();
    });
  }

  /** Milliseconds from now until it is so. */
  async until(seen: string): Promise<number> {
    const begun = performance.now();
    while (this.#seen !== seen) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(() => reject(new Error(`${this.#seen}, not ${seen}, for ${WAIT_MS_MAX / 1_000} s`)), WAIT_MS_MAX);
      this.#wake = resolve;
      await promise.finally(() => clearTimeout(timer));
    }
    return performance.now() - begun;
  }

  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
  }
}

async function one(site: Site, role: "proxy" | "relay"): Promise<string> {
  const filters = [`label=${LABEL.instance}=${site.instance}`, `label=${LABEL.egress}=${role}`, "status=running"];
  return await docker("ps", "-q", "--no-trunc", ...filters.flatMap((filter) => ["--filter", filter]));
}

async function serve(site: Site): Promise<string> {
  const options = [`--network=openclaw-egress-${site.instance}`, "--label", `${LABEL.instance}=${site.rawLabel}`, "--user=0:0"];
  const id = await docker("run", "--detach", ...options, IMAGE, "python3", "-m", "http.server", "80");
  return await docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id);
}

function toRow(what: string, took: readonly number[], msMax: number): Row {
  const [half, most] = [percentile(took, 50), percentile(took, 99)];
  const ours = `${half.toFixed(0)} / ${most.toFixed(0)} ms`;
  const measured = { kind: "value", value: half, unit: "ms", better: "less" } as const;
  return { what, ours, raw: "-", figure: `${took.length} times`, budget: `p99 ${msMax} ms`, ok: most <= msMax, measured };
}

export async function egressLive(): Promise<Row[]> {
  await buildEgressImage();
  const site = await openSite(listOf("192.0.2.1"));
  const network = `openclaw-egress-${site.instance}`;
  try {
    await site.controller.start();
    const { metadata } = await site.until(({ status }) =>
      status.conditions.some(({ type, status: is }) => type === "Egress" && is === "True"),
    );
    const addresses = [await serve(site), await serve(site)];
    const [first = "", second = ""] = addresses.map((address) => `${address}/32`);
    const probe = new Probe(metadata.name, addresses);
    try {
      const edits: number[] = [];
      for (let round = 0; round < EDITS; round += 1) {
        await site.writeConfig(listOf(round % 2 === 0 ? first : second));
        edits.push(await probe.until(String(round % 2)));
      }
      const rows = [toRow("egress: list saved -> in force inside the sandbox", edits, EDIT_MS_MAX)];
      for (const role of ["relay", "proxy"] as const) {
        const recoveries: number[] = [];
        for (let round = 0; round < FAULTS; round += 1) {
          await docker("kill", await one(site, role));
          await probe.until("-");
          recoveries.push(await probe.until("1"));
          await site.controller.loop.onIdle();
        }
        rows.push(toRow(`egress: ${role} killed -> reached again`, recoveries, RECOVERY_MS_MAX));
      }
      return rows;
    } finally {
      await probe.end();
    }
  } finally {
    await site.close();
    for (const kind of ["network", "volume"]) await docker(kind, "rm", network).catch(() => undefined);
  }
}
