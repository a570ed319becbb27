// What docker-setup.sh decides and writes, run for real in a copy of the checkout's scripts against a stub of the docker command.
// That the containers then run is test/compose.engine.test.ts.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
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
    expect(ended.stdout + ended.stderr + made.calls()).not.toContain(token);
    expect(readFileSync(join(made.home, ".clawdock/config"), "utf8")).toBe(`CLAWDOCK_DIR="${made.checkout}"\n`);
  });

  it("keeps the token of the config, and makes none where the config asks for a password", async () => {
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, "openclaw.json"), "{}");
    made.stub("auth", '{\n  "token": "kept-of-the-config"\n}\n');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(setting("OPENCLAW_GATEWAY_TOKEN")).toBe("kept-of-the-config");

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
    const wishes = { OPENCLAW_HOME_VOLUME: "openclaw_home", OPENCLAW_EXTRA_MOUNTS: `${made.home}/code:/home/node/code:ro` };
    expect(await setup([], wishes)).toMatchObject({ code: 0 });
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

  it("the home folder itself as state folder", async () =>
    expectRefusal("which contains your home folder", [], { OPENCLAW_CONFIG_DIR: made.home }));

  it("--offline without the image", async () => {
    made.stub("no-image");
    await expectRefusal("--offline, and the image openclaw:local is not on this engine.", ["--offline"]);
  });

  it(".env as a symbolic link", async () => {
    symlinkSync(join(made.folder, "elsewhere"), join(made.checkout, ".env"));
    await expectRefusal(".env is a symbolic link.");
  });

  it("--uninstall without a terminal to ask on", async () => {
    await expectRefusal("--uninstall asks first, and there is no terminal to ask on.", ["--uninstall"]);
    expect(made.calls()).not.toContain(" down");
  });
});

describe("docker-setup.sh --uninstall --yes", () => {
  it("removes the containers and this controller's sandboxes, and leaves config and .env", async () => {
    await setup();
    expect(await setup(["--uninstall", "--yes"])).toMatchObject({ code: 0 });
    const asked = made.calls();
    expect(asked).toContain("compose down --volumes --remove-orphans");
    expect(asked).toContain("ps --all --filter label=openclaw.instance=abc123 --quiet");
    expect(asked).toContain("rm --force sandbox-1 sandbox-2");
    expect(asked).toContain("image rm openclaw:local\n");
    expect(existsSync(join(made.checkout, ".env"))).toBe(true);
    expect(existsSync(join(state, "openclaw.json"))).toBe(true);
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
  ])("with %s is refused", async (_, mounts, sentence) => {
    const { code, stdout, stderr } = await render(mounts.replaceAll("HOME/", `${made.home}/`).replace(/^HOME:/, `${made.home}:`));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(sentence);
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
      env: made.environment,
    });

  it("keeps other lines, comments and their order; replaces a name where it stands, and every later line of that name", async () => {
    writeFileSync(join(made.checkout, ".env"), "# a\nA=1\nexport B=2\nC=3\nB=4\nlast");
    expect(await shell('dotenv_update .env "$@"', "B=new value", "C=", "D=5")).toMatchObject({ code: 0 });
    expect(made.read(".env")).toBe("# a\nA=1\nB='new value'\nlast\nD=5\n");
  });

  it.each([
    ["A=plain", "plain"],
    ["A='in quotes'", "in quotes"],
    ['A="in quotes"', "in quotes"],
    ["A=x=y", "x=y"],
    ["A=of windows\r", "of windows"],
    ["A=first\nA=second", "second"],
    ["AB=other", ""],
  ])("is read as Compose reads it: %j", async (text, value) => {
    writeFileSync(join(made.checkout, ".env"), text);
    expect((await shell("dotenv_get .env A")).stdout).toBe(value);
  });
});
