// What the tool `browser` refuses before any browser is asked, and what it makes of what a model says. What a browser does is test/browser-tool.engine.test.ts.
import { describe, expect, it } from "vitest";
import { mustParse } from "../../api/config/config.fixture.ts";
import type { OperationError } from "../../api/errors.ts";
import { renderRefusal } from "../../api/tool-policy.ts";
import { toToolAccess } from "./access.ts";
import { BrowserInput, toOrder } from "./browser-input.ts";
import { ToolDispatcher } from "./dispatch.ts";
import { makeFolder, makeHostPort, noBrowsers, noSessions, sessionOf } from "./world.fixture.ts";

const FOLDERS = { stateDir: "/state", home: "/home/x" };
const ALLOWED = { sandbox: { tools: { allow: ["browser"], deny: [] } } };

const toConfig = (sandbox: object, tools: object = ALLOWED): object => ({ agents: { defaults: { sandbox } }, tools });

async function refusalOf(config: object, input: object): Promise<OperationError> {
  const port = makeHostPort(makeFolder());
  const parts = { folders: FOLDERS, sandbox: port, host: () => port, sessions: noSessions, browsers: noBrowsers };
  const dispatcher = new ToolDispatcher({ ...parts, config: () => mustParse(JSON.stringify(config)), newId: () => "0123456789abcdef" });
  const call = dispatcher.call({
    ...{ session: sessionOf(), tool: "browser", input },
    ...{ signal: new AbortController().signal, emit: async () => undefined },
  });
  return await call.then(
    () => {
      throw new Error("it was not refused");
    },
    (error: OperationError) => error,
  );
}

describe("the policy of the tool browser", () => {
  const decide = (config: object): string => {
    const decision = toToolAccess(mustParse(JSON.stringify(config)), sessionOf(), FOLDERS).decide("browser");
    return decision.allowed ? "allowed" : renderRefusal(decision);
  };

  it.each([
    [
      "by default",
      toConfig({ mode: "all" }, {}),
      'deny "browser" of the sandbox\'s tools (default); set tools.sandbox.tools.deny to a list without "browser"',
    ],
    [
      "where it is taken out of deny and not allowed",
      toConfig({ mode: "all" }, { sandbox: { tools: { deny: [] } } }),
      'not in allow of the sandbox\'s tools (default); add "browser" to tools.sandbox.tools.alsoAllow',
    ],
    [
      "where browsers are not enabled",
      toConfig({ mode: "all" }),
      "browser.enabled is false (default); set agents.defaults.sandbox.browser.enabled to true",
    ],
    [
      "where the config says that they are not",
      toConfig({ mode: "all", browser: { enabled: false } }),
      "browser.enabled is false (agents.defaults.sandbox.browser.enabled); set agents.defaults.sandbox.browser.enabled to true",
    ],
    [
      "without a sandbox, although the host may run commands",
      toConfig({ mode: "off", browser: { enabled: true } }, { ...ALLOWED, exec: { host: "gateway" } }),
      'a session without a sandbox has no browser, and none runs on this host (default); set agents.defaults.sandbox.mode to "all", which gives the session a sandbox',
    ],
  ])("refuses %s, and says which key changes that", (_, config, refusal) => {
    expect(decide(config)).toBe(`the tool "browser" is off: ${refusal}`);
  });

  it("allows it where the lists and the browser's own key do", () => {
    expect(decide(toConfig({ mode: "all", browser: { enabled: true } }))).toBe("allowed");
  });
});

describe("a call of the tool browser", () => {
  const config = toConfig({ mode: "all", browser: { enabled: true } });

  it.each(["host", "node"])("for a browser on the %s is refused with the reason", async (target) => {
    const { code, message, fix } = await refusalOf(config, { action: "snapshot", target });
    expect(code).toBe("Forbidden");
    expect(message).toContain(`target ${target} is refused: a browser on the`);
    expect(message).toContain("would act with a person's own cookies and network");
    expect(fix).toContain("leave target out");
  });

  it("that runs code of the agent's in a page needs the key for it", async () => {
    const { code, fix } = await refusalOf(config, { action: "act", request: { kind: "evaluate", fn: "() => 1" } });
    expect(code).toBe("Forbidden");
    expect(fix).toBe("set agents.defaults.sandbox.browser.evaluateEnabled to true");
  });

  it("starts nothing by itself where autoStart is off", async () => {
    const off = toConfig({ mode: "all", browser: { enabled: true, autoStart: false } });
    const { code, fix } = await refusalOf(off, { action: "navigate", targetUrl: "https://example.org" });
    expect([code, fix]).toEqual(["NotReady", "call it with action start"]);
  });

  it("uploads nothing from outside the folder for media", async () => {
    for (const path of ["secret.txt", "media/../secret.txt", "/etc/passwd", "../media/x", "media"]) {
      const { code, message } = await refusalOf(config, { action: "upload", ref: "e1", paths: [path] });
      expect([code, message]).toEqual(["Forbidden", `browser: ${JSON.stringify(path)} is not in media/ of the workspace`]);
    }
  });

  it.each([
    [{ action: "navigate" }, "browser: navigate needs targetUrl"],
    [{ action: "upload", ref: "e1" }, "browser: upload needs paths"],
    [{ action: "act" }, "browser: act needs request"],
    [{ action: "act", request: { kind: "click" } }, "browser: request: click needs ref"],
    [{ action: "act", request: { kind: "wait" } }, "browser: request: wait needs timeMs, text, textGone or url"],
    [{ action: "screenshot", ref: "#id" }, "browser: ref: a ref is one of the last snapshot, such as e12"],
    [{ action: "fly" }, "browser: action: "],
  ])("of %j says what is wrong", async (input, message) => {
    const error = await refusalOf(config, input);
    expect(error.code).toBe("InvalidArgument");
    expect(error.message).toContain(message);
  });

  it("means what upstream's words mean", () => {
    const order = (input: object): unknown => toOrder(BrowserInput.parse(input));
    const act = (request: object): unknown => order({ action: "act", targetId: "AbCd", request });
    expect(act({ kind: "type", ref: "e3", text: "x", submit: true })).toEqual({
      kind: "browser",
      action: { kind: "act", tab: "ABCD", act: { kind: "type", ref: "e3", text: "x", isSlow: false, submits: true } },
    });
    expect(order({ action: "snapshot" })).toEqual({
      kind: "browser",
      action: { kind: "snapshot", tab: null, ref: null, form: "ai", charsMax: 20_000, isInteractive: false, depth: null },
    });
    expect(order({ action: "upload", ref: "f1e2", paths: ["media/a"] })).toEqual({
      kind: "upload",
      tab: null,
      ref: "f1e2",
      paths: ["media/a"],
    });
  });
});
