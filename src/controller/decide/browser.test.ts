// What a browser is made from, and what its plans say, compared as text. Which sessions want one is wanted-browser.test.ts's.
import { describe, expect, test } from "vitest";
import { MINUTE_MS } from "../../api/brands.ts";
import { toBrowserPorts, toBrowserSettings } from "./browser.ts";
import { containerOf, desiredOf, inputOf, NOW, renderPlan, specOf } from "./decide.fixture.ts";
import { plan } from "./plan.ts";
import type { DesiredSandbox } from "./types.ts";
import { toDesiredBrowser } from "./wanted.ts";

const browserOf = (sandbox: object = {}): DesiredSandbox => toDesiredBrowser("agent-main-1", desiredOf(sandbox));
const headful = browserOf({ browser: { enabled: true } });
const headless = browserOf({ browser: { enabled: true, headless: true } });

describe("a browser is made from its agent's settings", () => {
  const { settings } = browserOf({
    workspaceAccess: "ro",
    docker: { memory: "1g", pidsLimit: 300, env: { LANG: "de_DE.UTF-8", API_KEY: "secret" }, setupCommand: "true", gpus: "all" },
    browser: { enabled: true, vncPort: 5901 },
  });

  test("with their limits, and without what is the tools' alone: secrets, setup, GPUs, the agent's folder", () => {
    const { memory, pidsLimit, gpus, env } = settings.docker;
    expect([memory, pidsLimit, gpus]).toEqual([2 ** 30, 300, null]);
    expect(env).toEqual({
      HOME: "/workspace",
      LANG: "de_DE.UTF-8",
      OPENCLAW_BROWSER_CDP_PORT: "9222",
      OPENCLAW_BROWSER_CDP_SOURCE_RANGE: "none",
      OPENCLAW_BROWSER_ENABLE_NOVNC: "1",
      OPENCLAW_BROWSER_HEADLESS: "0",
      OPENCLAW_BROWSER_NOVNC_PORT: "6080",
      OPENCLAW_BROWSER_NO_SANDBOX: "0",
      OPENCLAW_BROWSER_VNC_PORT: "5901",
    });
    expect(browserOf({ workspaceAccess: "ro", browser: { enabled: true } }).agentDir).toBeNull();
  });

  test("with the workspace of the sandbox beside it, which stays that one's", () => {
    const tools = desiredOf();
    expect(headful).toMatchObject({ name: "openclaw-sbx-browser-agent-main-1", workspace: tools.workspace, workspaceOwner: tools.name });
  });

  test.each([
    ["no network unless something is asked for", {}, { network: "none", egress: null, proxy: undefined }],
    [
      "its agent's list, through the proxy",
      { egress: { allow: ["example.com"] } },
      { network: "none", egress: ["example.com:80", "example.com:443"], proxy: "http://127.0.0.1:3128" },
    ],
    [
      "the network that it names, and then no list and no proxy",
      { egress: { allow: ["example.com"] }, browser: { enabled: true, network: "bridge" } },
      { network: "bridge", egress: null, proxy: undefined },
    ],
  ])("with %s", (_, sandbox, { network, egress, proxy }) => {
    const made = toBrowserSettings(desiredOf({ browser: { enabled: true }, ...sandbox }).settings);
    expect([made.docker.network, made.egress === null, made.docker.env.HTTPS_PROXY]).toEqual([network, egress === null, proxy]);
  });

  test("its ports are read from what its container was made with", () => {
    expect(toBrowserPorts(settings.docker.env)).toEqual({ cdp: 9222, vnc: 5901, headless: false });
    expect(toBrowserPorts(headless.settings.docker.env)).toEqual({ cdp: 9222, vnc: null, headless: true });
    expect(toBrowserPorts(browserOf({ browser: { enableNoVnc: false } }).settings.docker.env).vnc).toBeNull();
  });

  test("an upgrade makes none of them anew: the hash of the default one is pinned", () => {
    expect(specOf(headful).hash).toBe("baf911ca40dca246");
  });

  test("how long it may take to start is no part of it", () => {
    expect(specOf(browserOf({ browser: { enabled: true, autoStartTimeoutMs: 60_000 } })).hash).toBe(specOf(headful).hash);
  });
});

describe("the plan of a browser", () => {
  const because = "(wanted): the config starts it eagerly";

  test("makes one, waits until DevTools answers, and names it then", () => {
    const { hash } = specOf(headful);
    expect(renderPlan(plan(inputOf(headful, [])))).toBe(
      `create ${hash} ${because}\nstart the new container ${because}\n=> progressing: creating the container`,
    );
    const pending = { stage: "pending", createdAt: NOW } as const;
    const at = (kind: "fresh" | "succeeded") => containerOf(headful, pending, { setup: { kind } });
    expect(renderPlan(plan(inputOf(headful, [at("fresh")])))).toBe(
      "setup c1 (setup): a new browser is ready once DevTools answers\n=> progressing: starting setup",
    );
    const waiting = containerOf(headful, pending, { setup: { kind: "running", deadline: NOW } });
    expect(renderPlan(plan(inputOf(headful, [waiting])))).toContain("=> progressing: waiting until DevTools answers");
    expect(renderPlan(plan(inputOf(headful, [at("succeeded")])))).toBe(`promote c1 ${because}\n=> progressing: naming the container`);
  });

  test("says what changed by the keys that a person writes, and waits for the hot window", () => {
    const used = inputOf(headless, [containerOf(headful)], { lastUsedAt: NOW });
    expect(renderPlan(plan(used))).toMatch(/^=> deferred: browser\.headless changed; .*\n {2}looks again in 300 s$/s);
    expect(plan(used).drift).toEqual([{ field: "browser.headless", remedy: "recreate", desired: "1", actual: "0" }]);
    expect(plan(used).replacement?.parts.map(({ field, to }) => [field, to])).toEqual([["browser.headless", "1"]]);
    const image = browserOf({ browser: { enabled: true, image: "my-browser:1" } });
    expect(plan(inputOf(image, [containerOf(headful)])).drift.map(({ field }) => field)).toEqual(["browser.image"]);
  });

  test("replaces one whose main process ended: DevTools answered in a run that is over", () => {
    const ended = containerOf(headful, { restarted: true, state: "exited" });
    expect(renderPlan(plan(inputOf(headful, [ended])))).toContain("it was restarted, which undid its setup");
  });

  test("removes one that nobody wants any more, once its hot window is over", () => {
    const says = "session agent:main:web wants no browser any more";
    const want = { kind: "unwanted", evidence: { kind: "browser-stopped", says }, because: says, hotWindowMs: 5 * MINUTE_MS } as const;
    const release = inputOf(headful, [containerOf(headful)], { want, spec: null });
    expect(renderPlan(plan(release))).toBe(`retire c1 [permitted: ${says}] (released): ${says}\n=> progressing: being removed: ${says}`);
    expect(renderPlan(plan({ ...release, lastUsedAt: NOW }))).toContain("=> deferred");
    expect(renderPlan(plan({ ...release, lastUsedAt: NOW }))).not.toContain("retire");
  });
});
