// A controller that can't start ends, with words and an exit code, at whichever step it fails: a process that does nothing and still says
// that it lives is restarted by nobody.
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { spawnController } from "../fixtures/process.fixture.ts";
import { createSite, eager } from "../fixtures/site.fixture.ts";
import { expectRefusal, putFile, putFolder } from "../fixtures/spoil.fixture.ts";

it.each([
  { what: "its own folder", spoil: putFile, path: "controller", words: "something else is there" },
  { what: "the ledger", spoil: putFile, path: "controller/ledger", words: "ledger" },
  { what: "the statuses", spoil: putFile, path: "controller/status", words: "status" },
  { what: "the events", spoil: putFile, path: "controller/events", words: "events" },
  { what: "the lock", spoil: putFolder, path: "controller/lock.db", words: "cannot lock" },
  { what: "the sockets' folder", spoil: putFile, path: "run", words: "run" },
  { what: "the admin socket's folder", spoil: putFile, path: "run/admin", words: "admin" },
  { what: "the stream socket", spoil: putFolder, path: "run/stream.sock/full", words: "stream.sock" },
])("a controller that can't use $what ends, and says what is wrong", async ({ spoil, path, words }) => {
  const site = await createSite();
  await site.writeConfig(eager({ mode: "off" }));
  await spoil(join(site.stateDir, path));
  expectRefusal(await spawnController(site).ended, words);
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
