// What docker-setup.sh decides and writes, run for real in a copy of the checkout's scripts against a stub of the docker command.
// That the containers then run is test/compose.engine.test.ts.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it, type TestContext } from "vitest";
import { CREDENTIALS, ENGINE_FOLDERS, refusedBindSource, SYSTEM, SYSTEM_MACOS } from "../src/api/config/bind-source.ts";
import { NO_SANDBOX_FOLDERS } from "../src/api/config/sandbox-folders.ts";
import { type Checkout, makeCheckout } from "./checkout.fixture.ts";
import { freePort } from "./free-port.ts";
import { type Run, run } from "./run-program.ts";

let made: Checkout;
let state = "";

const setting = (name: string): string | undefined => new RegExp(`^${name}=(.*)$`, "m").exec(made.read(".env"))?.[1];
const setup = (args: readonly string[] = [], more: Record<string, string> = {}): Promise<Run> =>
  run(join(made.checkout, "docker-setup.sh"), args, { env: { ...made.environment, ...more } });

function listen(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  return new Promise((settle, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("no port"));
      settle({ server, port: address.port });
    });
  });
}

const close = (server: Server): Promise<void> => new Promise((closed) => server.close(() => closed()));

beforeEach(async () => {
  made = makeCheckout();
  state = join(made.home, "state of mine");
  const ports = { OPENCLAW_GATEWAY_PORT: `${await freePort()}`, OPENCLAW_METRICS_PORT: `${await freePort()}` };
  Object.assign(made.environment, { OPENCLAW_CONFIG_DIR: state, ...ports });
});

describe("docker-setup.sh on a machine that never had it", () => {
  it("builds, writes .env for its owner alone, onboards, starts, waits, and says where it runs, with the token nowhere in sight", async () => {
    const ended = await setup();
    expect(ended).toMatchObject({ code: 0 });
    const token = setting("OPENCLAW_GATEWAY_TOKEN") ?? "";
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(made.checkout, ".env")).mode & 0o777).toBe(0o600);
    expect(ended.stdout).toContain(`${setting("OPENCLAW_COMPOSE")?.replaceAll(/['"]/g, "")} run --rm openclaw-cli sandbox list`);
    expect(ended.stdout).toMatch(/run --rm openclaw-cli models auth login --provider openai +# OpenAI Codex/);
    expect(ended.stdout).toContain("models auth paste-api-key --provider anthropic");
    expect(setting("OPENCLAW_CONFIG_DIR")).toBe(`'${state}'`);
    expect(setting("OPENCLAW_WORKSPACE_DIR")).toBe(`'${state}/workspace'`);
    expect(made.calls().split("\n")).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^build .*--tag openclaw:local /),
        "compose run --rm --no-deps -T openclaw-controller sh -c :",
        "compose run --rm --no-deps -T openclaw-cli onboard --non-interactive --mode local",
        "compose up -d",
      ]),
    );
    expect(ended.stdout).toContain(`http://127.0.0.1:${made.environment.OPENCLAW_GATEWAY_PORT}/`);
    const last = ended.stdout.trimEnd().split("\n").slice(-2).join("\n");
    expect(last).toMatch(
      /^Open http:\/\/127\.0\.0\.1:\d+\/ and paste the token: OPENCLAW_GATEWAY_TOKEN in .*\/\.env .*\n.*a code and the command/,
    );
    expect(ended.stdout + ended.stderr + made.calls()).not.toContain(token);
    expect(readFileSync(join(made.home, ".clawdock/config"), "utf8")).toBe(`CLAWDOCK_DIR="${made.checkout}"\n`);
  });

  it("makes the containers' own check itself instead of waiting until the engine does", async () => {
    made.stub("starting");
    expect(await setup()).toMatchObject({ code: 0, stderr: expect.stringContaining("gateway and controller are healthy") });
    made.stub("unready");
    const late = await setup([], { OPENCLAW_READY_SECONDS: "1" });
    expect(late).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not healthy within 1 s (controller: starting, gateway: starting)"),
    });
  });

  it("keeps the token of the config, and makes none where the config asks for a password", async () => {
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "openclaw.json"), "{}");
    made.stub("auth", '{\n  "token": "kept-of-the-config"\n}\n');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(setting("OPENCLAW_GATEWAY_TOKEN")).toBe("kept-of-the-config");
    made.stub("auth", '{\n  "token": "with spaces, #signs & more!"\n}\n');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(setting("OPENCLAW_GATEWAY_TOKEN")).toBe("'with spaces, #signs & more!'");

    rmSync(join(made.checkout, ".env"));
    made.stub("auth", '{\n  "mode": "password",\n  "password": "p"\n}\n');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(setting("OPENCLAW_GATEWAY_TOKEN")).toBeUndefined();
    expect(made.calls()).not.toContain(" onboard");
  });
});

