// Files of a session from outside: under which name a person's file arrives, and of which sessions there are any.
import { expect, test } from "vitest";
import { toEpochMs } from "../api/brands.ts";
import { mustParse } from "../api/config/fixture.ts";
import type { SandboxPort } from "./sandbox-port.ts";
import { SessionFiles, toMediaName } from "./session-files.ts";
import { makeFolder, makeHostPort, sessionOf } from "./tools/world.fixture.ts";

test("what a person sends gets a name that nothing had before, and that is one name and harmless", () => {
  const names = [
    "photo.jpg",
    "../../etc/passwd",
    "a b\n$(id).png",
    "C:\\\\x\\\\y.doc",
    "..",
    "",
    "-rf",
    ".bashrc",
    "Größe 1.pdf",
    `${"x".repeat(300)}.gz`,
    `${"写真".repeat(100)}.jpeg`,
    "Cafe\u0301 हिन्दी.txt",
  ];
  expect(names.map((name) => toMediaName(name, "ID"))).toEqual([
    "photo-ID.jpg",
    "passwd-ID",
    "a_b_id_-ID.png",
    "y-ID.doc",
    "file-ID",
    "file-ID",
    "rf-ID",
    "file-ID.bashrc",
    "Größe_1-ID.pdf",
    `${"x".repeat(120)}-ID.gz`,
    `${"写真".repeat(20)}-ID.jpeg`,
    "Café_हिन्दी-ID.txt",
  ]);
});

test("a session that has ended has no files any more, and nothing is woken for them", async () => {
  const woken: string[] = [];
  const sandbox: SandboxPort = makeHostPort(makeFolder());
  sandbox.ensureReady = async (key) => {
    woken.push(key);
    return null;
  };
  const files = new SessionFiles({
    ...{
      config: () => mustParse('{ agents: { defaults: { sandbox: { mode: "all" } } } }'),
      folders: { stateDir: "/state", home: "/home/x" },
    },
    ...{ sandbox, sessions: { touch: async () => undefined }, metrics: { toolCall: () => undefined }, newId: () => "0123456789abcdef" },
  });
  const session = sessionOf();
  const ended = { ...session, spec: { ...session.spec, endedAt: toEpochMs(1) } };
  const { signal } = new AbortController();
  const data = Buffer.from("x");
  for (const use of [files.read(ended, "a", signal), files.receive(ended, { name: "a", data }, signal)])
    await expect(use).rejects.toMatchObject({ code: "NotFound" });
  expect(woken).toEqual([]);
});
