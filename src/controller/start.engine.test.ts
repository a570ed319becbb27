// A controller that can't start ends, with words and an exit code, at whichever step it fails: a process that does nothing and still says
// that it lives is restarted by nobody.
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { spawnController } from "./fixtures/process.fixture.ts";
import { createSite, eager } from "./fixtures/site.fixture.ts";

/** A file where a folder belongs: root's permissions are no hindrance, this is. */
const file = async (path: string): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, "x");
};
const folder = (path: string): Promise<unknown> => mkdir(path, { recursive: true, mode: 0o700 });

it.each([
  { what: "its own folder", spoil: file, path: "controller", words: "something else is there" },
  { what: "the ledger", spoil: file, path: "controller/ledger", words: "ledger" },
  { what: "the statuses", spoil: file, path: "controller/status", words: "status" },
  { what: "the events", spoil: file, path: "controller/events", words: "events" },
  { what: "the lock", spoil: folder, path: "controller/lock.db", words: "cannot lock" },
  { what: "the sockets' folder", spoil: file, path: "run", words: "run" },
  { what: "the admin socket's folder", spoil: file, path: "run/admin", words: "admin" },
  { what: "the stream socket", spoil: folder, path: "run/stream.sock/full", words: "stream.sock" },
])("a controller that can't use $what ends, and says what is wrong", async ({ spoil, path, words }) => {
  const site = await createSite();
  await site.writeConfig(eager({ mode: "off" }));
  await spoil(join(site.stateDir, path));
  const { code, stderr } = await spawnController(site).ended;
  expect(code).toBe(1);
  expect(
    stderr
      .split("\n")
      .filter((line) => line.startsWith("openclaw: "))
      .join("\n"),
  ).toContain(words);
  expect(stderr).not.toContain("this is a bug");
});

it("a controller whose port is taken ends, and says how to choose another one", async () => {
  const site = await createSite();
  await site.writeConfig(eager({ mode: "off" }));
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  site.atEnd(async () => server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const { code, stderr } = await spawnController(site, "--metrics-listen", `127.0.0.1:${port}`).ended;
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("--metrics-listen") });
});
