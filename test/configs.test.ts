// Configs that an attacker would write are refused, each for the key that its second line names; configs that people have are accepted.
// What only the host shows (a symlink, a profile that is not there) is not in a text: see host.test.ts and mounts.engine.test.ts.
import { chmod, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cli } from "./cli.fixture.ts";

const CONFIGS = new URL("./configs/", import.meta.url).pathname;
/** The state folder that `~/.openclaw` in these files is. */
const STATE_DIR = "/home/claw/.openclaw";
const REFUSED_MIN = 60;
const ACCEPTED_MIN = 12;

const filesOf = async (folder: string): Promise<string[]> =>
  (await readdir(join(CONFIGS, folder))).filter((file) => file.endsWith(".json5")).sort();
const [refused, accepted] = await Promise.all([filesOf("refused"), filesOf("accepted")]);

let copy = "";
beforeAll(async () => {
  // A copy that nobody else may write, whatever the umask of the clone.
  copy = await mkdtemp(join(tmpdir(), "openclaw-configs-"));
  await cp(CONFIGS, copy, { recursive: true });
  // Whatever the umask of the clone: what others may write is refused for that alone.
  for (const entry of await readdir(copy, { recursive: true })) await chmod(join(copy, entry), 0o700);
});
afterAll(async () => await rm(copy, { recursive: true, force: true }));

const validate = async (file: string) => await cli(["config", "validate", "--config", join(copy, file)], { stateDir: STATE_DIR });

/** `// names: docker.network` in the second line. */
async function keyOf(file: string): Promise<string> {
  return /^\/\/ names: (.*)$/m.exec(await readFile(join(copy, file), "utf8"))?.[1] ?? "";
}

describe("a config of an attacker is refused, and the key is named", () => {
  test("there are many", () => expect(refused.length).toBeGreaterThanOrEqual(REFUSED_MIN));

  test.each(refused)("%s", async (file) => {
    const key = await keyOf(`refused/${file}`);
    const { code, stdout, stderr } = await validate(`refused/${file}`);
    const errors = stdout.split("\n").filter((line) => line.startsWith(copy) && !line.includes(": warning:") && !/: invalid \(/.test(line));
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(
      errors.some((line) => line.includes(key)),
      `no error names ${key}:\n${stdout}`,
    ).toBe(true);
    expect(stdout).toContain(": invalid (");
  });
});

describe("a config that people have is accepted", () => {
  test("there are many", () => expect(accepted.length).toBeGreaterThanOrEqual(ACCEPTED_MIN));

  test.each(accepted)("%s", async (file) => {
    const { code, stdout } = await validate(`accepted/${file}`);
    expect(code, stdout).toBe(0);
  });
});
