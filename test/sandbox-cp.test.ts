// `sandbox cp` in both directions, through the controller's socket and the scripts that a real shell runs: content, places, modes, and what is refused.

import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeHostShellEngine } from "../src/controller/servers/host-shell.fixture.ts";
import { makeStateDir, NAME, openServer } from "../src/controller/servers/server.fixture.ts";
import { cli } from "./cli.fixture.ts";

/** A folder here, a folder that the sandbox's shell sees, and the command. */
async function open() {
  const engine = makeHostShellEngine(["dash"]);
  const launched = await openServer();
  const server = await openServer({ engine, handle: launched.handle });
  const [here, inside] = [makeStateDir("openclaw-here-"), makeStateDir("openclaw-inside-")];
  const copy = (source: string, target: string, ...flags: string[]) =>
    cli(["sandbox", "cp", ...flags, source, target], { stateDir: server.stateDir });
  return { server, here, inside, copy };
}

/** No part of it is like another: what comes in another order is another file. */
const CONTENT = Buffer.concat([Buffer.from("ü\n\0binary"), randomBytes(3_000_000)]);

test("a file goes in and comes out byte by byte, and keeps whether it is a program", async () => {
  const { here, inside, copy } = await open();
  writeFileSync(join(here, "a b.bin"), CONTENT);
  chmodSync(join(here, "a b.bin"), 0o755);
  expect(await copy(join(here, "a b.bin"), `main:${inside}/in.bin`)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("2.9 MiB copied"),
  });
  expect(readFileSync(join(inside, "in.bin")).equals(CONTENT)).toBe(true);
  expect(statSync(join(inside, "in.bin")).mode & 0o111).not.toBe(0);
  expect(await copy(`agent:main:${inside}/in.bin`, join(here, "out.bin"))).toMatchObject({ code: 0 });
  expect(readFileSync(join(here, "out.bin")).equals(CONTENT)).toBe(true);
  expect(statSync(join(here, "out.bin")).mode & 0o111).not.toBe(0);
});

test("an empty file is a file, and a folder as target keeps the name, on both sides", async () => {
  const { here, inside, copy } = await open();
  writeFileSync(join(here, "empty"), "");
  mkdirSync(join(inside, "folder"));
  await copy(join(here, "empty"), `main:${inside}/folder`);
  expect(readFileSync(join(inside, "folder/empty"), "utf8")).toBe("");
  const { stdout } = await copy(`main:${inside}/folder/empty`, `${here}/`, "--json");
  expect(JSON.parse(stdout)).toMatchObject({ bytes: 0, to: join(here, "empty") });
});

test("a link here stays one, the file behind it keeps its mode, and nothing is left beside it", async () => {
  const { here, inside, copy } = await open();
  writeFileSync(join(inside, "new"), "new");
  writeFileSync(join(here, "real"), "old");
  chmodSync(join(here, "real"), 0o600);
  symlinkSync(join(here, "real"), join(here, "link"));
  expect((await copy(`main:${inside}/new`, join(here, "link"))).code).toBe(0);
  expect([readFileSync(join(here, "real"), "utf8"), statSync(join(here, "real")).mode & 0o777]).toEqual(["new", 0o600]);
  expect(readdirSync(here).toSorted()).toEqual(["link", "real"]);
});

test("what is refused says why and what to do, and leaves what was there", async () => {
  const { here, inside, copy } = await open();
  mkdirSync(join(inside, "folder"));
  writeFileSync(join(here, "kept"), "kept");
  expect(await copy(`main:${inside}/nowhere`, join(here, "kept"))).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("is not there"),
  });
  expect(await copy(`main:${inside}/folder`, here)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/is a folder.*\n {2}openclaw sandbox exec \S+ -- tar c /),
  });
  expect(await copy(here, "main:")).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/is a folder.*\n {2}tar c .* \| openclaw sandbox exec -i /),
  });
  expect(await copy(join(here, "none"), "main:")).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot read") });
  expect(await copy(`main:${inside}/folder`, "main:x")).toMatchObject({ code: 2 });
  expect(await copy(join(here, "kept"), join(here, "other"))).toMatchObject({ code: 2, stderr: expect.stringContaining("NAME:PATH") });
  expect(await copy("nobody:x", here)).toMatchObject({ code: 3 });
  expect(readFileSync(join(here, "kept"), "utf8")).toBe("kept");
  expect(readdirSync(here)).toEqual(["kept"]);
});

test("what is copied is not shown by sandbox logs", async () => {
  const { server, here, inside, copy } = await open();
  writeFileSync(join(here, "secret"), "top secret\n");
  await copy(join(here, "secret"), `main:${inside}/secret`);
  await copy(`main:${inside}/secret`, join(here, "back"));
  expect(existsSync(join(here, "back"))).toBe(true);
  expect(server.output.list(NAME, 0).items).toEqual([]);
});

test("- is what is piped in, and out: whole, with nothing beside it", async () => {
  const { server, inside } = await open();
  const { stateDir } = server;
  expect(await cli(["sandbox", "cp", "-", `main:${inside}/piped`], { stateDir, input: "from a pipe\n" })).toMatchObject({ code: 0 });
  expect(readFileSync(join(inside, "piped"), "utf8")).toBe("from a pipe\n");
  expect(await cli(["sandbox", "cp", `main:${inside}/piped`, "-"], { stateDir })).toEqual({
    code: 0,
    stdout: "from a pipe\n",
    stderr: expect.stringMatching(/^12 B copied from \S+:.*\/piped\n$/),
  });
  mkdirSync(join(inside, "folder"));
  for (const target of ["main:", `main:${inside}/`, `main:${inside}/folder`])
    expect(await cli(["sandbox", "cp", "-", target], { stateDir, input: "x" })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("has no name of its own"),
    });
  expect(await cli(["sandbox", "cp", `main:${inside}/none`, "-"], { stateDir })).toMatchObject({ code: 3, stdout: "" });
});

test("in Compose a file of the host, which its container does not see, is piped", async () => {
  const { server, inside } = await open();
  writeFileSync(join(inside, "out"), "out");
  const options = { stateDir: server.stateDir, env: { OPENCLAW_PLACE: "compose" } };
  const piped = "docker compose run --rm -T openclaw-cli sandbox cp ";
  expect(await cli(["sandbox", "cp", "/openclaw-cp-of-the-host", "main:"], options)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${piped}- NAME:PATH < FILE`),
  });
  expect(await cli(["sandbox", "cp", `main:${inside}/out`, "/openclaw-cp-of-the-host"], options)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${piped}NAME:PATH - > FILE`),
  });
  expect(existsSync("/openclaw-cp-of-the-host")).toBe(false);
  // Its `run` never ends the input; its `exec` does, in the controller's container.
  const old = { ...options, env: { ...options.env, OPENCLAW_COMPOSE: "docker-compose" }, input: "x" };
  const service = { OPENCLAW_CLI_COMMAND: "docker-compose run --rm openclaw-cli" };
  expect(await cli(["sandbox", "cp", "-", `main:${inside}/in`], { ...old, env: { ...old.env, ...service } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("docker-compose exec -T openclaw-controller openclaw-entrypoint sandbox cp - NAME:PATH < FILE"),
  });
  expect(await cli(["sandbox", "cp", "-", `main:${inside}/in`], old)).toMatchObject({ code: 0 });
  expect(readFileSync(join(inside, "in"), "utf8")).toBe("x");
});
