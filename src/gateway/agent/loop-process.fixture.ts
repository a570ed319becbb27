// A process with the loop in it, for a test that kills it: `node loop-process.fixture.ts STATE_DIR CONFIG MESSAGE` says the message, prints `accepted RUN` once
// that is acknowledged, a line for each thing that is told, and `idle` once nothing goes on, and ends. It asserts nothing.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pino } from "pino";
import { toEpochMs } from "../../api/brands.ts";
import { HostPort } from "../host/host-port.ts";
import { HostProcesses } from "../host/host-processes.ts";
import { MAIN, openLoop, toChat } from "./loop.fixture.ts";

const [stateDir = "", config = "", message = ""] = process.argv.slice(2);
const workdir = join(stateDir, "workspace");
const host = { env: { PATH: process.env.PATH }, newId: () => randomBytes(8).toString("hex") };
const processes = new HostProcesses({
  ...host,
  folder: join(stateDir, "processes"),
  now: () => toEpochMs(Date.now()),
  failed: () => undefined,
});
const { agent, stop } = await openLoop({
  ...{ stateDir, config: JSON.parse(config), log: pino({ level: "error" }, process.stderr) },
  host: new HostPort({ ...host, workdir, terminals: false, processes: processes.at(workdir) }),
});
agent.follow(null, ({ kind }) => process.stdout.write(`${kind}\n`));
const { runId } = await agent.send(toChat(message));
process.stdout.write(`accepted ${runId}\n`);
while (agent.current(MAIN) !== null) await new Promise((resolve) => setTimeout(resolve, 10));
process.stdout.write("idle\n");
await stop();
