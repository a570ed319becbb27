// What every implementation of the engine port promises of looking at what a container has mounted: it is what the path meant at the start
// of this run, whatever it means now. Beside contract.fixture.ts, which has the rest of the contract.
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { InstanceId } from "../../api/brands.ts";
import type { Mount } from "../../api/sandbox.ts";
import { codeOf, identityOf, specOf } from "./contract.fixture.ts";
import type { Engine, Handle } from "./engine.ts";

const WAYS = ["image", "beside"] as const;

interface Bench {
  engine: Engine;
  instance: InstanceId;
  image: string;
  /** Ends its main process, and returns when it has ended. */
  end(handle: Handle): Promise<void>;
}

export async function expectIdentifyContract({ engine, instance, image, end }: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-identify-"));
  const identity = identityOf(instance);
  const mounts: Mount[] = [
    { kind: "bind", source: join(folder, "data"), target: "/data", readOnly: false },
    { kind: "bind", source: join(folder, "note"), target: "/note", readOnly: true },
    // By an absolute symlink of the image.
    { kind: "bind", source: join(folder, "linked"), target: "/var/run/linked", readOnly: true },
  ];
  const paths = [...mounts.map(({ target }) => target), "/data/inner", "/data/no-such"];
  const look = async (handle: Handle) => await Promise.all(WAYS.map(async (way) => await engine.identify(handle, paths, way)));
  const observe = async (): Promise<Handle> => {
    const [found] = await engine.observe(identity.name);
    if (found === undefined) throw new Error("it is not there");
    return found.handle;
  };
  try {
    for (const name of ["data", "linked", "other"]) await mkdir(join(folder, name, "inner"), { recursive: true });
    await writeFile(join(folder, "note"), "");
    const created = await engine.create(identity, specOf(image, { mounts }));
    await engine.act(created, identity, { kind: "start" });
    const first = await observe();
    const mounted = [...(await Promise.all(["data", "note", "linked", "data/inner"].map((name) => numbersOf(join(folder, name))))), null];
    expect(await look(first)).toEqual([mounted, mounted]);
    await rename(join(folder, "data"), join(folder, "away"));
    await rename(join(folder, "other"), join(folder, "data"));
    expect((await look(first)).map(([data]) => data)).toEqual([mounted[0], mounted[0]]);
    await end(first);
    expect(await Promise.all(WAYS.map((way) => codeOf(engine.identify(first, paths, way))))).toEqual(["StaleHandle", "StaleHandle"]);
    await engine.act(first, identity, { kind: "start" });
    const now = [await numbersOf(join(folder, "data")), ...mounted.slice(1, 3), await numbersOf(join(folder, "data", "inner")), null];
    expect(now[0]).not.toBe(mounted[0]);
    expect(await look(await observe())).toEqual([now, now]);
    expect(await engine.objects("probe")).toEqual([]);
  } finally {
    for (const { handle } of await engine.observe(identity.name)) await engine.act(handle, identity, { kind: "retire" });
    await rm(folder, { recursive: true, force: true });
  }
}

async function numbersOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}
