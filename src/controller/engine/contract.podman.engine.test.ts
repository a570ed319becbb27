// The engine contract on Podman, by its Docker API, where one answers. What differs there is in docs/operations.md.
import Docker from "dockerode";
import { describe, test } from "vitest";
import { EGRESS_IMAGE } from "../fixtures/egress.fixture.ts";
import { describeEngine } from "./contract.fixture.ts";
import { openBench } from "./contract-bench.fixture.ts";
import { describeEgress } from "./contract-egress.fixture.ts";
import type { Differences } from "./contract-tests.fixture.ts";

/** Of the system's service, unless a variable names another one. */
const SOCKET = process.env.OPENCLAW_TEST_PODMAN_SOCKET ?? "/run/podman/podman.sock";
const podman = new Docker({ socketPath: SOCKET });
const IMAGES = ["debian:bookworm-slim", EGRESS_IMAGE];

/** Why nothing can be tried. null: it can. */
async function obstacle(): Promise<string | null> {
  const answer = await podman.version().catch(() => null);
  if (answer === null) return `no Podman answers at ${SOCKET} (OPENCLAW_TEST_PODMAN_SOCKET)`;
  for (const image of IMAGES) {
    const found = await podman
      .getImage(image)
      .inspect()
      .catch(() => null);
    if (found === null) return `Podman has no image ${image}: docker save ${image} | podman load`;
  }
  return null;
}

const NO_UPDATE = "its API changes no limits";
const OF_ENGINE: Differences = {
  "a created container has its pending name, its identity and its spec, and does not run": "it shows options in words of its own",
  "starting runs it, soon at rest; starting again changes nothing, promoting gives it its final name": "it lists no command lines",
  "what cannot be made says why: no image, no such runtime, no such network": "it finds out at the start that there is no such runtime",
  "limits change while it runs, and what was asked for reads back equal": NO_UPDATE,
  "what people change by hand is seen: name and limits": NO_UPDATE,
  "hints name what changed, after a first relist": NO_UPDATE,
};
const OF_EGRESS: Differences = {
  "a relay is in the network of one run of a sandbox, and can't be started in one that does not run": "it starts that sandbox, too",
  "what somebody changed by hand is seen: a limit, a name; what nobody touched is as it was made": NO_UPDATE,
};

const because = await obstacle();
if (because === null) {
  const environment = { DOCKER_HOST: `unix://${SOCKET}` };
  describeEngine("Podman", async () => openBench(podman, environment), OF_ENGINE);
  describeEgress("the egress of Podman", async () => openBench(podman, environment), OF_EGRESS);
} else
  describe("Podman", () => {
    test("answers as the contract says", ({ skip }) => skip(because));
  });
