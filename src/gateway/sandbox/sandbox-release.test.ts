// What is said, and asked of the controller, when a session lets its sandbox go. What the controller does then: test/gateway.engine.test.ts.
import { pino } from "pino";
import { expect, test } from "vitest";
import { OperationError } from "../../api/errors.ts";
import type { SandboxRelease } from "../../api/wire.ts";
import { sessionOf } from "../tools/world.fixture.ts";
import { makeSandboxRelease } from "./sandbox-release.ts";

function open(isSandboxed: boolean, answer: () => Promise<SandboxRelease>) {
  const asked: string[] = [];
  const logged: string[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(line) });
  const releaseSandbox = async (key: string): Promise<SandboxRelease> => {
    asked.push(key);
    return await answer();
  };
  return { release: makeSandboxRelease({ controller: { releaseSandbox }, isSandboxed: () => isSandboxed, log }), asked, logged };
}

const unreachable = () => Promise.reject(new OperationError("ControllerUnreachable", "no controller"));

test("a session without a sandbox asks for nothing and says nothing, whether or not a controller answers", async () => {
  const { release, asked, logged } = open(false, unreachable);
  await release(sessionOf());
  expect([asked, logged]).toEqual([[], []]);
});

test("a sandboxed session ends also when no controller answers, and it is said when its sandbox goes", async () => {
  const { release, asked, logged } = open(true, unreachable);
  await release(sessionOf());
  expect(asked).toEqual(["agent:main:main"]);
  expect(logged.join()).toContain("the session's sandbox is removed after its hot window");
});

test("a session that the controller has never heard of is let go in silence", async () => {
  const { release, logged } = open(true, () => Promise.reject(new OperationError("NotFound", "no such session")));
  await release(sessionOf());
  expect(logged).toEqual([]);
});
