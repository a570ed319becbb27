// The clawdock-* commands in the shells people use, from a folder that is not the checkout, against a stub of the docker command.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, type TestContext } from "vitest";
import { type Checkout, makeCheckout } from "./checkout.fixture.ts";
import { type Run, run } from "./run-program.ts";

let made: Checkout;
let shell = "";

const find = (program: string): string | undefined =>
  ["/bin", "/usr/bin", "/usr/local/bin"].map((path) => join(path, program)).find(existsSync);

/** After `source ~/.clawdock/clawdock-helpers.sh`, as people have it in their profile. */
const type = (command: string): Promise<Run> =>
  run(shell, ["-c", `source "$HOME/.clawdock/clawdock-helpers.sh"; ${command}`], { cwd: "/", env: made.environment });

beforeEach(async () => {
  made = makeCheckout();
  writeFileSync(join(made.checkout, ".env"), "OPENCLAW_GATEWAY_TOKEN=s3cret\nOPENCLAW_IMAGE=mine:1\nOPENCLAW_CONFIG_DIR=/srv/openclaw\n");
  expect(await run(join(made.checkout, "scripts/shell-helpers/clawdock.sh"), ["install"], { env: made.environment })).toMatchObject({
    code: 0,
  });
});

describe.each(["bash", "zsh"])("in %s", (name) => {
  beforeEach((context: TestContext) => {
    const found = find(name);
    if (found === undefined) return context.skip(`${name} is not installed (apt-get install ${name})`);
    shell = found;
  });

  it.each([
    ["clawdock-start", "compose up -d"],
    ["clawdock-stop", "compose stop"],
    ["clawdock-restart", "compose up -d --force-recreate"],
    ["clawdock-status", "compose run --rm -T openclaw-cli status"],
    ["clawdock-logs openclaw-gateway", "compose logs --follow --tail 100 openclaw-gateway"],
    ["clawdock-shell", "compose exec openclaw-gateway bash"],
    ["clawdock-cli sandbox list --json", "compose run --rm -T openclaw-cli sandbox list --json"],
    ["clawdock-health", "compose exec -T openclaw-gateway node dist/index.js health"],
    ["clawdock-dashboard", "compose run --rm -T openclaw-cli dashboard --no-open"],
    ["clawdock-devices", "compose run --rm -T openclaw-cli devices list"],
    ["clawdock-approve 'a b'", "compose run --rm -T openclaw-cli devices approve a b"],
  ])("%s asks Compose: %s", async (command, call) => {
    expect(await type(command)).toMatchObject({ code: 0 });
    expect(made.calls().split("\n")).toContain(call);
  });

  it("clawdock-cd goes to the checkout, and clawdock-config to the folder of the config", async () => {
    expect((await type("clawdock-cd; pwd")).stdout).toBe(`${made.checkout}\n`);
    mkdirSync(join(made.home, "state"));
    writeFileSync(join(made.checkout, ".env"), `OPENCLAW_CONFIG_DIR=${made.home}/state\n`);
    expect((await type("clawdock-config; pwd")).stdout).toBe(`${made.home}/state\n`);
  });

  it("only clawdock-token shows the token", async () => {
    expect((await type("clawdock-token")).stdout).toBe("s3cret\n");
    const { stdout } = await type("clawdock-show-config");
    expect(stdout).toContain("OPENCLAW_GATEWAY_TOKEN=(set)\nOPENCLAW_IMAGE=mine:1\n");
    expect(stdout + made.calls()).not.toContain("s3cret");
  });

  it.each(["OPENCLAW_GATEWAY_TOKEN = s3cret", "  export  OPENCLAW_GATEWAY_TOKEN: s3cret", "\ufeffOPENCLAW_GATEWAY_TOKEN='s3cret'"])(
    "masks the token, and finds it, as Compose reads it: %j",
    async (line) => {
      writeFileSync(join(made.checkout, ".env"), `${line}\n`);
      expect((await type("clawdock-token")).stdout).toBe("s3cret\n");
      const { stdout } = await type("clawdock-show-config");
      expect(stdout).toContain("(set)");
      expect(stdout).not.toContain("s3cret");
    },
  );

  it("says where it looked when the checkout is gone", async () => {
    rmSync(join(made.checkout, "scripts"), { recursive: true });
    const { code, stderr } = await type("clawdock-start");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`there is no checkout in ${made.checkout}.`) });
  });

  it("clawdock-help names every command there is", async () => {
    const names = (await type("clawdock-help")).stdout.split("\n").flatMap((line) => /^clawdock-[a-z-]+/.exec(line)?.[0] ?? []);
    expect(names).toHaveLength(19);
    expect((await type(names.map((command) => `type ${command} >/dev/null`).join(" && "))).code).toBe(0);
  });
});

describe("clawdock-update", () => {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: made.checkout, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  const commit = (text: string): void => {
    writeFileSync(join(made.checkout, "version"), text);
    git("add", "-A");
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", text);
  };

  /** The checkout is one commit behind where it pulls from. */
  beforeEach((context: TestContext) => {
    const found = find("git");
    if (found === undefined) return context.skip("git is not installed");
    symlinkSync(found, join(made.folder, "path/git"));
    shell = find("bash") ?? "bash";
    writeFileSync(join(made.checkout, ".gitignore"), ".env\n");
    git("init", "-q", "-b", "main");
    commit("1");
    git("branch", "newest");
    git("branch", "-q", "--set-upstream-to", "newest");
    git("checkout", "-q", "newest");
    commit("2");
    git("checkout", "-q", "main");
  });

  it("takes the newest version when it is healthy, and keeps the image that was there before", async () => {
    expect(await type("clawdock-update")).toMatchObject({ code: 0, stderr: expect.stringContaining("updated from") });
    expect(made.read("version")).toBe("2");
    expect(made.calls()).toContain("tag mine:1 mine:1-before-update\n");
    expect(made.calls()).not.toContain("tag mine:1-before-update mine:1\n");
  });

  it("goes back to image and version before when the new one is not healthy", async () => {
    made.stub("builds-what-fails");
    made.environment.OPENCLAW_READY_SECONDS = "1";
    const { code, stderr } = await type("clawdock-update");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("the update failed and was taken back; the version before is in service."),
    });
    expect(made.read("version")).toBe("1");
    expect(made.calls()).toMatch(/\nbuild [\s\S]*\ncompose up -d\n[\s\S]*\ntag mine:1-before-update mine:1\n[\s\S]*compose up -d\n/);
  });

  it("touches nothing where the checkout has changes of one's own", async () => {
    writeFileSync(join(made.checkout, "version"), "mine");
    expect(await type("clawdock-update")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("changes of your own; nothing was updated"),
    });
    expect(made.read("version")).toBe("mine");
    expect(made.calls()).not.toContain("build ");
  });
});
