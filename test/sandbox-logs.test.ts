// `sandbox logs`: what commands and the setup print, kept and followed, from a command in the sandbox to the terminal.
import { expect, test } from "vitest";
import { NAME, openServer, type Server } from "../src/controller/servers/server.fixture.ts";
import { cli, startCli, until } from "./cli.fixture.ts";

/** Every command says this and ends with 3. */
async function openTalking(text: string): Promise<Server> {
  const server = await openServer();
  server.world.onExec(
    () => true,
    async ({ stdout, stderr }) => {
      stdout.write(text);
      stderr.write("oh\n");
      return 3;
    },
  );
  return server;
}

const exec = (server: Server, ...flags: string[]) =>
  cli(["sandbox", "exec", ...flags, "main", "--", "sh", "-c", "echo secret-argument"], { stateDir: server.stateDir });
const logs = (server: Server, ...args: string[]) => cli(["sandbox", "logs", "main", ...args], { stateDir: server.stateDir });

test("what a command printed is shown with its exit code, without its arguments and the values of variables", async () => {
  const server = await openTalking("one\ncorrect horse\n\u001b[31mred\n");
  expect((await exec(server)).stdout).toContain("correct horse");
  const { stdout } = await logs(server);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toBe("exec-1 > sh (arguments: 2)");
  expect(lines).toEqual(expect.arrayContaining(["exec-1 | one", "exec-1 | (hidden)", "exec-1 | \\x1b[31mred", "exec-1 | oh"]));
  expect(lines.at(-1)).toBe("exec-1 > exit code 3");
  expect(stdout).not.toMatch(/secret-argument|correct horse/);
  expect((await logs(server, "--tail", "1")).stdout).toBe("exec-1 > exit code 3\n");
  const { output } = JSON.parse((await logs(server, "--json")).stdout) as { output: { text: string; at: number; atRfc3339: string }[] };
  expect(output[0]).toMatchObject({ text: "sh (arguments: 2)", source: "exec", atRfc3339: expect.stringMatching(/Z$/) });
});

test("-f shows what was printed, then each line as it comes", async () => {
  const server = await openTalking("hello\n");
  await exec(server);
  const run = startCli(["sandbox", "logs", "-f", NAME], { stateDir: server.stateDir });
  await until("what is kept is shown", () => run.printed.includes("exec-1 > exit code 3"));
  await exec(server);
  await until("the second command is shown", () => run.printed.includes("exec-2 > exit code 3"));
  expect(run.printed.match(/\| hello$/gm)).toHaveLength(2);
  await server.stop();
  await until("the end of the controller is told", () => run.noted.includes("lost the connection"));
});

test("a setup that runs is shown once, beside its commands", async () => {
  const server = await openTalking("hello\n");
  const setup = server.output.begin(NAME, { source: "setup", note: "docker.setupCommand", hidden: [] });
  setup.write("stdout", Buffer.from("Get:1 git\n"));
  server.views.setupLog = { state: "running", text: "Get:1 git\n", truncated: false };
  const { stdout, stderr } = await logs(server);
  expect(stdout).toBe("setup-1 > docker.setupCommand\nsetup-1 | Get:1 git\n");
  expect(stderr).toContain("setup running");
});
