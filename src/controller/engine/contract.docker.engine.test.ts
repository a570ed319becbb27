// The engine contract on the engine of this machine.
import Docker from "dockerode";
import { buildEgressImage } from "../fixtures/egress.fixture.ts";
import { describeEngine } from "./contract.fixture.ts";
import { openBench } from "./contract-bench.fixture.ts";
import { describeEgress } from "./contract-egress.fixture.ts";

describeEngine("a Docker engine", async () => openBench(new Docker(), process.env));
describeEgress("the egress of a Docker engine", async () => {
  await buildEgressImage();
  return openBench(new Docker(), process.env);
});
