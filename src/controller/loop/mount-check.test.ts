// What a container has mounted is what was judged, or nobody uses it: on the model of an engine, which looks sources up at each start as a
// real one does, with files that are real. That a real engine's numbers say the same is docker.engine.test.ts's to show.
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, eventsOf } from "../fixtures/site.fixture.ts";

let folder = "";
let source = "";
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "openclaw-mounts-")));
  source = join(folder, "source");
  for (const name of ["source", "host", "host/.ssh"]) mkdirSync(join(folder, name));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const unreachable = (): OperationError => new OperationError("EngineUnreachable", "the engine does not answer");

const bound = (docker: object = {}): object =>
  eager({ docker: { dangerouslyAllowExternalBindSources: true, binds: [`${source}:/data`], ...docker } });

const looks = ({ world }: Model): string[] => world.calls.filter((call) => call.startsWith("identify"));
/** Those that concern the sandbox, without the one that finds out whether numbers can be compared. */
const looksAtData = (model: Model): string[] => looks(model).filter((call) => call.includes("/data"));

/** Somebody puts a symlink in the source's place for just the moment at which the engine looks. */
function swapDuringStarts({ world }: Model, target: string): void {
  const aside = join(folder, "aside");
  world.duringStart = {
    before: () => {
      renameSync(source, aside);
      symlinkSync(target, source);
    },
    after: () => {
      rmSync(source);
      renameSync(aside, source);
    },
  };
}

function endSwapping({ world }: Model): void {
  world.duringStart = { before: () => undefined, after: () => undefined };
}

describe("a bind", () => {
  it("is looked at by the image's own programs before its sandbox serves, once", async () => {
    const model = await startModel(bound());
    await model.converge();
    const { id } = model.mustServe();
    expect(looksAtData(model)).toEqual(["identify image /data"]);
    await model.advance(600_000, 60_000);
    expect(looksAtData(model)).toHaveLength(1);
    expect(model.mustServe().id).toBe(id);
    using lease = await model.controller.access.lease(model.name);
    expect(lease.handle.id).toBe(id);
  });

  it("that was swapped for the moment of the start is never used: its container goes, and it is an event", async () => {
    const model = await startModel(eager());
    await model.converge();
    swapDuringStarts(model, join(folder, "host", ".ssh"));
    const before = model.mustServe().id;
    await model.edit(bound({ env: { NEW: "1" } }));
    await model.until("the swap is told", () => eventsOf(model.controller, "MountsRefused").length > 0);
    expect(eventsOf(model.controller, "MountsRefused")[0]?.message).toMatch(/the mount at \/data may not be .*: inside it is file/);
    await model.settle();
    expect(model.containers().map(({ id }) => id)).toEqual([before]);
    endSwapping(model);
    await model.until("another one serves", () => (model.serving()?.id ?? before) !== before);
    await model.converge();
  });

  it("that leads to the host by the time of a start by hand is judged as what it is now, and costs the container", async () => {
    const model = await startModel(bound());
    await model.converge();
    const { id } = model.mustServe();
    rmSync(source, { recursive: true });
    symlinkSync(join(folder, "host", ".ssh"), source);
    model.world.die(id);
    model.world.start(id);
    await model.until("it is gone", () => model.containers().length === 0);
    expect(eventsOf(model.controller, "MountsRefused")[0]?.message).toContain(".ssh holds credentials");
    await expect(model.controller.access.lease(model.name)).rejects.toMatchObject({ code: "NotReady" });
    expect(model.condition("Ready")).toMatchObject({ status: "False", reason: "HostRejected" });
  });

  it("is looked at again after a start by hand, from beside, and nobody is let in before", async () => {
    const model = await startModel(bound());
    await model.converge();
    const { id } = model.mustServe();
    model.world.failCall("identify", 1, unreachable());
    model.world.die(id);
    model.world.start(id);
    await model.until("the look failed", () => looksAtData(model).length === 2);
    let isIn = false;
    const leasing = model.controller.access.lease(model.name).finally(() => {
      isIn = true;
    });
    await model.settle();
    expect([isIn, looksAtData(model).length]).toEqual([false, 2]);
    await model.converge();
    expect(looksAtData(model).slice(1)).toEqual(["identify beside /data", "identify beside /data"]);
    expect(model.mustServe().id).toBe(id);
    using lease = await leasing;
    expect(lease.handle).toMatchObject({ id, incarnation: (await model.engine.observe(model.name))[0]?.handle.incarnation });
  });

  it("that was swapped during a restart costs the container, whoever uses it", async () => {
    const model = await startModel(bound());
    await model.converge();
    const { id } = model.mustServe();
    swapDuringStarts(model, join(folder, "host"));
    model.world.die(id);
    await model.until("it is gone", () => model.containers().every((one) => one.id !== id));
    expect(eventsOf(model.controller, "MountsRefused")).toHaveLength(1);
    endSwapping(model);
    await model.converge();
  });

  it("is looked at from beside where the root, a variable or another mount may be in between", async () => {
    for (const docker of [{ readOnlyRoot: false }, { env: { LD_PRELOAD: "/workspace/x.so" } }, { env: { PATH: "/workspace/bin" } }]) {
      const model = await startModel(bound(docker));
      await model.converge();
      expect(looksAtData(model)).toEqual(["identify beside /data"]);
    }
    const over = await startModel(bound({ binds: [`${source}:/usr/local/data`] }));
    await over.converge();
    expect(looks(over).slice(1)).toEqual(["identify beside /usr/local/data"]);
  });

  it("is looked at again by a controller that was started anew, for a crash may have come in between", async () => {
    const model = await startModel(bound());
    await model.converge();
    const { id } = model.mustServe();
    await model.stop();
    await model.start();
    await model.converge();
    expect(looksAtData(model)).toEqual(["identify image /data", "identify beside /data"]);
    expect(model.mustServe().id).toBe(id);
  });

  it("that is swapped again and again is tried ever more seldom", async () => {
    const model = await startModel(eager());
    await model.converge();
    swapDuringStarts(model, join(folder, "host"));
    await model.edit(bound({ env: { NEW: "1" } }));
    await model.advance(600_000, 1_000);
    const count = eventsOf(model.controller, "MountsRefused").reduce((sum, event) => sum + event.count, 0);
    expect(count).toBeGreaterThanOrEqual(4);
    expect(count).toBeLessThanOrEqual(8);
  });
});

