// The engine contract on the engine of this machine.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import Docker from "dockerode";
import { describeEngine } from "./contract.fixture.ts";
import { openBench } from "./contract-bench.fixture.ts";
import { describeEgress } from "./contract-egress.fixture.ts";

describeEngine("a Docker engine", async () => openBench(new Docker(), process.env));
describeEgress("the egress of a Docker engine", async () => {
  await promisify(execFile)("scripts/sandbox-egress-setup.sh", []);
  return openBench(new Docker(), process.env);
});
