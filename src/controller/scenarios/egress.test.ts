// The egress of a whole controller over the model of an engine: made, edited live, healed after each fault and each pair of them, never open, and gone
// without a trace. That bytes pass, and that nothing else does, is egress.engine.test.ts's.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { EGRESS_IMAGE } from "../decide/egress-facts.ts";
import type { FakeContainer } from "../engine/fake-world.fixture.ts";
import { createModel, type Model } from "../fixtures/model.fixture.ts";

const IMAGE_ID = `sha256:${"e".repeat(64)}`;

let model: Model;
afterEach(async () => await model.stop());

const configOf = (egress: object | null | undefined, docker: object = {}): object => ({
  agents: { defaults: { sandbox: { mode: "all", start: "eager", rollout: { hotWindow: "0s" }, egress, docker } } },
});

/** A controller beside this config, with the image of the egress or without. */
async function start(egress: object | null | undefined, hasImage = true): Promise<void> {
  model = await createModel();
  if (hasImage) model.world.tag(EGRESS_IMAGE, IMAGE_ID);
  await model.site.writeConfig(configOf(egress));
  await model.start();
}

const all = (role: "proxy" | "relay"): FakeContainer[] =>
  [...model.world.containers.values()].filter(({ labels }) => labels[LABEL.egress] === role);
const the = (role: "proxy" | "relay"): FakeContainer => {
  const [one, ...others] = all(role);
  if (one === undefined || others.length > 0) throw new Error(`${1 + others.length} of role ${role}`);
  return one;
};
const listInForce = () => model.engine.egress.listOf(model.name);

async function untilInForce(allow: readonly string[]): Promise<void> {
  await model.until("the list is in force", () => {
    return model.condition("Egress")?.status === "True" && listInForce()?.allow.join() === allow.join();
  });
}

describe("a list in the config", () => {
  test("makes a proxy, a relay in the network of the sandbox, and a condition", async () => {
    await start({ allow: ["example.com"] });
    await untilInForce(["example.com"]);
    expect(the("relay").created.network).toBe(`container:${model.mustServe().id}`);
    expect(Number.parseInt(the("relay").created.user, 10)).toBeGreaterThan(65_535);
    expect(model.mustServe().created.network).toBe("none");
    expect(model.condition("Ready")).toMatchObject({ status: "True" });
    expect(model.controller.sweep.leaks).toBe(0);
  });

  test("that is edited is in force without a new container", async () => {
    await start({ allow: ["example.com"] });
    await untilInForce(["example.com"]);
    const before = [model.mustServe().id, the("relay").id, the("proxy").id];
    await model.edit(configOf({ allow: ["example.com", "example.net"] }));
    await untilInForce(["example.com", "example.net"]);
    expect([model.mustServe().id, the("relay").id, the("proxy").id]).toEqual(before);
    expect(await model.metric("openclaw_egress_apply_seconds_count")).toBeGreaterThan(0);
  });

  test("that is taken away takes everything with it", async () => {
    await start({ allow: ["example.com"] });
    await untilInForce(["example.com"]);
    await model.edit(configOf(undefined));
    await model.until("nothing of it is left", () => all("proxy").length + all("relay").length === 0);
    await model.converge();
    expect(model.condition("Egress")).toBeNull();
    await model.until("its volume and network are gone", () => model.world.objects.length === 0);
  });

  test("without an image leaves the sandbox at work with its network closed, and says how to build it; then it heals", async () => {
    await start({ allow: ["example.com"] }, false);
    await model.until("ready", () => model.condition("Ready")?.status === "True");
    expect(model.condition("Egress")).toMatchObject({ status: "False", reason: "EgressUnavailable" });
    expect(model.condition("Egress")?.message).toContain("build it with scripts/sandbox-egress-setup.sh");
    expect(all("proxy")).toEqual([]);
    model.world.tag(EGRESS_IMAGE, IMAGE_ID);
    await untilInForce(["example.com"]);
  });
});

test("without a list nothing of the egress is made", async () => {
  await start(undefined);
  await model.converge();
  await model.advance(600_000, 5_000);
  expect(model.world.calls.filter((call) => /^egress (?!containers|relays)/.test(call))).toEqual([]);
  expect(model.world.objects).toEqual([]);
});

function every(containers: readonly FakeContainer[], fate: (id: FakeContainer["id"]) => void): void {
  for (const { id } of containers) fate(id);
}

