import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BindSourceContext, refusedBindSource, refusedWorkspace } from "./bind-source.ts";
import { NO_SANDBOX_FOLDERS } from "./sandbox-folders.ts";

const HOST = { home: "/home/claw", stateDir: "/home/claw/.openclaw" };
const CONTEXT: BindSourceContext = {
  ...HOST,
  readOnly: true,
  workspaces: [],
  allowExternal: true,
  sandboxes: NO_SANDBOX_FOLDERS,
  engineSockets: [],
};

describe("what belongs to the host is refused, read-only too", () => {
  test.each([
    "/",
    "/etc",
    "/etc/ssl",
    "/proc",
    "/proc/self/root",
    "/sys",
    "/dev",
    "/dev/sda",
    "/root",
    "/root/work",
    "/srv/me/.local",
    "/srv/me/.local/share",
    "/srv/me/.local/share/docker/volumes",
    "/srv/me/.local/share/containers",
    "/boot",
    "/run",
    "/run/user/1000",
    "/var/run",
    "/var/lib",
    "/var/lib/docker",
    "/var/spool/cron",
    "/var",
    "/ETC",
    "/Etc/passwd",
    "/System",
    "/System/Volumes/Data",
    "/Library",
    "/library/Keychains",
    "/private",
    "/private/etc",
    "/private/var",
    "/private/var/run",
    "/private/var/db",
    "/home",
    "/home/claw",
    "/home/other",
    "/Users",
    "/Users/alice",
    "/Users/alice/Library/Keychains",
    "/var/home/alice",
    "/run/docker.sock",
    "/srv/docker.sock",
    "/tmp/anything.sock",
    "/tmp/PODMAN.SOCK",
    "/home/claw/.docker/run",
    "/home/other/.colima/default",
    "/Users/a/.orbstack",
    "/home/claw/.ssh",
    "/home/other/.ssh/id_rsa",
    "/srv/home/x/.aws",
    "/home/claw/.gnupg",
    "/home/claw/.config/gh",
    "/home/claw/.npm",
    "/home/claw/.cargo",
    "/home/claw/.netrc",
    "/home/claw/.SSH",
    "/mnt/x/.kube/config",
    "/home/claw/.openclaw",
    "/home/claw/.openclaw/openclaw.json",
    "/home/claw/.openclaw/controller",
    "/home/claw/.openclaw/gateway/tokens",
    "/home/claw/.openclaw/run",
    "/home/claw/.openclaw/agents/main/sessions",
    "/home/claw/.OpenClaw/controller",
    "/home/claw/.openclaw/workspace/.ssh",
  ])("%s", (path) => expect(refusedBindSource(path, CONTEXT)).not.toBeNull());
});

describe("other folders are allowed when the config says that it means it", () => {
  test.each([
    "/srv/data",
    "/data",
    "/home/claw/projects",
    "/home/claw/code/app",
    "/Users/alice/code",
    "/mnt/disk",
    "/tmp/x",
    "/etcetera",
    "/devices",
    "/var/www",
    "/private/tmp/x",
    "/usr/share/dict",
    "/opt/tool",
    "/lib64",
    "/home/claw/.openclaw/workspace",
    "/home/claw/.openclaw/workspace-work/sub",
    "/home/claw/.openclaw/sandboxes/agent-main-1",
    "/home/claw/.openclawx",
    "/srv/ssh",
    "/srv/a.socket",
  ])("%s", (path) => expect(refusedBindSource(path, CONTEXT)).toBeNull());
});

test.each(["/usr", "/usr/local", "/bin", "/sbin", "/lib", "/lib64", "/lib/modules", "/opt", "/opt/tool"])(
  "%s is refused if writable",
  (path) => {
    expect(refusedBindSource(path, { ...CONTEXT, readOnly: false })).toEqual({
      message: "these are the host's programs",
      fix: "append :ro",
    });
  },
);

