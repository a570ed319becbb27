// What becomes of calls that come between two containers, on a clock that moves when it is told to.
import { describe, expect, it } from "vitest";
import { renderTime } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { NotBegun } from "../engine/engine.ts";
import { type Model, startModel } from "../fixtures/model.fixture.ts";
import { eager, onDemand } from "../fixtures/site.fixture.ts";
import type { Lease } from "./sandbox-access.ts";

const MINUTE_MS = 60_000;

async function startConverged(config: object = eager({ rollout: { hotWindow: "0s" } })): Promise<Model> {
  const model = await startModel(config);
  await model.converge();
  return model;
}

/** A call as the servers make it. Told when it is over. */
function call(model: Model, signal?: AbortSignal) {
  const { access } = model.controller;
  const ran: string[] = [];
  const run = async (): Promise<void> => {
    let lease: Lease = await access.lease(model.name, signal);
    for (;;) {
      using held = lease;
      try {
        const stream = await access.commands.exec(held.handle, { argv: ["true"], stdin: false });
        ran.push(held.handle.id);
        await stream.exit;
        return;
      } catch (error) {
        if (!(error instanceof NotBegun && error.isPassing)) throw error;
      }
      lease = await held.next(signal);
    }
  };
  const made = { ran, end: null as string | null };
  run().then(
    () => {
      made.end = "OK";
    },
    (error: unknown) => {
      made.end = error instanceof OperationError ? `${error.code}: ${error.message}` : String(error);
    },
  );
  return made;
}

describe("calls that come right after a container", () => {
  const mishaps: Readonly<Record<string, (model: Model) => void>> = {
    "was removed": (model) => model.world.remove(model.mustServe().id),
    crashed: (model) => model.world.die(model.mustServe().id),
    "was paused": (model) => model.world.pause(model.mustServe().id),
  };

  it.each(Object.keys(mishaps))("%s are all answered by the one that serves next, whatever was noticed by then", async (mishap) => {
    for (const isNoticed of [true, false]) {
      const model = await startConverged();
      if (!isNoticed) model.world.dropHints(Number.POSITIVE_INFINITY);
      mishaps[mishap]?.(model);
      const calls = Array.from({ length: 20 }, () => call(model));
      await model.until("all are over", () => calls.every(({ end }) => end !== null), 5 * MINUTE_MS);
      expect(calls.map(({ end }) => end)).toEqual(calls.map(() => "OK"));
      const { id } = model.mustServe();
      expect(calls.map(({ ran }) => ran)).toEqual(calls.map(() => [id]));
      await model.stop();
    }
  });

  it("is replaced at a person's request are answered by the new one", async () => {
    const model = await startConverged();
    const { id } = model.mustServe();
    await model.request(model.name, { recreateAfter: renderTime(model.clock.now()), kill: false });
    const calls: ReturnType<typeof call>[] = [];
    await model.until("it is replaced", () => {
      calls.push(call(model));
      return model.serving() !== null && model.serving()?.id !== id;
    });
    calls.push(call(model));
    await model.until("all are over", () => calls.every(({ end }) => end !== null));
    expect(new Set(calls.map(({ end }) => end))).toEqual(new Set(["OK"]));
    expect(calls.at(-1)?.ran).toEqual([model.mustServe().id]);
    expect(calls.every(({ ran }) => ran.length === 1)).toBe(true);
  });
});

describe("a call while the engine does not answer", () => {
  const away = new OperationError("EngineUnreachable", "the engine is away");

  /** Every call of the engine fails until the result is called. */
  function cut(model: Model): () => void {
    for (let nth = 1; nth <= 2_000; nth += 1) model.world.failCall("any", nth, away);
    return () => model.world.clearFaults();
  }

  it("waits for an engine that is back within a minute", async () => {
    const model = await startConverged();
    const mend = cut(model);
    const waiting = call(model);
    await model.advance(30_000, 1_000);
    expect(waiting.end).toBe(null);
    mend();
    await model.until("it is over", () => waiting.end !== null);
    expect(waiting).toMatchObject({ end: "OK", ran: [model.mustServe().id] });
  });

  it("is told so when that takes longer", async () => {
    const model = await startConverged();
    cut(model);
    const waiting = call(model);
    await model.until("it is over", () => waiting.end !== null, 3 * MINUTE_MS);
    expect(waiting).toMatchObject({ end: expect.stringContaining("the engine is away"), ran: [] });
  });
});

describe("a call for a sandbox that will not be there", () => {
  it("is told why at once: its image is missing", async () => {
    const model = await startConverged();
    model.world.images.clear();
    model.world.remove(model.mustServe().id);
    await model.until("it is known", () => model.condition("Ready")?.reason === "ImageMissing");
    await expect(model.controller.access.lease(model.name)).rejects.toMatchObject({ code: "NotReady" });
  });

  it("is told so at once: nobody knows it, or it was pruned", async () => {
    const model = await startModel(onDemand());
    await expect(model.controller.access.lease(model.name)).rejects.toMatchObject({ code: "NotFound" });
  });

  it("waits for a setup no longer than its caller does, and is told when that fails", async () => {
    const model = await startModel(eager({ docker: { setupCommand: "sleep 600; false" } }));
    const caller = new AbortController();
    const [left, patient] = [call(model, caller.signal), call(model)];
    await model.advance(5 * MINUTE_MS, 10_000);
    expect([left.end, patient.end]).toEqual([null, null]);
    caller.abort();
    await model.until("the one that was left is over", () => left.end !== null, 0);
    expect(left.end).toMatch(/^NotReady: /);
    await model.until("the setup fails", () => patient.end !== null, 10 * MINUTE_MS);
    expect(patient).toMatchObject({ end: expect.stringContaining("exit code 1"), ran: [] });
  });
});
