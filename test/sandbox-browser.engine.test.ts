// The browser's image under the confinement of a sandbox, driven as a program does, over the DevTools protocol, against a page of this host. It
// needs the image, a gigabyte: the long tests build it, others skip. What the Dockerfile says is sandbox-browser.test.ts's.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { bridgeAddress, docker, IMAGE as SANDBOX_IMAGE, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { variables } from "./compose.fixture.ts";
import { DevTools } from "./devtools.fixture.ts";
import { run } from "./run-program.ts";

const IMAGE = "openclaw-sandbox-browser:bookworm-slim";
const BUILD_MS_MAX = 600_000;
const TEST_MS_MAX = 120_000;
/** Chromium's start, and the engine's looks at its health, on a busy machine. */
const START_MS_MAX = 60_000;
const isLong = process.env.OPENCLAW_TEST_LONG === "1";

/** As the controller makes sandboxes, with the ports published on loopback. */
const CONFINED = [
  ...["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--init", "--pids-limit=512", "--memory=1g"],
  ...["/tmp", "/var/tmp", "/run"].map((path) => `--tmpfs=${path}:size=256m,mode=1777`),
  ...[9222, 5900, 6080].map((port) => `--publish=127.0.0.1::${port}`),
];
const PAGE = `<!doctype html><meta charset="utf-8"><title>Lobster 🦞 龍蝦</title><input id="in" autofocus>
<button onclick="document.title = document.getElementById('in').value">go</button>`;

async function servePage(): Promise<string> {
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(PAGE));
  const host = await bridgeAddress();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve()).closeAllConnections()));
  return `http://${host}:${(server.address() as AddressInfo).port}/`;
}

/** Gone after the test. */
async function start(...flags: string[]): Promise<{ name: string; urlOf(port: number): Promise<string> }> {
  const name = `openclaw-test-browser-${randomBytes(4).toString("hex")}`;
  onTestFinished(async () => void (await tryDocker("rm", "--force", name)));
  await docker("run", "--detach", `--name=${name}`, ...CONFINED, ...flags, IMAGE);
  await until(
    "it says that it is ready",
    async () => {
      const { stderr } = await run("docker", ["logs", name], { env: variables() });
      if ((await docker("inspect", "--format", "{{.State.Running}}", name)) !== "true") throw new Error(`it ended: ${stderr}`);
      return stderr.includes("openclaw-browser: ready");
    },
    START_MS_MAX,
  );
  const urlOf = async (port: number): Promise<string> => `http://${(await docker("port", name, `${port}/tcp`)).split("\n")[0]}`;
  return { name, urlOf };
}

/** What the display says first to whoever connects by noVNC's server with these headers, or the status by which he is refused. */
async function greet(url: string, headers: { host?: string; origin?: string | undefined }): Promise<string> {
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  const socket = new WebSocket(url.replace("http:", "ws:"), ["binary"], { headers: given });
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.once("message", (data) => resolve(String(data)));
      socket.once("unexpected-response", (_, { statusCode }) => resolve(String(statusCode)));
      socket.once("error", reject);
    });
  } finally {
    socket.terminate();
  }
}