/** What happens to the parts, each by itself and in pairs; all of them heal by themselves. */
const FAULTS: Readonly<Record<string, () => void>> = {
  "the relay is killed": () => every(all("relay"), (id) => model.world.die(id)),
  "the relay is removed": () => every(all("relay"), (id) => model.world.remove(id)),
  "the relay is paused": () => every(all("relay"), (id) => model.world.pause(id)),
  "the proxy is killed": () => every(all("proxy"), (id) => model.world.die(id)),
  "the proxy is removed": () => every(all("proxy"), (id) => model.world.remove(id)),
  "the proxy is paused": () => every(all("proxy"), (id) => model.world.pause(id)),
  "the proxy is put into another network": () => every(all("proxy"), (id) => model.world.connect(id, "bridge")),
  "the relay's limits are changed": () => every(all("relay"), (id) => model.world.limit(id, { memory: 16 * 2 ** 20 })),
  "the relay is told to restart by itself": () => every(all("relay"), (id) => model.world.tune(id, { restartPolicy: "always" })),
  "the relay is renamed": () => every(all("relay"), (id) => model.world.rename(id, `${model.name}-mine`)),
  "the proxy's limits are changed": () => every(all("proxy"), (id) => model.world.limit(id, { pidsLimit: 1 })),
  "the sandbox is killed": () => every(model.containers(), (id) => model.world.die(id)),
  "the sandbox is removed": () => every(model.containers(), (id) => model.world.remove(id)),
  "an engine call of it fails": () => model.world.failCall("egress", 2, new OperationError("EngineFailed", "no space left on device")),
  "an answer of it is lost": () => model.world.failCall("egress", 2, new OperationError("EngineTimeout", "no answer"), "after"),
};
const PAIRS = Object.keys(FAULTS).flatMap((first, at) =>
  Object.keys(FAULTS)
    .slice(at)
    .map((second) => [first, second] as const),
);

test.each(PAIRS)("after %s and %s the list is in force again, and nothing is left over", async (first, second) => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  FAULTS[first]?.();
  await model.advance(300, 100);
  FAULTS[second]?.();
  await model.advance(1_000, 100);
  await untilInForce(["example.com"]);
  await model.converge();
  expect(all("relay").filter(({ state }) => state === "running")).toHaveLength(1);
  expect(the("relay").created.network).toBe(`container:${model.mustServe().id}`);
  for (const { changes } of await model.engine.egress.containers()) expect(changes).toEqual([]);
  await model.advance(180_000, 5_000);
  expect(model.controller.sweep.leaks).toBe(0);
  expect([all("proxy").length, all("relay").length]).toEqual([1, 1]);
});

test("a frozen proxy is replaced, and until then the sandbox is closed and says so", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const frozen = the("proxy").id;
  model.engine.egress.isFrozen = true;
  model.pace = { lookEachMs: 5_000, passMsMax: 20 };
  await model.until("it is gone", () => all("proxy").every(({ id }) => id !== frozen), 60_000);
  expect(model.condition("Egress")?.status).toBe("False");
  model.engine.egress.isFrozen = false;
  await untilInForce(["example.com"]);
});

test("a relay that stands still is replaced, and the sandbox says that its network was closed", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const { id, labels } = the("relay");
  model.engine.egress.silent.add(labels[LABEL.uid] ?? "");
  await model.until("another one is there", () => all("relay").some((relay) => relay.id !== id));
  await untilInForce(["example.com"]);
  await model.converge();
  expect(all("relay")).toHaveLength(1);
  const said = model.controller.events.list().filter(({ reason }) => reason === "EgressUnavailable");
  expect(said.map(({ message }) => message)).toContainEqual("the network is closed: its relay does not work: it gives no sign of life");
});

test("a relay that stood still before it ever showed a sign of life is replaced, too", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const { id, labels } = the("relay");
  model.engine.egress.unheard.add(labels[LABEL.uid] ?? "");
  await model.until("another one is there", () => all("relay").some((relay) => relay.id !== id));
  await untilInForce(["example.com"]);
  const said = model.controller.events.list().filter(({ reason }) => reason === "EgressUnavailable");
  expect(said.map(({ message }) => message)).toContainEqual("the network is closed: its relay does not work: it gives no sign of life");
});