describe("docker-setup.sh run again", () => {
  it("changes no file, makes no second config, and finds its settings without the environment", async () => {
    mkdirSync(join(made.home, "code"));
    const requests = { OPENCLAW_HOME_VOLUME: "openclaw_home", OPENCLAW_EXTRA_MOUNTS: `${made.home}/code:/home/node/code:ro` };
    expect(await setup([], requests)).toMatchObject({ code: 0 });
    const files = [".env", "docker-compose.extra.yml"];
    const before = files.map((name) => [
      made.read(name),
      statSync(join(made.checkout, name)).mtimeMs,
      statSync(join(made.checkout, name)).ino,
    ]);
    rmSync(join(made.folder, "stub/calls"));

    const { PATH, HOME, TMPDIR } = made.environment;
    expect(
      await run(join(made.checkout, "docker-setup.sh"), [], { env: { PATH: PATH ?? "", HOME: HOME ?? "", TMPDIR: TMPDIR ?? "" } }),
    ).toMatchObject({ code: 0 });
    expect(
      files.map((name) => [made.read(name), statSync(join(made.checkout, name)).mtimeMs, statSync(join(made.checkout, name)).ino]),
    ).toEqual(before);
    expect(made.calls()).not.toContain(" onboard");
    expect(setting("COMPOSE_FILE")).toBe("docker-compose.yml:docker-compose.extra.yml");
  });

  it("forgets extra mounts and the home volume when they are set to nothing, and keeps foreign lines of .env", async () => {
    mkdirSync(join(made.home, "code"));
    writeFileSync(join(made.checkout, ".env"), "# mine\nPLAYWRIGHT_BROWSERS_PATH=/x\n");
    expect(await setup([], { OPENCLAW_EXTRA_MOUNTS: `${made.home}/code:/home/node/code` })).toMatchObject({ code: 0 });
    expect(existsSync(join(made.checkout, "docker-compose.extra.yml"))).toBe(true);
    expect(await setup([], { OPENCLAW_EXTRA_MOUNTS: "" })).toMatchObject({ code: 0 });
    expect(existsSync(join(made.checkout, "docker-compose.extra.yml"))).toBe(false);
    expect(setting("COMPOSE_FILE")).toBeUndefined();
    expect(made.read(".env")).toMatch(/^# mine\nPLAYWRIGHT_BROWSERS_PATH=\/x\n/);
  });
});

describe("docker-setup.sh on an engine whose containers number users as the host does", () => {
  const isRoot = process.getuid?.() === 0;
  const person = isRoot ? 1001 : (process.getuid?.() ?? 0);
  /** As somebody who is not root, whoever runs the tests. */
  const setupByPerson = (): Promise<Run> => {
    if (!isRoot) return setup();
    execFileSync("chown", ["-R", `${person}:${person}`, made.folder]);
    const args = ["--reuid", `${person}`, "--regid", `${person}`, "--clear-groups", join(made.checkout, "docker-setup.sh")];
    return run("/usr/bin/setpriv", args, { env: made.environment });
  };
  const needsRoot = (context: TestContext): void => context.skip(!isRoot, "only root can give folders away");

  beforeEach((context) => {
    context.skip(process.platform !== "linux", "elsewhere the engine is in a virtual machine with users of its own");
    made.stub("info", "[name=seccomp]\n");
  });

  it("runs the containers as the person who set them up, so that everything in the state folder is theirs", async () => {
    expect(await setupByPerson()).toMatchObject({ code: 0 });
    expect([setting("OPENCLAW_UID"), statSync(state).uid, statSync(join(state, "workspace")).uid]).toEqual([`${person}`, person, person]);
    expect(statSync(state).mode & 0o777).toBe(0o700);
  });

  it("runs them as the owner of a state folder that is there, behind a symbolic link too", async (context) => {
    needsRoot(context);
    const target = join(made.folder, "disk");
    mkdirSync(target);
    chownSync(target, 1007, 1008);
    symlinkSync(target, state);
    expect(await setup()).toMatchObject({ code: 0 });
    expect([setting("OPENCLAW_UID"), setting("OPENCLAW_GID")]).toEqual(["1007", "1008"]);
  });

  it("never takes root's group from a state folder that has it", async (context) => {
    needsRoot(context);
    mkdirSync(state);
    chownSync(state, 1007, 0);
    expect(await setup()).toMatchObject({ code: 0 });
    expect([setting("OPENCLAW_UID"), setting("OPENCLAW_GID")]).toEqual(["1007", "1007"]);
  });

  it("runs them as the image's user where root sets them up, and gives that user the folders", async (context) => {
    needsRoot(context);
    expect(await setup()).toMatchObject({ code: 0 });
    expect([setting("OPENCLAW_UID"), statSync(state).uid, statSync(join(state, "workspace")).uid]).toEqual(["1000", 1000, 1000]);
  });

  it("leaves a folder that an earlier setup gave to the image's user with that user", async (context) => {
    needsRoot(context);
    mkdirSync(state);
    writeFileSync(join(state, "openclaw.json"), "{}");
    execFileSync("chown", ["-R", `${person}:${person}`, made.folder]);
    for (const path of [state, join(state, "openclaw.json")]) chownSync(path, 1000, 1000);
    const args = ["--reuid", `${person}`, "--regid", `${person}`, "--clear-groups", join(made.checkout, "docker-setup.sh")];
    expect(await run("/usr/bin/setpriv", args, { env: made.environment })).toMatchObject({ code: 0 });
    expect([setting("OPENCLAW_UID"), statSync(state).uid]).toEqual(["1000", 1000]);
  });

  it("leaves .env with its owner when root runs it", async (context) => {
    needsRoot(context);
    writeFileSync(join(made.checkout, ".env"), "MINE=1\n", { mode: 0o600 });
    chownSync(join(made.checkout, ".env"), 1001, 1001);
    expect(await setup()).toMatchObject({ code: 0 });
    expect(statSync(join(made.checkout, ".env")).uid).toBe(1001);
  });

  it("changes nothing where .env can't be read, least of all the token", async () => {
    writeFileSync(join(made.checkout, ".env"), "OPENCLAW_GATEWAY_TOKEN=kept\n", { mode: 0 });
    expect(await setupByPerson()).toMatchObject({ code: 1, stderr: expect.stringMatching(/\.env can't be read by .*\n {2}sudo chown /) });
    chmodSync(join(made.checkout, ".env"), 0o600);
    expect(made.read(".env")).toBe("OPENCLAW_GATEWAY_TOKEN=kept\n");
  });
});

describe("docker-setup.sh in an environment that has other things in mind", () => {
  it("minds no COMPOSE_FILE of another project", async () =>
    expect(await setup([], { COMPOSE_FILE: "/srv/other/docker-compose.yml" })).toMatchObject({ code: 0 }));

  it.each([
    ["has a list of hosts", '{ agents: { defaults: { sandbox: { mode: "all", egress: { allow: [] } } } } }', true],
    ["has none", '{ agents: { defaults: { sandbox: { mode: "all" } } } }', false],
  ])("builds the egress proxy's image where the config %s: %s", async (_, config, isBuilt) => {
    mkdirSync(state);
    writeFileSync(join(state, "openclaw.json"), config);
    writeFileSync(join(made.checkout, "scripts/sandbox-egress-setup.sh"), `#!/bin/sh\n: >"${made.folder}/built"\n`);
    expect(await setup()).toMatchObject({ code: 0 });
    expect(existsSync(join(made.folder, "built"))).toBe(isBuilt);
  });

  it("gives both builds the proxy and the mirror, by name alone", async () => {
    expect(await setup([], { HTTPS_PROXY: "http://me:s3cret@proxy", APT_MIRROR: "http://mirror/debian" })).toMatchObject({ code: 0 });
    const builds = made
      .calls()
      .split("\n")
      .filter((call) => call.startsWith("build "));
    expect(builds).toHaveLength(2);
    for (const name of ["HTTPS_PROXY", "APT_MIRROR"]) expect(builds.filter((call) => call.includes(`--build-arg ${name}`))).toEqual(builds);
    expect(made.calls()).not.toContain("s3cret");
  });

  it("lets nobody else write what shells will read, whatever the umask", async () => {
    const script = 'umask 000; exec "$0"';
    expect(await run("/bin/sh", ["-c", script, join(made.checkout, "docker-setup.sh")], { env: made.environment })).toMatchObject({
      code: 0,
    });
    const modes = [made.home, made.checkout].flatMap((folder) =>
      [".clawdock", ".clawdock/clawdock-helpers.sh", ".env"].map((name) => join(folder, name)),
    );
    expect(modes.filter((path) => existsSync(path) && (statSync(path).mode & 0o022) !== 0)).toEqual([]);
  });
});

describe("docker-setup.sh where it can't go on ends with one clear sentence, and has started nothing:", () => {
  const expectRefusal = async (
    sentence: string | RegExp,
    args: readonly string[] = [],
    more: Record<string, string> = {},
  ): Promise<void> => {
    const { code, stderr } = await setup(args, more);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr.split("\n").filter((line) => line.includes("error:"))).toHaveLength(1);
    expect(made.calls()).not.toContain("compose up");
  };

  it("no docker command", async () => {
    rmSync(join(made.folder, "path/docker"));
    await expectRefusal(/there is no 'docker' command\.\n.*sudo \.\/docker-setup\.sh --install/);
  });

  it("no Compose", async () => {
    made.stub("no-compose");
    await expectRefusal(/there is no Compose: neither 'docker compose' nor 'docker-compose'\.\n.*--install/);
  });

  it("no engine for this user", async () => {
    writeFileSync(join(made.folder, "path/docker"), "#!/bin/sh\nexit 1\n");
    await expectRefusal(/no container engine can be used by .*\n.*usermod -aG docker/);
  });

  it("a port that another program has", async () => {
    const { server, port } = await listen();
    made.stub("other-container", "somebody-elses\n");
    await expectRefusal(`port ${port}, for the gateway, is taken by the container somebody-elses.`, [], {
      OPENCLAW_GATEWAY_PORT: String(port),
    });
    await close(server);
  });

  it("another checkout that Compose takes for the same project", async () => {
    made.stub("project-folders", `${made.checkout}\n${made.folder}/gone\n`);
    expect(await setup()).toMatchObject({ code: 0 });
    rmSync(join(made.folder, "stub/calls"));
    made.stub("project-folders", `${made.home}\n`);
    await expectRefusal(
      `the Compose project 'checkout' is that of another checkout, ${made.home}.\n  Give this one its own: COMPOSE_PROJECT_NAME=`,
    );
  });

  it("certificates that are not there", async () =>
    expectRefusal(/the certificates in \/none can't be read\.\n.*NODE_EXTRA_CA_CERTS/, [], { NODE_EXTRA_CA_CERTS: "/none" }));

  it("a token in the config that .env can't carry, rather than making another", async () => {
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "openclaw.json"), "{}");
    made.stub("auth", '  "token": "say \\"friend\\""\n');
    await expectRefusal("the gateway's token has a quote");
    expect(setting("OPENCLAW_GATEWAY_TOKEN")).toBeUndefined();
  });

  it("another OpenClaw's state in the folder", async () => {
    mkdirSync(join(state, "state"), { recursive: true });
    writeFileSync(join(state, "state/openclaw.sqlite"), "theirs");
    await expectRefusal(/another OpenClaw gateway keeps its state in .*nothing in it was touched\.\n.*OPENCLAW_CONFIG_DIR=/);
    expect(existsSync(join(made.checkout, ".env"))).toBe(false);
  });

  it.each([
    ["a port that is no number", { OPENCLAW_GATEWAY_PORT: "80x" }, "OPENCLAW_GATEWAY_PORT is '80x': a port is a number from 1 to 65535."],
    ["a port that is too high", { OPENCLAW_METRICS_PORT: "65536" }, "OPENCLAW_METRICS_PORT is '65536'"],
    ["a relative state folder", { OPENCLAW_CONFIG_DIR: "state" }, "OPENCLAW_CONFIG_DIR is 'state': a whole path is needed"],
    ["a value that .env can't carry", { OPENCLAW_CONFIG_DIR: "/it's" }, "OPENCLAW_CONFIG_DIR has a quote"],
    ["a gateway that nobody could reach", { OPENCLAW_GATEWAY_BIND: "loopback" }, "OPENCLAW_GATEWAY_BIND is loopback"],
    ["a package that is an option", { OPENCLAW_DOCKER_APT_PACKAGES: "git -o=x" }, "OPENCLAW_DOCKER_APT_PACKAGES is 'git -o=x'"],
    ["a home volume that is a folder", { OPENCLAW_HOME_VOLUME: "/srv/home" }, "a volume's name is needed, not a folder"],
  ])("%s", async (_, more, sentence) => expectRefusal(sentence, [], more));

  it.each(["0", "00", "0x0", "-1", " ", "1 ", "1000:0", "2147483648", "4294967295", "4294967296", "18446744073709551616", "root"])(
    "a user or a group that is root's by any spelling, or nobody's: %j",
    async (id) => {
      const sentence = /the numbers of a user who is not root are needed, 1 to 2147483647\./;
      await expectRefusal(sentence, [], { OPENCLAW_UID: id, OPENCLAW_GID: "1000" });
      await expectRefusal(sentence, [], { OPENCLAW_UID: "1000", OPENCLAW_GID: id });
      expect(existsSync(join(made.checkout, ".env"))).toBe(false);
    },
  );

  it("the home folder itself as state folder", async () =>
    expectRefusal("which contains your home folder", [], { OPENCLAW_CONFIG_DIR: made.home }));

  it.each(["HOME/.", "HOME/../home", "/HOME"])("its home folder as state folder, written as %s", async (folder) =>
    expectRefusal("which contains your home folder", [], { OPENCLAW_CONFIG_DIR: folder.replace("HOME", made.home) }),
  );

  it("--offline without the image", async () => {
    made.stub("no-image");
    await expectRefusal("--offline, and the image openclaw:local is not on this engine.", ["--offline"]);
  });

  it(".env as a symbolic link", async () => {
    symlinkSync(join(made.folder, "elsewhere"), join(made.checkout, ".env"));
    await expectRefusal(".env is a symbolic link.");
  });

  it("--uninstall without a terminal to ask on", async () => {
    await expectRefusal("--uninstall asks first, and there is no terminal to ask for confirmation.", ["--uninstall"]);
    expect(made.calls()).not.toContain(" down");
  });
});

describe("docker-setup.sh --uninstall --yes", () => {
  it("removes the containers and this controller's sandboxes, and leaves config and .env", async () => {
    await setup();
    made.stub("sandboxes", "1|sbx-a|sbx-a|\n2|sbx-b.pending|sbx-b|\n3|quick_fox||1\n");
    expect(await setup(["--uninstall", "--yes"])).toMatchObject({ code: 0 });
    const asked = made.calls();
    expect(asked).toContain("compose down --volumes --remove-orphans");
    expect(asked).toContain("ps --all --filter label=openclaw.instance=abc123 --format");
    expect(asked).toContain("\nrm --force 1 2 3\n");
    expect(asked).toContain("image rm openclaw:local\n");
    expect(existsSync(join(made.checkout, ".env"))).toBe(true);
    expect(existsSync(join(state, "openclaw.json"))).toBe(true);
  });

  it("leaves an image that another checkout built under the same name since, or nobody knows who, and says so", async () => {
    await setup();
    for (const builder of ["0123456789abcdef\n", "\n"]) {
      made.stub("builder", builder);
      const { code, stderr } = await setup(["--uninstall", "--yes"]);
      expect(code).toBe(0);
      for (const name of ["openclaw:local", "openclaw:local-before-update"])
        expect(stderr).toContain(`the image ${name} stays: it was not built by this checkout. If nobody needs it: docker image rm ${name}`);
    }
    expect(made.calls()).not.toContain("image rm");
  });

  it("knows its own image by where the checkout is: a copy elsewhere is another one", async () => {
    await setup();
    const builtBy = (): string[] =>
      [...made.calls().matchAll(/--label ai\.openclaw\.image\.checkout=([0-9a-f]{16}) /g)].map(([, id = ""]) => id);
    cpSync(made.checkout, join(made.folder, "copy"), { recursive: true, verbatimSymlinks: true });
    const again = await run(join(made.folder, "copy", "docker-setup.sh"), [], {
      env: { ...made.environment, COMPOSE_PROJECT_NAME: "copy" },
    });
    expect(again).toMatchObject({ code: 0 });
    expect(new Set(builtBy()).size).toBe(2);
  });

  it("leaves a person's container that carries a sandbox's labels, as `docker commit` makes them", async () => {
    await setup();
    made.stub("sandboxes", "1|sbx-a|sbx-a|\n2|mine|sbx-a|\n");
    const { code, stderr } = await setup(["--uninstall", "--yes"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining("the container mine has a sandbox's labels") });
    expect(made.calls()).toContain("\nrm --force 1\n");
  });

  it("removes nothing of another checkout that Compose takes for the same project", async () => {
    await setup();
    made.stub("project-folders", `${made.home}\n`);
    expect(await setup(["--uninstall", "--yes"])).toMatchObject({ code: 1 });
    expect(made.calls()).not.toContain(" down");
  });
});

describe("OPENCLAW_EXTRA_MOUNTS", () => {
  const render = (mounts: string, volume = ""): Promise<Run> => {
    const script = '. scripts/progress.sh; . scripts/extra-mounts.sh; render_extra "$@"';
    const args = [
      "-euo",
      "pipefail",
      "-c",
      script,
      "render",
      mounts,
      volume,
      join(made.folder, "home/state"),
      join(made.folder, "run/docker.sock"),
    ];
    return run("/bin/bash", args, { cwd: made.checkout, env: made.environment });
  };

  beforeEach(() => {
    for (const name of ["home/a", "home/with space", "home/state", "run"]) mkdirSync(join(made.folder, name), { recursive: true });
  });

  it("become mounts of the gateway and the CLI, spaces and read-only kept, and the home volume comes before them", async () => {
    const { code, stdout } = await render(`${made.home}/a:/home/node/a:ro, ${made.home}/with space:/data dir:rw`, "openclaw_home");
    expect(code).toBe(0);
    const volumes = [
      "      - { type: volume, source: openclaw-home, target: /home/node }",
      `      - { type: bind, source: "${made.home}/a", target: "/home/node/a", read_only: true }`,
      `      - { type: bind, source: "${made.home}/with space", target: "/data dir" }`,
    ].join("\n");
    expect(stdout).toContain(`  openclaw-gateway:\n    volumes:\n${volumes}\n  openclaw-cli:\n    volumes:\n${volumes}\n`);
    expect(stdout).toContain('  openclaw-home:\n    external: true\n    name: "openclaw_home"\n');
  });

  it.each([
    ["no target", "HOME/a", "has no target"],
    ["an empty target", "HOME/a:", "has no target"],
    ["a relative source", "code:/home/node/code", "has a relative source"],
    ["a relative target", "HOME/a:data", "has a relative target"],
    ["a tilde that no shell expanded", "~/a:/home/node/a", "begins with '~'"],
    ["a variable that no shell expanded", "$HOME/a:/home/node/a", "has a '$' in it"],
    ["a source that is not there", "HOME/gone:/home/node/gone", "names a source that is not there"],
    ["a mode that is none", "HOME/a:/home/node/a:rx", "ends in ':rx'"],
    ["a colon in a path", "HOME/a:/b:c:ro", "ends in ':c:ro'"],
    ["a quote", 'HOME/a:/home/node/"a"', "has a quote or a backslash in it"],
    ["an empty entry", "HOME/a:/home/node/a,,HOME/a:/b", "has an empty entry"],
    ["two lines", "HOME/a:/b\n  privileged: true", "has a line break or another control character"],
    ["dots in the target", "HOME/a:/home/node/../../app", "has '.', '..' or '//' in its target"],
    ["a target over the program", "HOME/a:/app/dist", "would hide or replace /app"],
    ["a target over everything", "HOME/a:/", "has '.', '..' or '//' in its target"],
    ["a target over the state folder", "HOME/a:/home/node", "would hide or replace /home/node/.openclaw"],
    ["the same target twice", "HOME/a:/b,HOME/with space:/b", "has the same target as another entry"],
    ["the state folder", "HOME/state:/home/node/state", "which the gateway may not write to"],
    ["a folder that contains the state folder", "HOME:/home/node/host", "which the gateway may not write to"],
    ["the folder of the engine's socket", "HOME/../run:/run/host", "would give the gateway the engine's socket"],
    ["everything", "/:/host", "would give the gateway the engine's socket"],
    ["everything, with two slashes", "//:/host", "would give the gateway the engine's socket"],
    ["the state folder, with two slashes", "/HOME/state:/home/node/state", "which the gateway may not write to"],
  ])("with %s is refused", async (_, mounts, sentence) => {
    const { code, stdout, stderr } = await render(mounts.replaceAll("HOME/", `${made.home}/`).replace(/^HOME:/, `${made.home}:`));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(sentence);
  });

  /** Those of `paths` that the script lets through. */
  const letThrough = async (paths: readonly string[], mode: "ro" | "rw"): Promise<string[]> => {
    const script = `. scripts/progress.sh; . scripts/extra-mounts.sh
      extra_state=/state extra_socket=/var/run/docker.sock extra_data=/srv/engine extra_home=/home/me
      while IFS= read -r path; do (judge_source "$path" "$path" ${mode}) >/dev/null 2>&1 && printf '%s\\n' "$path"; done; true`;
    const env = { ...made.environment, HOME: "/home/me" };
    const { stdout } = await run("/bin/bash", ["-euo", "pipefail", "-c", script], {
      cwd: made.checkout,
      env,
      stdin: `${paths.join("\n")}\n`,
    });
    return stdout.split("\n").filter((line) => line !== "");
  };

  it.each(["ro", "rw"] as const)("may be, %s, what a bind of a sandbox may be outside the workspaces, and nothing else", async (mode) => {
    const folders = [...SYSTEM, ...SYSTEM_MACOS, "/", "/usr", "/opt", "/bin", "/sbin", "/lib64", "/home", "/Users/me", "/var", "/private"];
    const names = [...CREDENTIALS, ...ENGINE_FOLDERS, ".local", ".local/share", ".local/share/docker", ".local/share/containers"];
    const paths = [
      ...folders.flatMap((folder) => [folder.toUpperCase(), `${folder}/x/y`.replace("//", "/"), `${folder}x`]),
      ...names.flatMap((name) => [`/srv/${name.toUpperCase()}`, `/srv/a/${name}/x`, `/srv/${name}x`]),
      ...["/srv/a.sock", "/srv/a", "/mnt/x", "/data", "/home/other/x", "/Users/me/Library/x", "/users/me/x", "/tmp/x", "/lib/x"],
    ];
    const context = {
      stateDir: "/state",
      home: "/home/me",
      workspaces: [],
      sandboxes: NO_SANDBOX_FOLDERS,
      allowExternal: true,
      engineSockets: ["/var/run/docker.sock"],
    };
    const expected = paths.filter((path) => refusedBindSource(path, { ...context, readOnly: mode === "ro" }) === null);
    expect(expected.length).toBeGreaterThan(20);
    expect(await letThrough(paths, mode)).toEqual(expected);
  });

  it("of one's own home may be any folder that holds no secret, and none of the engine's data wherever it is", async () => {
    const refused = [
      "/home/me",
      "/home/me/.ssh",
      "/home/me/.config/x",
      "/home/me/.local/share/docker/volumes",
      "/srv/engine",
      "/srv/engine/overlay2/x",
      "/srv",
    ];
    expect(await letThrough(["/home/me/code", ...refused, "/srv/engines"], "rw")).toEqual(["/home/me/code", "/srv/engines"]);
  });

  it.each([
    ["a symbolic link", "innocent"],
    ["dots", "a/../innocent/../innocent"],
    ["a link to a link", "second"],
    ["a file below a link", "innocent/volumes"],
    ["the folder that it is in", ""],
  ])("by %s to the folder that the engine says it keeps its data in is refused", async (_, path) => {
    const data = join(made.home, "engine-data");
    mkdirSync(join(data, "volumes"), { recursive: true });
    symlinkSync(data, join(made.home, "innocent"));
    symlinkSync("innocent", join(made.home, "second"));
    made.stub("data-root", `${data}\n`);
    const source = path === "" ? made.folder : join(made.home, ".").replace(/\/$/, "").concat("/", path);
    const { code, stderr } = await setup([], { OPENCLAW_EXTRA_MOUNTS: `${source}:/home/node/x:ro` });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/the engine's data|the state folder/) });
    expect(made.calls()).not.toContain("compose up");
  });

  it("by another mount of the engine's data is refused", async (context) => {
    context.skip(process.platform !== "linux" || process.getuid?.() !== 0, "only root can mount");
    for (const name of ["data/volumes", "home/alias"]) mkdirSync(join(made.folder, name), { recursive: true });
    const script = `mount --bind ../data ../home/alias; . scripts/progress.sh; . scripts/extra-mounts.sh
      render_extra ../home/alias/volumes:/x '' /state /run/docker.sock ../data`.replaceAll("../", `${made.folder}/`);
    const env = { ...made.environment, PATH: `${made.environment.PATH}:/usr/bin:/bin` };
    const { code, stderr } = await run("/usr/bin/unshare", ["--mount", "bash", "-euc", script], { cwd: made.checkout, env });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("the engine's data") });
  });

  it("by a symbolic link to the engine's socket is refused", async () => {
    const socket = join(made.folder, "run/docker.sock");
    const server = createServer();
    await new Promise<void>((listening) => server.listen(socket, listening));
    symlinkSync(socket, join(made.home, "innocent"));
    expect((await render(`${made.home}/innocent:/run/x`)).stderr).toContain("would give the gateway the engine's socket");
    await close(server);
  });
});

describe(".env", () => {
  const shell = (command: string, ...args: string[]): Promise<Run> =>
    run("/bin/bash", ["-euo", "pipefail", "-c", `. scripts/progress.sh; . scripts/dotenv.sh; ${command}`, "dotenv", ...args], {
      cwd: made.checkout,
      env: { ...made.environment, OPENCLAW_TEST_OF_DOTENV: "environment" },
    });

  it("keeps other lines, comments and their order; replaces a name where it stands, and every later line of that name", async () => {
    writeFileSync(join(made.checkout, ".env"), "# a\nA=1\nexport B=2\nC=3\nB=4\nlast");
    expect(await shell('dotenv_update .env "$@"', "B=new value", "C=", "D=5")).toMatchObject({ code: 0 });
    expect(made.read(".env")).toBe("# a\nA=1\nB='new value'\nlast\nD=5\n");
  });

  it("replaces a name in whatever form it stands", async () => {
    writeFileSync(join(made.checkout, ".env"), "\ufeffA = 1\n  export  B: 2\nC\t=3\nA: 4\nAB=5\n");
    expect(await shell('dotenv_update .env "$@"', "A=one", "B=two", "C=")).toMatchObject({ code: 0 });
    expect(made.read(".env")).toBe("A=one\nB=two\nAB=5\n");
  });

  it("does not go round in circles where variables name each other", async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what stands in the file
    writeFileSync(join(made.checkout, ".env"), "A=${B}\nB=${A}x");
    expect(await shell("dotenv_get .env A")).toMatchObject({ code: 0 });
  });

  it.each([
    ["A=plain", "plain"],
    ["A='in quotes'", "in quotes"],
    ['A="in quotes"', "in quotes"],
    ["A=x=y", "x=y"],
    ["A=of windows\r", "of windows"],
    ["A=with # a comment", "with"],
    ["A='in # quotes' # and a comment", "in # quotes"],
    ["A=no#comment", "no#comment"],
    ["A= between blanks \t", "between blanks"],
    ["A=first\nA=second", "second"],
    ["AB=other", ""],
    ["A = 1", "1"],
    ["  A=1", "1"],
    ["\tA\t=\t1", "1"],
    ["\ufeffA=1", "1"],
    ["# first\n  export  A=1", "1"],
    ["A: 1", "1"],
    ['  A: "in quotes" # and a comment', "in quotes"],
    ['A="of windows"\r', "of windows"],
    ["A= # nothing", ""],
    ["#A=1", ""],
    ["BA=1", ""],
    ["A.B=1", ""],
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: what stands in the file
    ["B=b\nA=${B}/x", "b/x"],
    ["B=b\nA=$B/x-${B}", "b/x-b"],
    ['B=b\nA="${B} c"', "b c"],
    ["B=b\nA='${B}'", "${B}"],
    ["A=${NOT_THERE_9:-else}-${NOT_THERE_9-or}", "else-or"],
    ["A=${NOT_THERE_9}x", "x"],
    ["B=${C}\nC=c\nA=${B}", "c"],
    ["OPENCLAW_TEST_OF_DOTENV=file\nA=${OPENCLAW_TEST_OF_DOTENV}", "environment"],
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: what stands in the file
  ])("is read as Compose reads it: %j", async (text, value) => {
    writeFileSync(join(made.checkout, ".env"), text);
    expect((await shell("dotenv_get .env A")).stdout).toBe(value);
  });
});
