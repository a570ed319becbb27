// What a valid config names is looked at on a real file system: each thing that a pass would refuse is one warning at its key, also several at
// once. Which folders are refused is api/config's to say; how a pass meets them is folders/host-folders.test.ts's.
import { chmod, chown, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { toEpochMs } from "../../api/brands.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { toSources } from "../../api/config/sources.ts";
import { renderIssue } from "../../api/issue.ts";
import { createFolder } from "../../api/store/folder.fixture.ts";
import { findHostIssues } from "./host-issues.ts";

const OWNER = { uid: 1000, gid: 1000 };

async function openHost() {
  const home = await createFolder();
  const stateDir = join(home, "state");
  await mkdir(stateDir, { mode: 0o700 });
  /** Warnings of the host, as a person reads them; the text itself is valid. */
  const validate = async (file: object, owner = OWNER): Promise<string[]> => {
    const environment = { stateDir, home, variables: {}, trustedOwners: null };
    const parsed = parseConfig(toSources(JSON.stringify(file, null, 2)), environment);
    expect(parsed.issues.filter(({ severity }) => severity === "error")).toEqual([]);
    if (!parsed.ok) throw new Error("not valid");
    return (await findHostIssues(parsed.value, { folders: environment, owner, now: toEpochMs(0) })).map(renderIssue);
  };
  const binds = async (...sources: string[]): Promise<string[]> =>
    await validate({
      agents: {
        defaults: {
          sandbox: {
            docker: { dangerouslyAllowExternalBindSources: true, binds: sources.map((source, index) => `${source}:/data${index}:ro`) },
          },
        },
      },
    });
  return { home, stateDir, validate, binds };
}

test("a host that has everything refuses nothing, and folders that are made later are no issue", async () => {
  const { home, validate, binds } = await openHost();
  await mkdir(join(home, "data"));
  expect(await binds(join(home, "data"))).toEqual([]);
  expect(await validate({})).toEqual([]);
  expect(await validate({ agents: { defaults: { workspace: join(home, "later"), sandbox: { workspaceAccess: "rw" } } } })).toEqual([]);
});

test("a bind whose source is a link to /etc, and one that does not exist, are a warning each, at its own line", async () => {
  const { home, binds } = await openHost();
  await mkdir(join(home, "data"));
  await symlink("/etc", join(home, "link"));
  const warnings = await binds(join(home, "link"), join(home, "data"), join(home, "gone"));
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toMatch(
    /^openclaw\.json:8:\d+: warning: agents\.defaults\.sandbox\.docker\.binds\[0\]: on this host, \S+\/link is really \/etc, which: /,
  );
  expect(warnings[1]).toMatch(
    /^openclaw\.json:10:\d+: warning: agents\.defaults\.sandbox\.docker\.binds\[2\]: on this host, \S+\/gone does not exist; create it, or remove the bind$/,
  );
});

test.each([
  ["does not exist", async () => undefined, "does not exist"],
  ["is a folder", async (path: string) => void (await mkdir(path)), "is not a file"],
  ["is no JSON", async (path: string) => await writeFile(path, "{"), "is not JSON"],
])("a seccomp profile that %s is a warning, once for all agents", async (_what, make, words) => {
  const { home, validate } = await openHost();
  const profile = join(home, "profile.json");
  await make(profile);
  const warnings = await validate({
    agents: { defaults: { sandbox: { docker: { seccompProfile: profile } } }, list: [{ id: "main" }, { id: "work" }] },
  });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(`agents.defaults.sandbox.docker.seccompProfile: on this host, ${profile} ${words}`);
});

test("a workspace that is a link, one whose parent leads to /etc, and a file in a workspace's place are warnings at their agents", async () => {
  const { home, validate } = await openHost();
  await mkdir(join(home, "real"));
  await symlink(join(home, "real"), join(home, "link"));
  await symlink("/etc", join(home, "away"));
  await writeFile(join(home, "file"), "");
  const warnings = await validate({
    agents: {
      defaults: { sandbox: { workspaceAccess: "rw" } },
      list: [
        { id: "one", workspace: join(home, "link") },
        { id: "two", workspace: join(home, "away", "two"), sandbox: { workspaceAccess: "ro" } },
        { id: "three", workspace: join(home, "file") },
      ],
    },
  });
  expect(warnings.map((line) => line.replace(/^.*warning: (\S+): on this host, /, "$1: "))).toEqual([
    expect.stringMatching(/^agents\.list\[0\]\.workspace: workspace \S+\/link is a symbolic link/),
    expect.stringMatching(/^agents\.list\[1\]\.workspace: workspace \S+\/away\/two is really \/etc\/two: /),
    expect.stringMatching(/^agents\.list\[2\]\.workspace: workspace \S+\/file is not a folder/),
  ]);
});

test("a folder of workspaces that leads to /etc is a warning at its key", async () => {
  const { home, validate } = await openHost();
  await symlink("/etc", join(home, "away"));
  const [warning, ...more] = await validate({ agents: { defaults: { sandbox: { workspaceRoot: join(home, "away", "sandboxes") } } } });
  expect(more).toEqual([]);
  expect(warning).toMatch(/agents\.defaults\.sandbox\.workspaceRoot: on this host, workspace \S+ is really \/etc\/sandboxes\//);
});

test("a workspace that its container's user could not write to is a warning", async () => {
  const { home, validate } = await openHost();
  const workspace = join(home, "theirs");
  await mkdir(workspace);
  await chmod(workspace, 0o755);
  await chown(workspace, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  const file = (user: string) => ({ agents: { defaults: { workspace, sandbox: { workspaceAccess: "rw", docker: { user } } } } });
  expect((await validate(file("4321:4321")))[0]).toMatch(
    /agents\.defaults\.workspace: on this host, user 4321:4321 can't write to its workspace/,
  );
  expect(await validate(file(`${process.getuid?.()}:${process.getgid?.()}`))).toEqual([]);
});
