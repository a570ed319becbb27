// What the engine's events save a command in an exec that waits, on a real engine: nobody asks how it ended, nor looks at its container before it.
// On a busy machine an event may be late, and is asked for then: what is saved is saved sooner or later, what is right is right each time.
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "./contract.fixture.ts";
import { docker, openDocker, shell } from "./docker.fixture.ts";
import type { ExecRequest, ExecStream, Handle, Hint } from "./engine.ts";
import type { EngineOperation } from "./operations.ts";

const bench = openDocker();

const toRequest = (script: string): ExecRequest => ({ argv: shell(script), stdin: false });

async function codeOf(stream: ExecStream): Promise<number> {
  const [code] = await Promise.all([stream.exit, text(stream.stdout), text(stream.stderr)]);
  return code;
}

/** A container after whose first command an exec waits, while the engine's events are heard. */
async function launch() {
  const { handle } = await bench.launch();
  const watched = new AbortController();
  onTestFinished(() => watched.abort());
  const hinted: string[] = [];
  const heard = Promise.withResolvers<void>();
  const hint = (each: Hint): void => void (each.kind === "name" && hinted.push(each.name));
  void bench.mustEngine().watch(hint, (isUp) => isUp && heard.resolve(), watched.signal);
  await heard.promise;
  const mark = crypto.randomUUID().replaceAll("-", "");
  expect(await codeOf(await bench.mustEngine().exec(handle, { ...toRequest("true"), mark }))).toBe(0);
  // Its begin and its end.
  await hintsOf(hinted, 2);
  return { handle, hinted };
}

const hintsOf = (hinted: readonly string[], count: number): Promise<number> =>
  eventually(
    () => hinted.length,
    (found) => found >= count,
  );

/** Of one that has waited for a while. */
async function claim(handle: Handle): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  const mark = await eventually(
    () => bench.mustEngine().claim(handle, toRequest("true")),
    (found) => found !== null,
  );
  return mark ?? "";
}

/** @returns the exit code, and what was asked of the engine meanwhile */
async function run(handle: Handle, script: string): Promise<{ code: number; begin: EngineOperation[]; end: EngineOperation[] }> {
  const mark = await claim(handle);
  bench.asked.length = 0;
  const stream = await bench.mustEngine().exec(handle, { ...toRequest(script), mark });
  const begin = bench.asked.splice(0);
  const code = await codeOf(stream);
  return { code, begin, end: bench.asked.splice(0) };
}

test("how a command ended is heard: nobody asks for it", async () => {
  const { handle } = await launch();
  for (const expected of [0, 3, 143]) {
    const heard = async (): Promise<EngineOperation[]> => {
      const { code, end } = await run(handle, `exit ${expected}`);
      expect(code).toBe(expected);
      return end;
    };
    await eventually(heard, (end) => !end.includes("exec-inspect"));
  }
});

test("an exec that waits, and the command in it, are nobody's reason to look; a person's exec is one", async () => {
  const { handle, hinted } = await launch();
  hinted.length = 0;
  expect((await run(handle, "exit 5")).code).toBe(5);
  expect((await run(handle, "exit 6")).code).toBe(6);
  // Events come in order: those of what ran before would be among the first.
  const exec = await docker.getContainer(handle.id).exec({ Cmd: shell("true"), AttachStdout: true });
  for await (const _ of await exec.start({}));
  await hintsOf(hinted, 2);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(hinted.length).toBe(2);
});

test("a container that nothing happened to is not looked at before a command, and one that was paused takes none", async () => {
  const { handle, hinted } = await launch();
  await eventually(
    async () => (await run(handle, "true")).begin,
    (begin) => !begin.includes("inspect"),
  );
  const mark = await claim(handle);
  const container = docker.getContainer(handle.id);
  hinted.length = 0;
  await container.pause();
  await hintsOf(hinted, 1);
  const refused = bench.mustEngine().exec(handle, { ...toRequest("exit 4"), mark });
  await expect(refused).rejects.toMatchObject({ code: "NotReady" });
  await container.unpause();
  const anew = crypto.randomUUID().replaceAll("-", "");
  expect(await codeOf(await bench.mustEngine().exec(handle, { ...toRequest("exit 4"), mark: anew }))).toBe(4);
});
