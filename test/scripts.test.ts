// The shell scripts around the engine and the last line of .ci/run, run for real against sockets and stubs of the test's own.
// What needs a real engine is sandbox-image.engine.test.ts.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeCheckout } from "./checkout.fixture.ts";
import { type Run, run, toolbox } from "./run-program.ts";

const project = resolve(import.meta.dirname, "..");
let folder = "";
let servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "openclaw-scripts-"));
  mkdirSync(join(folder, "path"));
});
afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  servers = [];
  rmSync(folder, { recursive: true, force: true });
});

/** Something that answers an engine's ping on a socket, or answers it with an error. */
async function engineAt(socket: string, status = 200): Promise<string> {
  mkdirSync(dirname(socket), { recursive: true });
  const server = createServer((request, response) => response.writeHead(request.url === "/_ping" ? status : 404).end("OK"));
  servers.push(server);
  await new Promise<void>((listening) => server.listen(socket, listening));
  return `unix://${socket}`;
}

function context(name: string, host: string): void {
  const meta = join(folder, ".docker/contexts/meta", createHash("sha256").update(name).digest("hex"));
  mkdirSync(meta, { recursive: true });
  writeFileSync(
    join(meta, "meta.json"),
    JSON.stringify({ Name: name, Metadata: {}, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }),
  );
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  chmodSync(join(folder, path), 0o755);
}

describe.each(["curl", "node"])("scripts/find-engine.sh, asking with %s and no docker command", (asker) => {
  const find = (env: Record<string, string> = {}): Promise<Run> =>
    run(join(project, "scripts/find-engine.sh"), [], { env: { PATH: join(folder, "path"), HOME: folder, ...env } });

  beforeEach(() => {
    toolbox(join(folder, "path"), asker === "curl" ? ["curl"] : []);
    if (asker === "node") symlinkSync(process.execPath, join(folder, "path/node"));
  });

  it("takes DOCKER_HOST", async () => {
    const host = await engineAt(join(folder, "a.sock"));
    expect(await find({ DOCKER_HOST: host })).toMatchObject({ code: 0, stdout: `${host}\n`, stderr: "" });
  });

  it("never replaces a DOCKER_HOST that is down by another engine", async () => {
    await engineAt(join(folder, ".docker/run/docker.sock"));
    const { code, stdout, stderr } = await find({ DOCKER_HOST: `unix://${folder}/none.sock` });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`DOCKER_HOST names unix://${folder}/none.sock, and no engine answers there.`);
    expect(stderr).toContain("unset DOCKER_HOST");
  });

  it("does not take a socket that answers with an error for an engine", async () => {
    expect((await find({ DOCKER_HOST: await engineAt(join(folder, "a.sock"), 500) })).code).toBe(1);
  });

  it("takes the context that DOCKER_CONTEXT names, then the current one", async () => {
    const [named, current] = [await engineAt(join(folder, "named.sock")), await engineAt(join(folder, "current.sock"))];
    context("colima", named);
    context("orbstack", current);
    writeFileSync(join(folder, ".docker/config.json"), JSON.stringify({ auths: {}, currentContext: "orbstack" }, null, 2));
    expect((await find({ DOCKER_CONTEXT: "colima" })).stdout).toBe(`${named}\n`);
    expect((await find()).stdout).toBe(`${current}\n`);
  });

  it("says which context is missing", async () => {
    const { code, stderr } = await find({ DOCKER_CONTEXT: "gone" });
    expect(code).toBe(1);
    expect(stderr).toContain("the docker context 'gone', which does not exist");
  });
});

describe("scripts/find-engine.sh over TCP", () => {
  it("takes an engine behind a port", async () => {
    const server = createServer((_, response) => response.end("OK"));
    servers.push(server);
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    toolbox(join(folder, "path"), ["curl"]);
    const host = `tcp://127.0.0.1:${address.port}`;
    const { stdout } = await run(join(project, "scripts/find-engine.sh"), [], {
      env: { PATH: join(folder, "path"), HOME: folder, DOCKER_HOST: host },
    });
    expect(stdout).toBe(`${host}\n`);
  });
});

