// What every implementation of the engine port promises of commands that are given up: they end by their marks, whether they had begun or not.
// Beside contract.fixture.ts, which has the rest of the contract.
import { expect } from "vitest";
import type { Engine, ExecStream, Handle } from "./engine.ts";

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
