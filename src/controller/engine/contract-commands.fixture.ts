// What every implementation of the engine port promises of commands that are given up: they end by their marks, whether they had begun or not.
// Beside contract.fixture.ts, which has the rest of the contract.
import { expect } from "vitest";
import type { Engine, ExecStream, Handle, Observation } from "./engine.ts";

export async function expectEndContract(engine: Engine, handle: Handle): Promise<void> {
  const start = async (mark: string): Promise<ExecStream> => {
    const stream = await engine.exec(handle, { argv: ["sleep", "60"], stdin: false, mark });
    stream.stdout.resume();
    stream.stderr.resume();
    return stream;
  };
  const [one, two, other] = await Promise.all(["markofone1", "markoftwo2", "markofthree"].map(start));
  await engine.endCommands(handle, ["markofone1", "markoftwo2", "markoffour"]);
  expect([await one?.exit, await two?.exit]).toEqual([137, 137]);
  expect(await engine.inUse(handle)).toBe("yes");
  expect(await (await start("markoffour")).exit).toBe(126);
  await other?.signal("TERM");
  expect(await other?.exit).toBe(143);
}

/** @param execs as an observation says them */
export async function expectUseContract(engine: Engine, handle: Handle, execs: () => Promise<Observation["execs"]>): Promise<void> {
  const start = async (isLook: boolean): Promise<ExecStream> => {
    const stream = await engine.exec(handle, { argv: ["sleep", "60"], stdin: false, ...(isLook && { isLook }) });
    stream.stdout.resume();
    stream.stderr.resume();
    return stream;
  };
  expect(await engine.inUse(handle)).toBe("no");
  const look = await start(true);
  expect(await engine.inUse(handle)).toBe("no");
  const use = await start(false);
  expect([await engine.inUse(handle), await execs()]).toEqual(["yes", "some"]);
  await use.signal("TERM");
  expect(await use.exit).toBe(143);
  await expect.poll(() => engine.inUse(handle)).toBe("no");
  await look.signal("TERM");
  expect(await look.exit).toBe(143);
  await use.signal("KILL");
}
