// What is taken for a change by hand, over an engine that shows options in words of its own. That a real one's changes are seen is the contract's.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import Docker from "dockerode";
import { expect, onTestFinished, test } from "vitest";
import { toEpochMs, toInstanceId, toSandboxUid } from "../../api/brands.ts";
import { makeCall } from "./call.ts";
import { DockerClient } from "./docker-client.ts";
import { DockerEgress } from "./docker-egress.ts";
import { toInspected } from "./egress-inspected.fixture.ts";

const ID = "c".repeat(64);

/** An engine with one container at most, which it shows with these options in place of those that it was asked for. */
async function openEngine(shown: Record<string, unknown>): Promise<DockerEgress> {
  const folder = await mkdtemp(join(tmpdir(), "openclaw-engine-"));
  let created: Docker.ContainerCreateOptions = {};
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://engine");
    response.setHeader("Content-Type", "application/json");
    if (url.pathname === "/containers/create") {
      created = { ...((await json(request)) as object), name: url.searchParams.get("name") ?? "" };
      response.writeHead(201).end(JSON.stringify({ Id: ID, Warnings: [] }));
    } else if (url.pathname === "/containers/json") {
      response.end(JSON.stringify([{ Id: ID, Names: [`/${created.name}`], State: "running", Labels: created.Labels, ImageID: "i" }]));
    } else {
      const state = { Status: "running", StartedAt: "2026-01-01T00:00:00Z", ExitCode: 0 };
      response.end(JSON.stringify({ Id: ID, Image: "sha256:1", State: state, ...toInspected(created, { host: shown }) }));
    }
  });
  const socketPath = join(folder, "engine.sock");
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const call = makeCall(
    () => undefined,
    () => performance.now(),
  );
  const client = new DockerClient(new Docker({ socketPath }), call);
  const image = "openclaw-egress:1";
  return new DockerEgress({ client, instance: toInstanceId("0123456789ab"), image, remapsUsers: () => false, ignoredLimits: () => [] });
}

test("an option that the engine shows otherwise of what it has just made is no change of it, and another one is", async () => {
  const shown: Record<string, unknown> = { CapDrop: ["CAP_CHOWN", "CAP_KILL"] };
  const egress = await openEngine(shown);
  await egress.create({ role: "proxy", uid: toSandboxUid(crypto.randomUUID()), createdAt: toEpochMs(1), image: egress.image });
  const changes = async (): Promise<readonly string[] | undefined> => (await egress.containers())[0]?.changes;
  expect(await changes()).toEqual([]);
  shown.NanoCpus = 1;
  expect(await changes()).toEqual(["NanoCpus is set: 1"]);
});