test("outside the workspaces nothing is allowed without dangerouslyAllowExternalBindSources", () => {
  const strict = { ...CONTEXT, allowExternal: false, workspaces: ["/srv/claw"] };
  expect(refusedBindSource("/srv/claw/data", strict)).toBeNull();
  expect(refusedBindSource("/srv/clawx", strict)?.fix).toContain("dangerouslyAllowExternalBindSources");
  expect(refusedBindSource("/srv", strict)).not.toBeNull();
});

test("a socket that the controller knows of is refused under any name, and every folder above it", () => {
  const known = { ...CONTEXT, engineSockets: ["/srv/engine/api"] };
  expect(refusedBindSource("/srv/engine/api", known)).not.toBeNull();
  expect(refusedBindSource("/srv/engine", known)).not.toBeNull();
  expect(refusedBindSource("/srv/engine2", known)).toBeNull();
});

test("workspaces of a state folder in a system place can still be mounted", () => {
  const service = { ...CONTEXT, home: "/var/lib/openclaw", stateDir: "/var/lib/openclaw/.openclaw" };
  expect(refusedBindSource("/var/lib/openclaw/.openclaw/workspace", service)).toBeNull();
  expect(refusedBindSource("/var/lib/openclaw/other", service)).not.toBeNull();
});

describe("an agent's workspace", () => {
  test.each(["/home/claw/work", "/srv/claw", "/home/claw/.openclaw/workspace-x", "/home/claw/.openclaw/sandboxes"])("may be %s", (path) =>
    expect(refusedWorkspace(path, HOST)).toBeNull(),
  );
  test.each([
    "/",
    "/etc",
    "/home/claw",
    "/home",
    "/home/claw/.ssh",
    "/home/claw/.openclaw",
    "/home/claw/.openclaw/controller",
    "/usr/local/claw",
    "/run/claw",
  ])("may not be %s", (path) => expect(refusedWorkspace(path, HOST)).not.toBeNull());
  test("may lie in root's home if root runs it", () => {
    const home = "/root";
    expect(refusedWorkspace(`${home}/claw`, { home, stateDir: `${home}/.openclaw` })).toBeNull();
    expect(refusedWorkspace(`${home}/claw`, HOST)).not.toBeNull();
  });
});

test.each(["/etc", "/var/lib", "/var/run", "/var/spool", "/private/var/db", "/home/claw/.openclaw", "/Users/alice"])(
  "every folder above %s is refused",
  (path) => {
    const segments = path.split("/").slice(1);
    for (let length = 0; length <= segments.length; length += 1) {
      expect(refusedBindSource(`/${segments.slice(0, length).join("/")}`, CONTEXT)).not.toBeNull();
    }
  },
);

test("whatever lies under a refused folder is refused", () => {
  const below = fc.array(fc.stringMatching(/^[a-zA-Z0-9._ -]{1,8}$/), { maxLength: 4 });
  fc.assert(
    fc.property(
      fc.constantFrom("/etc", "/run", "/root", "/System", "/home/x/.ssh", "/home/claw/.openclaw/gateway"),
      below,
      (folder, segments) => {
        expect(refusedBindSource([folder, ...segments].join("/"), CONTEXT)).not.toBeNull();
      },
    ),
  );
});

test("whatever contains a home, the state folder, a system folder or the engine's socket is refused as they are", () => {
  const context = { ...CONTEXT, home: "/srv/people/claw", stateDir: "/data/claw/state", engineSockets: ["/opt/engine/run/engine"] };
  const refused = [
    "/",
    "/srv",
    "/srv/people",
    "/srv/people/claw",
    "/data",
    "/data/claw",
    "/data/claw/state",
    "/opt/engine",
    "/opt/engine/run",
    "/var",
  ];
  expect(refused.filter((path) => refusedBindSource(path, context) === null)).toEqual([]);
  const allowed = ["/etcetera", "/srv/peoples", "/srv/people/claw/project", "/data/claw/other", "/data/claws", "/opt/engine/share"];
  expect(allowed.filter((path) => refusedBindSource(path, context) !== null)).toEqual([]);
});

test("the whole host is refused for what it is", () => {
  expect(refusedBindSource("/", { ...CONTEXT, home: "/nowhere", stateDir: "/nowhere/state" })?.message).toContain("whole host");
});
