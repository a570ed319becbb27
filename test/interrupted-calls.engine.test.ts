// An agent that calls one tool after the other while the controller is killed again and again, on a real engine: what it is told of each call is
// true. Which steps a crash may come between is crash.engine.test.ts's; how one command is handed to an exec that waits docker-prestart's.
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { docker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { type ControllerProcess, spawnController } from "../src/controller/fixtures/process.fixture.ts";
import { createSite, eager } from "../src/controller/fixtures/site.fixture.ts";
import { spawnGateway } from "./gateway.fixture.ts";

/** From sending the call to the kill: before it reaches the container, while it runs, after its end. */
const KILLED_AFTER_MS = process.env.OPENCLAW_TEST_LONG === "1" ? [0, 3, 6, 10, 15, 25, 40, 70, 120, 300] : [0, 10, 40, 120];
const CALLS = 10 * KILLED_AFTER_MS.length;
const START_MS_MAX = 60_000;
const TEST_MS_MAX = 600_000;

/** Shells that wait for a command, as the container's own process list shows them. */
async function countWaiters(container: string): Promise<number> {
  const lines = (await docker("top", container, "-eo", "pid,args")).split("\n");
  return lines.filter((line) => / openclaw-exec input$/.test(line) && !line.includes("docker-init")).length;
}

const untilOneWaits = (container: string) => until("a shell waits for the next command", async () => (await countWaiters(container)) > 0);

test(`of ${CALLS} calls with the controller killed at each tenth none is lost without an error, and none is run twice`, {
  timeout: TEST_MS_MAX,
}, async () => {
  const site = await createSite();
  await site.writeConfig(eager());
  let controller: ControllerProcess = spawnController(site);
  const gateway = await spawnGateway(site);
  const untilReady = () => until("both are ready", async () => (await gateway.ask("/readyz")).status === 200 || null, START_MS_MAX);
  await untilReady();
  await gateway.ask("/v1/sessions", { key: "agent:main:main" });
  const { Id } = await site.serves("agent:main");
  /** Every other one of those that are interrupted takes so long that most kills come in its middle. */
  const call = (index: number) => {
    const rest = index % 20 === 0 ? "; sleep 0.2" : "";
    return gateway.tool("agent:main:main", "exec", { command: `echo ${index} >>ran${rest}; echo done ${index}` });
  };
  const told = new Map<number, "done" | "error">();
  for (let index = 1; index <= CALLS; index += 1) {
    const killedAfterMs = index % 10 === 0 ? KILLED_AFTER_MS[index / 10 - 1] : undefined;
    if (killedAfterMs !== undefined) await untilOneWaits(Id);
    const calling = call(index);
    if (killedAfterMs !== undefined) {
      await pause(killedAfterMs);
      await controller.crash();
      controller = spawnController(site);
    }
    const { status, body, text } = await calling;
    const isDone = status === 200 && body.isError !== true && text.trim() === `done ${index}`;
    const isError = status >= 400 || body.isError === true;
    expect(isDone || isError, `call ${index} was answered with neither its output nor an error: ${status} ${text}`).toBe(true);
    told.set(index, isDone ? "done" : "error");
    if (killedAfterMs !== undefined) await untilReady();
  }
  const ran = (await docker("exec", Id, "cat", "/workspace/ran")).split("\n").map(Number);
  expect(new Set(ran).size, `one ran twice: ${ran.join(" ")}`).toBe(ran.length);
  const done = [...told].filter(([, answer]) => answer === "done").map(([index]) => index);
  expect(done.filter((index) => !ran.includes(index))).toEqual([]);
  expect([...told].filter(([index, answer]) => answer === "error" && index % 10 !== 0)).toEqual([]);
  expect((await site.serves("agent:main")).Id).toBe(Id);
  // None waits in a sandbox that nobody uses, so that one more command comes first.
  expect((await call(CALLS + 1)).status).toBe(200);
  await untilOneWaits(Id);
  await controller.crash();
  await until("no shell waits any more", async () => (await countWaiters(Id)) === 0);
});
