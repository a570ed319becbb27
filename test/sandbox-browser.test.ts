// The browser's image as far as its text tells: who runs in it, what keeps an eye on it, what is refused before anything starts. The image itself is
// sandbox-browser.engine.test.ts's.
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { run } from "./run-program.ts";

const FOLDER = "images/sandbox-browser";
const dockerfile = readFileSync(`${FOLDER}/Dockerfile`, "utf8");

test("the documented Dockerfile.sandbox-browser is the image's, and a build from the checkout gets what it copies", () => {
  expect(readlinkSync("Dockerfile.sandbox-browser")).toBe(`${FOLDER}/Dockerfile`);
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, paths = ""]) => paths.split(" "));
  const sent = readFileSync(".dockerignore", "utf8").split("\n");
  expect(copied.length).toBeGreaterThan(0);
  expect(copied.filter((path) => !sent.includes(`!${path}`) || !path.startsWith(`${FOLDER}/`))).toEqual([]);
});

test("it runs as a user that is not root, by number, and the engine asks whether it is well", () => {
  expect(dockerfile.match(/^USER .*$/gm)).toEqual(["USER 1000:1000"]);
  expect(dockerfile).toMatch(/^HEALTHCHECK .*\n {2}CMD \["openclaw-browser", "--healthy"\]$/m);
  expect(dockerfile).not.toMatch(/^(?:ENV|ARG) .*(?:PASSW|TOKEN|SECRET)/im);
});

test.each([
  ["OPENCLAW_BROWSER_HEADLESS", "yes", "OPENCLAW_BROWSER_HEADLESS is 'yes', and must be 1 or 0"],
  ["OPENCLAW_BROWSER_CDP_PORT", "9222; id", "'9222; id' is not a port"],
])("%s=%s starts nothing and is refused with what it must be", async (name, value, said) => {
  const { code, stderr } = await run(`${FOLDER}/entrypoint.sh`, [], { env: { PATH: process.env.PATH ?? "", [name]: value } });
  expect([code, stderr]).toEqual([1, `openclaw-browser: error: ${said}\n`]);
});

test("the source range that is meant unless one is given is the network's gateway", () => {
  const text = readFileSync(`${FOLDER}/entrypoint.sh`, "utf8");
  const [body = ""] = /^gateway\(\) \{\n.*?^\}$/ms.exec(text) ?? [];
  const routes = "Iface\tDestination\tGateway\neth0\t00000000\t010011AC\neth0\t000011AC\t00000000\n";
  const look = `${body.replace("/proc/net/route", "-")}\ngateway`;
  expect(execFileSync("bash", ["-c", look], { input: routes, encoding: "utf8" })).toBe("172.17.0.1");
});
