// Commands that go on in the background, followed for a while: what the answer says of one that ended meanwhile.
// What such processes are is api/processes/; the tools that look after them are tried in dispatch.test.ts.
import { expect, it, vi } from "vitest";
import { toSessionKey } from "../../api/brands.ts";
import type { SandboxProcess } from "../../api/wire.ts";
import { makeFolder, makeHostPort, makeWorld, type World } from "./world.fixture.ts";

const KEY = toSessionKey("agent:main:main");

/** Where each command has ended before anybody looks at it. */
function makeQuickWorld(): World {
  const port = makeHostPort(makeFolder());
  const { start, list } = port.processes;
  port.processes.start = async (key, request) => {
    const { id } = await start(key, request);
    const find = async (): Promise<SandboxProcess | undefined> => (await list(KEY)).find((process) => process.id === id);
    return await vi.waitFor(
      async () => {
        const process = await find();
        if (process?.state !== "exited") throw new Error(`process ${id} runs`);
        return process;
      },
      { timeout: 10_000 },
    );
  };
  return makeWorld(undefined, { port });
}

it("has its output, also when it ended before anybody looked", async () => {
  const { say } = makeQuickWorld();
  expect(await say("exec", { command: "echo done", background: true })).toBe("done\n");
  expect(await say("exec", { command: "echo failed; exit 3", background: true })).toBe("failed\n(exit code 3)");
});

it("says where the rest is, when there is more than one look shows", async () => {
  const { say } = makeQuickWorld();
  const text = await say("exec", { command: "head -c 100000 /dev/zero | tr '\\0' x", background: true });
  expect(text).toMatch(/^x{65536}\n\(more output of process t\w+ from offset 65536\)$/);
});
