// docker.setupCommand on a real engine whose answers get lost: it never runs twice in one container, and a container of which it is not certain that setup
// ran to its end never serves. The model of an engine fails in more ways, in controller.test.ts and timing.test.ts.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectDocker } from "../engine/connect.ts";
import { docker, until } from "../fixtures/docker.fixture.ts";
import { LossyProxy } from "../fixtures/proxy.fixture.ts";
import { createSite, eager, eventsOf } from "../fixtures/site.fixture.ts";

const AGENT = "agent:main";
/** The workspace outlives the containers: each setup leaves a line with its container's id there. */
const SETUP = "hostname >>/workspace/setups; echo begun; sleep 0.5; echo whole >>/tmp/setup";
/** A failed setup is tried again after 10 s. */
const TEST_MS_MAX = 90_000;

const LOSSES = [
  { lost: "the answer that creates its exec", pattern: /POST .*\/containers\/\w+\/exec/, again: true, isLong: true },
  { lost: "the answer that starts its exec", pattern: /POST .*\/exec\/\w+\/start/, again: true, isLong: true },
  { lost: "its stream, in the middle of its output", pattern: /POST .*\/exec\/\w+\/start/, what: "stream", again: true },
  // The loop asks too, to see whether the container is in use. The engine's event tells the code as well: mostly before it is asked for.
  { lost: "the answers that have its exit code", pattern: /GET .*\/exec\/\w+\/json/, times: 4, again: null },
  { lost: "the answer that starts its container", pattern: /POST .*\/containers\/\w+\/start/, again: true },
  { lost: "the answer that gives its container the final name", pattern: /POST .*\/containers\/\w+\/rename/, again: false },
] as const;

it.for(LOSSES)(
  "a setup that loses $lost runs once in each container, and to its end in the one that serves",
  { timeout: TEST_MS_MAX },
  async (loss, { skip }) => {
    skip("isLong" in loss && process.env.OPENCLAW_TEST_LONG !== "1", "it is much like the next: OPENCLAW_TEST_LONG=1 runs it");
    const proxy = await LossyProxy.open();
    const site = await createSite();
    await site.writeConfig(eager({ rollout: { hotWindow: "0s" }, docker: { setupCommand: SETUP } }));
    const environment = { ...process.env, DOCKER_HOST: proxy.address };
    const engine = await connectDocker({ instance: site.instance, environment, home: homedir(), observer: () => undefined });
    proxy.lose(loss.pattern, "what" in loss ? loss.what : "answer", "times" in loss ? loss.times : 1);
    const { controller } = await site.start({ engine });
    const serving = await until("it serves", async () => await site.serving(AGENT), TEST_MS_MAX / 2);
    expect(proxy.losses).toBeGreaterThan(0);
    await until("one is left", async () => (await site.containers()).join() === serving.Id);
    expect(await docker("exec", serving.Id, "cat", "/tmp/setup")).toBe("whole");
    const [folder = ""] = serving.Mounts.flatMap(({ Source, Destination }) =>
      Destination === "/workspace" && Source !== undefined ? [Source] : [],
    );
    const setups = (await readFile(join(folder, "setups"), "utf8")).trim().split("\n");
    expect(setups).toEqual([...new Set(setups)]);
    expect(setups).toContain(serving.Id.slice(0, 12));
    const made = eventsOf(controller, "Created").reduce((sum, { count }) => sum + count, 0);
    if (loss.again !== null) expect(made > 1).toBe(loss.again);
  },
);