describe("in a shell that brought something along", () => {
  const scripts = ["docker-setup.sh", ...[".ci", "scripts", "scripts/e2e", "scripts/shell-helpers"].flatMap(filesOf)].filter(isProgram);

  function filesOf(name: string): string[] {
    const entries = readdirSync(join(project, name), { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isFile() ? [join(name, entry.name)] : []));
  }

  function isProgram(name: string): boolean {
    return /^#!.*sh$/m.test(readFileSync(join(project, name), "utf8").split("\n", 1)[0] ?? "");
  }

  it("there are many scripts", () => expect(scripts.length).toBeGreaterThan(15));

  it.each(scripts)("%s changes no folder before CDPATH is gone", (name) => {
    const lines = readFileSync(join(project, name), "utf8").split("\n");
    const safe = lines.findIndex((line) => /^\. .*project\.sh"$|^unset CDPATH/.test(line));
    const before = lines.slice(0, safe === -1 ? lines.length : safe);
    expect(before.filter((line) => /\bcd (?!\/)/.test(line) && !line.startsWith("#"))).toEqual([]);
  });

  it.each(["sh", "bash"])("finds the project's folder and a home with %s, from anywhere, with CDPATH and without HOME", async (shell) => {
    write("checkout/scripts/project.sh", readFileSync(join(project, "scripts/project.sh"), "utf8"));
    write("checkout/scripts/deep/where.sh", '. "$(dirname -- "$0")/../project.sh"\necho "$PWD $HOME"\n');
    write("elsewhere/scripts/deep/where.sh", "");
    write("elsewhere/scripts/deep/project.sh", "");
    const env = { PATH: process.env.PATH ?? "", CDPATH: `.:${folder}/elsewhere` };
    for (const [cwd, script] of [
      ["checkout", "scripts/deep/where.sh"],
      ["checkout/scripts/deep", "where.sh"],
      [".", "checkout/scripts/deep/where.sh"],
    ] as const) {
      const { stdout, stderr } = await run(shell, [script], { cwd: join(folder, cwd), env });
      expect({ stdout, stderr }).toEqual({ stdout: `${realpathSync(join(folder, "checkout"))} ${userInfo().homedir}\n`, stderr: "" });
    }
  });

  it("scripts/find-engine.sh prints the engine's address alone, and a proxy does not keep it from the engine", async () => {
    toolbox(join(folder, "path"), ["curl"]);
    const host = await engineAt(join(folder, "a.sock"));
    const env = { PATH: join(folder, "path"), DOCKER_HOST: host, CDPATH: `.:${project}`, http_proxy: "http://127.0.0.1:9" };
    expect(await run("scripts/find-engine.sh", [], { cwd: project, env })).toMatchObject({ code: 0, stdout: `${host}\n`, stderr: "" });
  });

  it("a clone made as Git for Windows makes it has scripts that run", () => {
    const attributes = execFileSync("git", ["check-attr", "eol", "--", ...scripts, "bin/openclaw", "images/openclaw/entrypoint.sh"], {
      cwd: project,
      encoding: "utf8",
    });
    expect(
      attributes
        .trim()
        .split("\n")
        .filter((line) => !line.endsWith(": eol: lf")),
    ).toEqual([]);
  });
});

describe("scripts that need what is not there", () => {
  it("scripts/ensure-engine.sh starts nothing in place of a chosen engine that is down", async () => {
    toolbox(join(folder, "path"), ["curl"]);
    const env = { PATH: join(folder, "path"), HOME: folder, DOCKER_HOST: `unix://${folder}/none.sock` };
    const { code, stdout, stderr } = await run(join(project, "scripts/ensure-engine.sh"), [], { env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Start that engine, or unset DOCKER_HOST.");
  });

  it("scripts/sandbox-setup.sh says how to get the docker command", async () => {
    toolbox(join(folder, "path"));
    const { code, stderr } = await run(join(project, "scripts/sandbox-setup.sh"), [], {
      env: { PATH: join(folder, "path"), HOME: folder },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("the 'docker' command is needed to build openclaw-sandbox:bookworm-slim");
    expect(stderr).toContain("apt-get install docker.io");
  });

  it("docker-setup.sh is read by bash, whichever shell it was given to", async () => {
    const { code, stdout } = await run("sh", [join(project, "docker-setup.sh"), "--help"], { env: { PATH: process.env.PATH ?? "" } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("Sets up gateway and controller in containers") });
  });

  it("scripts/sandbox-setup.sh refuses an argument it does not know", async () => {
    expect((await run(join(project, "scripts/sandbox-setup.sh"), ["--forse"], { env: { PATH: process.env.PATH ?? "" } })).code).toBe(2);
  });
});

it("scripts/openclaw-image.sh builds once at a time, so that nobody meets half of another build under its tag", async () => {
  const made = makeCheckout();
  made.stub("takes-time");
  const build = (): Promise<Run> => run(join(made.checkout, "scripts/openclaw-image.sh"), [], { env: made.environment });
  const ended = await Promise.all([build(), build()]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  const steps = made.calls().match(/^(build|built)\b/gm);
  expect(steps).toEqual(["build", "built", "build", "built"]);
});

describe("the end of a log, where a program ended", () => {
  const ask = async (what: string, lines: readonly string[]): Promise<string[]> => {
    writeFileSync(join(folder, "log"), lines.map((line) => `${line}\n`).join(""));
    const env = { PATH: process.env.PATH ?? "" };
    const { stdout } = await run("bash", ["-euo", "pipefail", "-c", `. scripts/progress.sh; ${what} "$1"`, "sh", join(folder, "log")], {
      ...{ cwd: project, env },
    });
    return stdout.trimEnd().split("\n");
  };
  const reasonsIn = (...lines: string[]): Promise<string[]> => ask("reasons_in", lines);
  const said = Array.from({ length: 60 }, (_, at) => `main.run(${at})`);

  it("is what says why, not the addresses below it", async () => {
    expect(await reasonsIn("starting", "panic: no cgroup is mounted", ...said)).toEqual(["panic: no cgroup is mounted"]);
    expect(await reasonsIn(...said, "failed to start daemon: no space")).toEqual(["failed to start daemon: no space"]);
  });

  it("shows the step of a build that goes on, not the id of its container", async () => {
    expect(await ask("last_words", ["Step 8/47 : RUN npm ci", " ---> Running in a564f62b0184"])).toEqual(["Step 8/47 : RUN npm ci"]);
  });

  it("is its last lines where nothing says why", async () => expect(await reasonsIn(...said)).toEqual(said.slice(-20)));
});

describe("Ctrl-C while a script waits for a step", () => {
  it.each([
    ["at any time", ""],
    ["before the script has said what a Ctrl-C does", 'trap() { sleep 0.2 || true; builtin trap "$@"; }; '],
  ])("ends what the step started and the script, and leaves no file: %s", async (_, first) => {
    const environment = { PATH: process.env.PATH ?? "", TMPDIR: folder };
    const script = `. scripts/progress.sh; ${first}slow() { echo started >&3; sleep 300; }; step "waiting" slow; echo "went on"`;
    // Whatever is alive of it holds the pipe open, and with that the `close` back.
    const child = spawn("bash", ["-euc", script], {
      cwd: project,
      env: environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const ended = new Promise<NodeJS.Signals | null>((settle) => child.on("close", (_, signal) => settle(signal)));
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    await new Promise((started) => child.stdio[3]?.once("data", started));
    process.kill(-(child.pid ?? 0), "SIGINT");
    expect(await ended).toBe("SIGINT");
    expect(output).toBe("");
    expect(readdirSync(folder).filter((name) => name.startsWith("openclaw-step"))).toEqual([]);
  });
});

describe("the last line of .ci/run", () => {
  const lastLine = ({ stdout }: Run): string | undefined => stdout.trimEnd().split("\n").at(-1);

  /** .ci/run in a folder whose npm behaves as told. */
  function ci(behaviour: { result?: string; testCode?: number; checkCode?: number; prepareCode?: number; planted?: string }): Promise<Run> {
    const { result, testCode = 0, checkCode = 0, prepareCode = 0, planted } = behaviour;
    cpSync(join(project, ".ci/run"), join(folder, ".ci/run"));
    write("scripts/prepare.sh", `exit ${prepareCode}\n`);
    write("scripts/ensure-prometheus.sh", "#!/bin/sh\necho /nowhere\n");
    const writeResult = result === undefined ? "" : `echo '${result}' >"$OPENCLAW_TEST_RESULT"`;
    write(
      "path/npm",
      `#!/bin/sh\ncase "$*" in *check*) exit ${checkCode} ;; *planted*) echo '${planted}'; exit ;; esac\n${writeResult}\nexit ${testCode}\n`,
    );
    const long = planted === undefined ? {} : { OPENCLAW_TEST_LONG: "1" };
    return run(join(folder, ".ci/run"), [], { env: { PATH: toolbox(join(folder, "path"), ["tee"]), HOME: folder, ...long } });
  }

  it.each([
    ["what the tests said", { result: "3 passed, 0 failed" }, "3 passed, 0 failed", 0],
    ["also what was skipped", { result: "3 passed, 0 failed, 2 skipped" }, "3 passed, 0 failed, 2 skipped", 0],
    ["a failed test, with a failing exit code", { result: "3 passed, 1 failed", testCode: 1 }, "3 passed, 1 failed", 1],
    ["a failed check as one failed", { result: "3 passed, 0 failed", checkCode: 1 }, "3 passed, 1 failed", 1],
    ["a crash without a result as one failed", { testCode: 139 }, "0 passed, 1 failed", 1],
    ["no result at all as one failed", {}, "0 passed, 1 failed", 1],
    ["a failing exit code against a clean result as one failed", { result: "3 passed, 0 failed", testCode: 1 }, "3 passed, 1 failed", 1],
    ["nothing run, with a failing exit code", { result: "0 passed, 0 failed" }, "0 passed, 0 failed", 1],
    ["planted faults with the others", { result: "3 passed, 0 failed", planted: "2 passed, 1 failed" }, "5 passed, 1 failed", 1],
    ["planted faults without a result as one failed", { result: "3 passed, 0 failed", planted: "a crash" }, "3 passed, 1 failed", 1],
    ["a machine that could not be prepared as one failed", { prepareCode: 1 }, "0 passed, 1 failed", 1],
  ])("is %s", async (_, behaviour, line, code) => {
    const ended = await ci(behaviour);
    expect({ line: lastLine(ended), code: ended.code }).toEqual({ line, code });
  });
});
