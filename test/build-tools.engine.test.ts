// The image with the build tools, in a sandbox as the controller makes one: each language builds and runs a program there, as the sandbox's user,
// without network and on a read-only root. Where the image was not built the test is skipped, but for the long run, which builds it.
import { expect, test } from "vitest";
import { docker, tryDocker } from "../src/controller/fixtures/docker.fixture.ts";
import { eager, startSite } from "../src/controller/fixtures/site.fixture.ts";

const IMAGE = "openclaw-sandbox-common:bookworm-slim";

/** One line each, in the workspace. */
const PROGRAMS = `
set -eu
mkdir build && cd build
printf '#include <cstdio>\\nint main() { puts("C++"); }' >a.cc && g++ a.cc -o a && ./a
printf 'package main\\nfunc main() { println("Go") }' >a.go && go run a.go 2>&1
node -e 'console.log("Node.js", Number(process.versions.node.split(".")[0]) >= 18)' && npm --version >/dev/null
python3 -m venv v && v/bin/python -c 'print("Python")'
cargo new --quiet --vcs none r && cd r && printf 'fn main() { println!("Rust"); }' >src/main.rs && cargo run --quiet
`;

test("each language of the common image builds and runs a program inside a sandbox, and none in it changes its user", async (context) => {
  if (process.env.OPENCLAW_TEST_LONG !== "1" && (await tryDocker("image", "inspect", IMAGE)) === null)
    return context.skip(`${IMAGE} is not on this engine (scripts/sandbox-common-setup.sh builds it)`);
  expect(await docker("run", "--rm", "--network=none", "--user=0:0", IMAGE, "find", "/", "-xdev", "-perm", "/6000")).toBe("");
  const { site } = await startSite(eager({ docker: { image: IMAGE } }));
  const { Id } = await site.serves("agent:main");
  expect(await docker("exec", Id, "id", "-u")).not.toBe("0");
  expect((await docker("exec", Id, "sh", "-c", PROGRAMS)).split("\n")).toEqual(["C++", "Go", "Node.js true", "Python", "Rust"]);
});
