// What is loaded together with the client library, seen in a process of its own.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PROGRAM = `
  const { DockerLibrary } = await import(${JSON.stringify(new URL("dockerode.ts", import.meta.url).href)});
  const { createRequire } = await import("node:module");
  const { cache } = createRequire(${JSON.stringify(import.meta.url)});
  const container = new DockerLibrary({ socketPath: "/nowhere" }).getContainer("c1");
  console.log(JSON.stringify({ id: container.id, modules: Object.keys(cache) }));
`;

test("the library is there, without a client for SSH, gRPC and archives, and nothing in their place", async () => {
  const options = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  const { id, modules }: { id: string; modules: string[] } = JSON.parse(stdout);
  expect(id).toBe("c1");
  expect(modules.some((path) => path.includes("/dockerode/lib/docker.js"))).toBe(true);
  expect(modules.filter((path) => /\/(ssh2|@grpc|protobufjs|tar-fs|tar-stream)\//.test(path))).toEqual([]);
});