test.each(["relay", "proxy"] as const)(
  "a %s that was made anew by hand, with a folder of the host, gives way to one as it should be",
  async (role) => {
    await start({ allow: ["example.com"] });
    await untilInForce(["example.com"]);
    const copy = model.engine.egress.remake(the(role).id, { mounts: [{ Type: "bind", Destination: "/host", RW: true }] });
    await model.until("it is gone", () => all(role).every(({ id }) => id !== copy));
    await untilInForce(["example.com"]);
    await model.converge();
    expect([all("proxy").length, all("relay").length]).toEqual([1, 1]);
    await model.advance(180_000, 5_000);
    expect(model.controller.sweep.leaks).toBe(0);
  },
);

test("a relay that keeps ending harms its own sandbox alone: it is tried ever later, and the sandbox goes on", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  for (let ends = 0; ends < 5; ends += 1) {
    await model.until("there is one", () => all("relay").some(({ state }) => state === "running"), 60_000);
    model.world.die(the("relay").id, 1);
    await model.settle();
  }
  expect(model.condition("Egress")).toMatchObject({ status: "False", reason: "EgressUnavailable" });
  expect(model.condition("Ready")).toMatchObject({ status: "True" });
  await model.advance(600_000, 5_000);
  await untilInForce(["example.com"]);
});

test("a controller that is killed and started again adopts what is there, and ends no connection", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const before = [the("relay").id, the("proxy").id];
  await model.stop();
  await model.start();
  await untilInForce(["example.com"]);
  expect([the("relay").id, the("proxy").id]).toEqual(before);
});

test("what is left when the list was taken away meanwhile goes after the start", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  await model.stop();
  await model.site.writeConfig(configOf(undefined));
  await model.start();
  await model.until("nothing of it is left", () => all("proxy").length + all("relay").length === 0);
});

test("a new image is rolled out: the proxy once no connection is open, the relay once its sandbox is idle", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  model.engine.egress.tunnels = 1;
  const before = the("proxy").id;
  model.world.tag(EGRESS_IMAGE, `sha256:${"f".repeat(64)}`);
  await model.advance(120_000, 5_000);
  expect(the("proxy").id).toBe(before);
  expect(the("relay").imageId).toBe(`sha256:${"f".repeat(64)}`);
  model.engine.egress.tunnels = 0;
  await model.until("it was replaced", () => all("proxy").length === 1 && the("proxy").id !== before);
  await untilInForce(["example.com"]);
});

test("a proxy that was taken over makes no file by the name of a sandbox that is not there, and none outside the folder", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const decision = { kind: "decision", time: 1, id: "r", generation: 1, method: "CONNECT", host: "a", port: 443 } as const;
  const refused = { verdict: "refused", reason: "NotListed", message: "" } as const;
  for (const [at, sandbox] of ["../../openclaw", "/tmp/x", "openclaw-sbx-nobody"].entries())
    model.engine.egress.records.push({ ...decision, ...refused, seq: at + 1, sandbox });
  await model.stop();
  await model.start();
  await model.until("they are counted", async () => (await model.metric('openclaw_egress_decisions_total{reason="NotListed"}')) === 3);
  await model.controller.egressLog.flush();
  const files = await readdir(join(model.site.stateDir, "controller", "egress-logs"));
  expect(files.filter((file) => file.endsWith(".ndjson"))).toEqual([]);
});

test("decisions are counted by reason, and kept for the sandbox over a restart, each once", async () => {
  await start({ allow: ["example.com"] });
  await untilInForce(["example.com"]);
  const decision = { kind: "decision", time: 1, id: "r", sandbox: model.name, generation: 1, method: "CONNECT", port: 443 } as const;
  model.engine.egress.records.push(
    {
      ...decision,
      seq: 1,
      host: "example.com",
      verdict: "allowed",
      reason: "Allowed",
      rule: { list: "allow", index: 0, text: "example.com" },
      message: "",
    },
    { ...decision, seq: 2, host: "example.org", verdict: "refused", reason: "NotListed", message: "no rule allows example.org" },
  );
  await model.stop();
  await model.start();
  await model.until("they are heard", async () => (await model.metric('openclaw_egress_decisions_total{reason="NotListed"}')) === 1);
  await model.stop();
  await model.start();
  await untilInForce(["example.com"]);
  const { items } = await model.controller.egressLog.view(model.name, 10);
  expect(items.map((line) => "host" in line && line.host)).toEqual(["example.com", "example.org"]);
});
