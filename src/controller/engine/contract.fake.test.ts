// The engine contract on the model: what the loop's fast tests rely on. What the model alone can do is in fake.test.ts.
import { createSystemClock } from "../../api/clock.ts";
import { EGRESS_IMAGE } from "../decide/egress-facts.ts";
import { type Bench, describeEngine } from "./contract.fixture.ts";
import { describeEgress } from "./contract-egress.fixture.ts";
import { FakeEngine } from "./fake.fixture.ts";
import { FakeWorld } from "./fake-world.fixture.ts";

const IMAGE = "openclaw-sandbox:bookworm-slim";

const open = async (): Promise<Bench> => {
  const world = new FakeWorld(createSystemClock());
  world.tag(IMAGE, `sha256:${"1".repeat(64)}`);
  world.tag(EGRESS_IMAGE, `sha256:${"2".repeat(64)}`);
  return {
    engineOf: async (instance) => new FakeEngine(world, instance),
    image: IMAGE,
    people: {
      kill: async ({ id }) => world.die(id),
      pause: async ({ id }) => world.pause(id),
      rename: async ({ id }, name) => world.rename(id, name),
      limit: async ({ id }, live) => world.limit(id, live),
      remove: async ({ id }) => world.remove(id),
    },
    close: async () => {},
  };
};

describeEngine("the model of an engine", open);
describeEgress("the egress of the model of an engine", open);
