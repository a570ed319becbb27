// When a first start builds the image of sandboxes, over a docker command that answers as told.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OperationError } from "../api/errors.ts";
import { createFolder } from "../api/store/folder.fixture.ts";
import type { CliContext } from "./context.ts";
import { buildFirstImage } from "./first-image.ts";

const SANDBOXED = `{ agents: { defaults: { sandbox: { mode: "all" } } } }`;

async function play(config: string, images: string | null, fails = false): Promise<{ ran: string[]; said: string }> {
  const stateDir = await createFolder();
  await writeFile(join(stateDir, "openclaw.json"), config, { mode: 0o600 });
  const [ran, said]: [string[], string[]] = [[], []];
  const context = {
    ...{ env: {}, program: "openclaw", home: stateDir, cwd: stateDir },
    stderr: { write: (text: string) => void said.push(text) },
    onSignal: () => () => undefined,
  } as unknown as CliContext;
  const runScript = async (name: string): Promise<void> => {
    ran.push(name);
    if (fails) throw new OperationError("EngineUnreachable", "scripts/sandbox-setup.sh failed with exit code 1");
  };
  await buildFirstImage(context, { stateDir }, { docker: async () => images, runScript });
  return { ran, said: said.join("") };
}

test("it is built once, where an agent's tools are to run in it and it is not there", async () => {
  expect(await play(SANDBOXED, "")).toEqual({
    ran: ["sandbox-setup.sh"],
    said: "openclaw: the image openclaw-sandbox:bookworm-slim is built first: once, a minute or two\n",
  });
  expect(await play(SANDBOXED, "9afcab64f482")).toEqual({ ran: [], said: "" });
});

test.each([
  ["no engine answers, or there is no docker command", SANDBOXED, null],
  ["no agent is sandboxed", `{ agents: { defaults: { sandbox: { mode: "off" } } } }`, ""],
  ["another image is asked for", `{ agents: { defaults: { sandbox: { mode: "all", docker: { image: "mine:1" } } } } }`, ""],
  ["the config is not valid", "{ agents: [", ""],
])("nothing is built where %s", async (_, config, images) => {
  expect(await play(config, images)).toEqual({ ran: [], said: "" });
});

test("a start goes on where it can't be built, and says how", async () => {
  const { said } = await play(SANDBOXED, "", true);
  expect(said).toContain("scripts/sandbox-setup.sh failed with exit code 1; sandboxes wait for it\n  scripts/sandbox-setup.sh builds it\n");
});
