// The sandbox image and the script that builds it, on a real engine. scripts/prepare.sh has built the image before.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { type Run, run } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");
const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
const IMAGE = "openclaw-sandbox:bookworm-slim";
const inside = (...command: string[]): Promise<Run> =>
  run("docker", ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", IMAGE, ...command], { env });

describe("the sandbox image", () => {
  it("runs as a user that is not root, in /workspace", async () => {
    const { stdout } = await inside("sh", "-c", "id -u; id -g; pwd; id -un");
    expect(stdout).toBe("1000\n1000\n/workspace\nsandbox\n");
  });

  it("has no program that changes its user", async () => {
    const args = ["run", "--rm", "--network=none", "--user=0:0", IMAGE, "find", "/", "-xdev", "-perm", "/6000"];
    expect(await run("docker", args, { env })).toMatchObject({ code: 0, stdout: "" });
  });

  it("names its user by number, as Kubernetes' runAsNonRoot wants it", async () => {
    const { stdout } = await run("docker", ["image", "inspect", "--format", "{{.Config.User}} {{json .Config.Cmd}}", IMAGE], { env });
    expect(stdout).toBe('1000:1000 ["sleep","infinity"]\n');
  });

  it("has the tools that agents expect", async () => {
    const { code, stderr } = await inside(
      "bash",
      "-euc",
      "for tool in bash curl git jq python3 rg; do $tool --version >/dev/null; done; test -s /etc/ssl/certs/ca-certificates.crt",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("carries no label that would make its containers look like the controller's", async () => {
    const { stdout } = await run("docker", ["image", "inspect", "--format", "{{json .Config.Labels}}", IMAGE], { env });
    expect(Object.keys(JSON.parse(stdout) as object).filter((key) => key.startsWith("openclaw."))).toEqual([]);
  });
});

describe("scripts/sandbox-setup.sh", () => {
  it("says that there is nothing to do", async () => {
    const { code, stderr } = await run("scripts/sandbox-setup.sh", [], { env, cwd: project });
    expect(code).toBe(0);
    expect(stderr).toContain(`${IMAGE} is there`);
  });

  it("is the documented custom build by hand, too: Dockerfile.sandbox at the root", async () => {
    // A small context: the checkout itself would send node_modules to the engine.
    const script =
      "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; mkdir -p $d/images/sandbox; cp images/sandbox/Dockerfile $d/images/sandbox/; cp -P Dockerfile.sandbox $d/; docker build -q -f $d/Dockerfile.sandbox $d";
    const { code, stdout, stderr } = await run("bash", ["-c", script], { env, cwd: project });
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^sha256:/m);
  });
});