describe("where the engine's kernel has other numbers, or the image no program that tells them", () => {
  it.each(["other-kernel", "no-program"] as const)("a file of ours is looked for inside (%s), and is gone afterwards", async (files) => {
    const model = await startModel(eager());
    model.world.files = files;
    await model.edit(bound());
    await model.converge();
    expect(looksAtData(model).filter((call) => call.includes("/data/.openclaw-look-"))).toHaveLength(1);
    expect(readdirSync(source)).toEqual([]);
    swapDuringStarts(model, join(folder, "host"));
    await model.edit(bound({ env: { NEW: "1" } }));
    await model.until("the swap is told", () => eventsOf(model.controller, "MountsRefused").length > 0);
    expect(eventsOf(model.controller, "MountsRefused")[0]?.message).toContain("a file created there is not visible inside");
  });

  it("a container that was started again is replaced by one that can show what it mounts", async () => {
    const model = await startModel(eager());
    model.world.files = "other-kernel";
    await model.edit(bound());
    await model.converge();
    const { id } = model.mustServe();
    model.world.die(id);
    await model.until("another one serves", () => model.serving() !== null && model.serving()?.id !== id, 5_000);
    expect(eventsOf(model.controller, "MountsRefused")).toEqual([]);
  });

  it("what can't show a file of ours is refused while a sandbox's user may write to a folder above it", async () => {
    const model = await startModel(eager());
    model.world.files = "other-kernel";
    // No program of the image is believed with this variable, and nothing beside it sees more than it.
    await model.edit(bound({ env: { LD_PRELOAD: "x" } }));
    await model.until("it is refused", () => eventsOf(model.controller, "MountsRefused").length > 0);
    expect(eventsOf(model.controller, "MountsRefused")[0]?.message).toContain("a sandbox's user may write to a folder above it");
  });
});

describe("a workspace", () => {
  it("in the state folder costs no look", async () => {
    const model = await startModel(eager({ workspaceAccess: "ro" }));
    await model.converge();
    expect(looks(model)).toEqual([]);
  });

  it("elsewhere, and an agent's that is shown, are looked at as a bind is", async () => {
    const agents = {
      defaults: {
        workspace: join(folder, "agent"),
        sandbox: { mode: "all", start: "eager", workspaceAccess: "ro", workspaceRoot: join(folder, "boxes") },
      },
    };
    const model = await startModel({ agents });
    await model.converge();
    expect(looks(model).slice(1)).toEqual(["identify image /workspace /agent"]);
  });
});