/** Fills the form of the page and presses its button, by real input events. */
async function useForm(devTools: DevTools, page: string): Promise<void> {
  await until("the page is there", async () => (await devTools.evaluate(page, "document.title")) === "Lobster 🦞 龍蝦");
  await devTools.evaluate(page, "document.getElementById('in').focus()");
  await devTools.call("Input.insertText", { text: "pinched 龍" }, page);
  const place = "(() => { const { x, y } = document.querySelector('button').getBoundingClientRect(); return [x + 2, y + 2]; })()";
  const [x, y] = (await devTools.evaluate(page, place)) as [number, number];
  for (const type of ["mousePressed", "mouseReleased"]) {
    await devTools.call("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 }, page);
  }
}

describe("the browser's image", () => {
  beforeEach(({ skip }) => skip(!isLong, "it needs an image of a gigabyte: OPENCLAW_TEST_LONG=1 builds and runs it"));
  beforeAll(async () => {
    if (!isLong) return;
    const { code, stderr } = await run("scripts/sandbox-browser-setup.sh", [], { env: variables(), timeoutMs: BUILD_MS_MAX });
    if (code !== 0) throw new Error(`the image was not built: ${stderr}`);
  }, BUILD_MS_MAX);

  test("has no program that changes its user", async () => {
    const find = ["--entrypoint=find", IMAGE, "/", "-xdev", "-perm", "/6000"];
    expect(await docker("run", "--rm", "--network=none", "--user=0:0", ...find)).toBe("");
  });

  test.each([
    ["on a display", ["--env=OPENCLAW_BROWSER_HEADLESS=0"]],
    ["headless, as another user", ["--env=OPENCLAW_BROWSER_HEADLESS=1", "--user=61001:61001"]],
  ])(
    "%s it loads a page, takes input and makes a picture, under the confinement of a sandbox",
    async (_, flags) => {
      const browser = await start(...flags);
      const devTools = await DevTools.connect(await browser.urlOf(9222));
      const page = await devTools.open(await servePage());
      await useForm(devTools, page);
      await until("the button was pressed", async () => (await devTools.evaluate(page, "document.title")) === "pinched 龍");
      const { data } = await devTools.call("Page.captureScreenshot", {}, page);
      expect(Buffer.from(String(data), "base64").subarray(1, 4).toString()).toBe("PNG");
      await until(
        "the engine finds it healthy",
        async () => (await docker("inspect", "--format", "{{.State.Health.Status}}", browser.name)) === "healthy",
        START_MS_MAX,
      );
      devTools.close();
    },
    TEST_MS_MAX,
  );

  test(
    "a person watches the display by noVNC and over VNC; headless there is nothing to watch",
    async () => {
      const watched = await start();
      const url = await watched.urlOf(6080);
      expect(await (await fetch(url)).text()).toContain("<title>noVNC</title>");
      expect(await greet(url, { origin: url })).toMatch(/^RFB 003\.\d{3}\n$/);
      const headless = await start("--env=OPENCLAW_BROWSER_HEADLESS=true");
      await expect(fetch(await headless.urlOf(6080))).rejects.toThrow("fetch failed");
    },
    TEST_MS_MAX,
  );

  test(
    "a foreign page: neither DevTools nor VNC nor noVNC's server lets in a page of another address, or one that came by a name of its own",
    async () => {
      const browser = await start();
      const devTools = z.object({ webSocketDebuggerUrl: z.string() });
      const { webSocketDebuggerUrl } = devTools.parse(await (await fetch(`${await browser.urlOf(9222)}/json/version`)).json());
      expect(await greet(webSocketDebuggerUrl, { origin: "https://evil.example" })).toBe("403");
      expect(await greet(webSocketDebuggerUrl, { host: "evil.example", origin: "http://evil.example" })).toMatch(/^[45]\d\d$/);
      const vnc = await browser.urlOf(5900);
      await expect(greet(vnc, { origin: vnc })).rejects.toThrow("socket hang up");
      const url = await browser.urlOf(6080);
      const { port } = new URL(url);
      for (const origin of [undefined, url, url.replace("http:", "https:")]) expect(await greet(url, { origin })).toMatch(/^RFB /);
      const local = { host: `localhost:${port}`, origin: `http://localhost:${port}` };
      expect(await greet(url, local)).toMatch(/^RFB /);
      const rebound = { host: `evil.example:${port}`, origin: `http://evil.example:${port}` };
      for (const headers of [{ origin: "https://evil.example" }, { origin: "null" }, { origin: "http://127.0.0.1:1" }, rebound])
        expect(await greet(url, headers), JSON.stringify(headers)).toBe("403");
    },
    TEST_MS_MAX,
  );

  test.each([
    ["runs where somebody may come over the network", [], ["websockify", "x11vnc"]],
    ["does not run where nobody may", ["--env=OPENCLAW_BROWSER_CDP_SOURCE_RANGE=none"], ["x11vnc"]],
    ["does not run without a network", ["--network=none"], ["x11vnc"]],
    ["does not run where nobody is to watch", ["--env=OPENCLAW_BROWSER_ENABLE_NOVNC=0"], []],
    ["does not run headless", ["--env=OPENCLAW_BROWSER_HEADLESS=1", "--env=OPENCLAW_BROWSER_ENABLE_NOVNC=1"], []],
  ])(
    "noVNC's server %s",
    async (_, flags, running) => {
      const processes = await docker("top", (await start(...flags)).name);
      expect(["websockify", "x11vnc"].filter((program) => processes.includes(program))).toEqual(running);
    },
    TEST_MS_MAX,
  );

  test(
    "a neighbour on its network reaches none of its ports, unless the source range says so; a command inside it does",
    async () => {
      const reach = async (name: string): Promise<string> => {
        const address = await docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name);
        const script = `
          for path in 9222/json/version 6080/; do curl --silent --fail --max-time 3 --output /dev/null "http://${address}:$path" && echo "$path"; done
          exec 3<>/dev/tcp/${address}/5900 && timeout 3 head -c 3 <&3; true`;
        return await docker("run", "--rm", SANDBOX_IMAGE, "bash", "-c", script);
      };
      const closed = await start();
      expect(await reach(closed.name)).toBe("");
      expect(await docker("exec", closed.name, "curl", "-s", "http://127.0.0.1:9222/json/version")).toContain("webSocketDebuggerUrl");
      const open = await start("--env=OPENCLAW_BROWSER_CDP_SOURCE_RANGE=0.0.0.0/0");
      expect(await reach(open.name)).toBe("9222/json/version\n6080/\nRFB");
    },
    TEST_MS_MAX,
  );

  test(
    "a stop ends it within seconds and without an error, and it ends when Chromium does",
    async () => {
      const stopped = await start();
      await docker("stop", "--time=20", stopped.name);
      expect(await docker("inspect", "--format", "{{.State.ExitCode}}", stopped.name)).toBe("0");
      const crashed = await start();
      const devTools = await DevTools.connect(await crashed.urlOf(9222));
      await devTools.call("Browser.close");
      await until(
        "the container has ended",
        async () => (await docker("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", crashed.name)) === "exited 1",
      );
    },
    TEST_MS_MAX,
  );
});
