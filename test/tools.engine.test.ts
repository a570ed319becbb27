// Every tool in a real container, through gateway and controller; and the same in an image that has nothing but BusyBox.
// The scripts under other shells, and what each tool says of bad input, are unit tests in src/gateway/tools.
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { toSessionKey } from "../src/api/brands.ts";
import { FILE_BYTES_MAX } from "../src/api/file-scripts.ts";
import { docker, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { createSite, onDemand } from "../src/controller/fixtures/site.fixture.ts";
import { SandboxStream } from "../src/gateway/sandbox/sandbox-stream.ts";
import { StreamClient } from "../src/gateway/sandbox/stream-client.ts";
import { Files } from "../src/gateway/tools/files.ts";
import { type GatewayProcess, spawnBoth } from "./gateway.fixture.ts";

const KEY = "agent:main:main";
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

interface Opened {
  stateDir: string;
  container: string;
  say(tool: string, input: object): Promise<string>;
  gateway: GatewayProcess;
}

async function open(sandbox: object = {}): Promise<Opened> {
  const site = await createSite();
  await site.writeConfig(onDemand(sandbox));
  const gateway = await spawnBoth(site);
  await gateway.ask("/v1/sessions", { key: KEY });
  const say = async (tool: string, input: object): Promise<string> => (await gateway.tool(KEY, tool, input)).text;
  const container = (await site.serves("agent:main")).Id;
  return { stateDir: site.stateDir, container, gateway, say };
}

async function workWithFiles({ say, gateway }: Opened): Promise<void> {
  expect(await say("write", { path: "src/a b.txt", content: "one\ntwo\nthree\n" })).toBe("created src/a b.txt (14 bytes)");
  expect(await say("edit", { path: "src/a b.txt", oldText: "two", newText: "TWO" })).toBe("edited src/a b.txt (1 edit)");
  const patch = [
    "*** Begin Patch",
    "*** Update File: src/a b.txt",
    "*** Move to: moved",
    "@@",
    " one",
    "-TWO",
    "+2",
    "*** Add File: new",
    "+x",
    "*** End Patch",
  ];
  expect(await say("apply_patch", { input: patch.join("\n") })).toBe("D src/a b.txt\nA moved\nA new");
  expect(await say("read", { path: "moved", offset: 2, limit: 1 })).toBe("2\n(lines 2 to 2 of 3; go on with offset 3)");
  await say("write", { path: "picture", content: PIXEL, encoding: "base64" });
  expect((await gateway.tool(KEY, "read", { path: "picture" })).body.content).toEqual([
    { type: "image", mimeType: "image/png", data: PIXEL },
  ]);
  await say("exec", { command: "chmod 750 moved; ln -s moved link; ln -s /etc/shadow shadow; mkfifo pipe" });
  expect(await say("write", { path: "link", content: "through the link" })).toBe("replaced link (16 bytes)");
  expect(await say("exec", { command: "ls -l moved | cut -c1-10; cat moved; ls -a | sort" })).toBe(
    "-rwxr-x---\nthrough the link.\n..\nlink\nmoved\nnew\npicture\npipe\nshadow\nsrc\n",
  );
  expect(await say("read", { path: "pipe" })).toBe('"pipe" is a pipe, a socket or a device, not a file');
  expect(await say("read", { path: "/proc/1/root/etc/../etc" })).toMatch(/is a folder|is not there/);
}

/** 64 MiB go, and not one byte more. */
async function workWithLargeFiles({ stateDir, say }: Opened): Promise<void> {
  const data = Buffer.concat([randomBytes(FILE_BYTES_MAX - 3), Buffer.from("\n\0\n")]);
  const filesOf = (tool: "write" | "edit"): Files =>
    new Files({
      port: new SandboxStream(new StreamClient(stateDir)),
      sessionKey: toSessionKey(KEY),
      ...{ tool, signal: new AbortController().signal, newId: () => randomBytes(8).toString("hex") },
    });
  const put = { kind: "put", path: "big", data, expected: "none", like: null } as const;
  expect(await filesOf("write").commit([put])).toEqual(["created"]);
  expect((await filesOf("edit").readWhole("big")).data.equals(data)).toBe(true);
  await expect(filesOf("write").commit([put])).rejects.toThrow('"big" is there already');
  await expect(filesOf("write").commit([{ ...put, data: Buffer.concat([data, data.subarray(0, 1)]) }])).rejects.toThrow("more than 64 MiB");
  await say("exec", { command: "echo >>big" });
  await expect(filesOf("edit").readWhole("big")).rejects.toThrow("more than 64 MiB");
}

test("every file tool works in a container as its user, up to 64 MiB, and reaches nothing that its user may not", async () => {
  const opened = await open();
  await workWithFiles(opened);
  const { say } = opened;
  expect(await say("read", { path: "shadow" })).toContain("can't be used by the sandbox's user");
  expect(await say("write", { path: "/etc/passwd", content: "x" })).toContain("can't be used by the sandbox's user");
  expect(await say("write", { path: "/new", content: "x" })).toContain("can't be used by the sandbox's user");
  expect(await say("write", { path: "../tmp/fine", content: "x" })).toBe("created ../tmp/fine (1 bytes)");
  await workWithLargeFiles(opened);
  expect(await say("exec", { command: "ls -a | grep openclaw" })).toBe("(exit code 1)");
});

test("commands have a terminal, a time, variables and docker.env.PATH; longer ones go on in the background, where process looks after them", async () => {
  const { say, container, gateway } = await open({ docker: { env: { PATH: "/custom/bin" } } });
  expect(await say("exec", { command: "test -t 0 && test -t 1 && stty size", pty: true })).toBe("40 120\r\n");
  expect(await say("exec", { command: "test -t 1 || echo none; echo $PATH" })).toMatch(/^none\n\/custom\/bin:.*\/bin/);
  expect(await say("exec", { command: "pwd; echo $A", workdir: "/workspace", env: { A: "$(id)" } })).toBe("/workspace\n$(id)\n");
  expect(await say("exec", { command: "pwd", workdir: "/etc" })).toContain("the workdir must be in /workspace");
  expect(await say("exec", { command: "echo begun; setsid sleep 61 & sleep 61", timeout: 1 })).toBe("begun\n(killed after 1 s)");
  await until("nothing of it runs any more", async () => !(await docker("top", container, "-eo", "pid,args")).includes("sleep 61"));

  expect(await say("exec", { command: "echo quick; exit 4", yieldMs: 20_000 })).toBe("quick\n(exit code 4)");
  const { body, text } = await gateway.tool(KEY, "exec", { command: "echo hello; read line; echo got $line; sleep 61", yieldMs: 500 });
  const { id } = body.details as { id: string };
  expect(text).toBe(`hello\n(it goes on in the background as process ${id}; the tool process follows and ends it)`);
  expect(await say("process", { action: "list" })).toContain(`${id}  running  echo hello; read line`);
  expect(await say("process", { action: "write", id, data: "food\n" })).toBe(`process ${id}: running`);
  expect(await say("process", { action: "poll", id, offset: 6 })).toBe("got food\n(running)");
  expect(await say("process", { action: "log", id, offset: 2, limit: 3 })).toBe("llo\n(running; more from offset 5)");
  expect(await say("process", { action: "clear", id })).toContain("is running");
  expect(await say("process", { action: "kill", id })).toBe(`process ${id}: exit code 137`);
  // Some shells say themselves what became of it.
  expect(await say("process", { action: "poll", id })).toMatch(/^hello\ngot food\n(Killed\n)?\(exit code 137\)$/);
  expect(await say("process", { action: "clear", id })).toBe(`process ${id} is forgotten`);
  expect(await say("process", { action: "log", id })).toContain("there is no process");
});

/** Why this host can't make it, or its name. The image has BusyBox, what that is linked to, and a few folders. */
async function makeBusyboxImage(): Promise<{ image: string } | { missing: string }> {
  const found = ["/usr/bin/busybox", "/bin/busybox"].find((path) => readdirSync(join(path, "..")).includes("busybox"));
  if (found === undefined) return { missing: "busybox is not installed" };
  const root = mkdtempSync(join(tmpdir(), "openclaw-busybox-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const folder of ["bin", "etc", "workspace", "tmp", "run", "var/tmp", "proc", "sys", "dev"])
    mkdirSync(join(root, folder), { recursive: true });
  const linked = execFileSync("sh", ["-c", 'ldd "$1" 2>/dev/null || true', "sh", found], { encoding: "utf8" });
  for (const [path] of linked.matchAll(/\/[^ )]+/g)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), readFileSync(path), { mode: 0o755 });
  }
  writeFileSync(join(root, "bin/busybox"), readFileSync(found), { mode: 0o755 });
  for (const name of execFileSync(found, ["--list"], { encoding: "utf8" }).trim().split("\n"))
    if (name !== "busybox") symlinkSync("busybox", join(root, "bin", name));
  const image = `openclaw-test-busybox-${randomBytes(4).toString("hex")}:1`;
  execFileSync("sh", ["-c", 'tar -C "$1" -c . | docker import - "$2"', "sh", root, image], { stdio: ["ignore", "ignore", "inherit"] });
  onTestFinished(async () => void (await tryDocker("rmi", "-f", image)));
  return { image };
}

test("all of it works in an image that has BusyBox and nothing else", async (context) => {
  const made = await makeBusyboxImage();
  if ("missing" in made) return context.skip(made.missing);
  const opened = await open({ docker: { image: made.image } });
  await workWithFiles(opened);
  const { say, gateway } = opened;
  expect(await say("exec", { command: "command -v bash python3 perl || echo neither" })).toBe("neither\n");
  const { body } = await gateway.tool(KEY, "exec", { command: "echo up; sleep 61", background: true });
  const { id } = body.details as { id: string };
  expect(await say("process", { action: "poll", id, offset: 0 })).toBe("up\n(running)");
  expect(await say("process", { action: "kill", id })).toBe(`process ${id}: exit code 137`);
});
