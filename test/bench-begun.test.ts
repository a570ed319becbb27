// What a benchmark that is interrupted leaves behind: nothing.
import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { endBegun, endWithRun, whenInterrupted } from "../bench/begun.ts";

test("what a benchmark began is ended in reverse, once, also when the end of another one fails", async () => {
  const ended: string[] = [];
  whenInterrupted(async () => ended.push("folder"));
  whenInterrupted(() => Promise.reject(new Error("planned")));
  const done = whenInterrupted(async () => ended.push("over by itself"));
  whenInterrupted(async () => ended.push("page"));
  await done();
  await endBegun();
  await endBegun();
  expect(ended).toEqual(["over by itself", "page", "folder"]);
});

test("the run waits for what a benchmark is ending already", async () => {
  const slow = Promise.withResolvers<void>();
  const ended: string[] = [];
  const end = whenInterrupted(async () => {
    await slow.promise;
    ended.push("folder");
  });
  const both = Promise.all([end(), endBegun().then(() => ended.push("exit"))]);
  slow.resolve();
  await both;
  expect(ended).toEqual(["folder", "exit"]);
});

test("a process that a benchmark began ends with the run", async () => {
  const child = endWithRun(spawn("sleep", ["60"], { stdio: "ignore" }));
  const over = endWithRun(spawn("true", { stdio: "ignore" }));
  await new Promise((resolve) => over.once("exit", resolve));
  await endBegun();
  expect(child.signalCode).toBe("SIGTERM");
});
