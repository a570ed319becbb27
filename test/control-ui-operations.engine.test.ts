// What goes on, in the Control UI: the overview with its charts, rollouts, and what the doctor finds. A real browser, gateway, controller and engine.
// How often the doctor may be asked is controller/servers/routes-doctor.test.ts's.
import { expect, test } from "vitest";
import { cli } from "./cli.fixture.ts";
import { findBarriers, findChromium, findUnreachable, keysOf, NO_CHROMIUM, openPaired, openStand } from "./control-ui.fixture.ts";

const MINUTES_MS = 180_000;
/** From the overview to the answer of a question. */
const STROKES_MAX = 6;

const agents = (docker: object) => ({
  agents: {
    defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", docker, rollout: { hotWindow: "1s" } } },
    list: [{ id: "main" }, { id: "other" }],
  },
});

test(
  "a rollout that is paused and one that is halted say so with what to do, and the doctor's findings are there with their fixes",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    const { site, gateway, owner, browser } = await openStand(program, agents({}));
    const { page, faults } = await openPaired(browser, { url: gateway.url, owner, path: "/rollouts" });
    const { stateDir } = site;

    await page.getByText("No rollout is in progress; 2 sandboxes are up to date.").waitFor();
    expect((await cli(["sandbox", "rollout", "pause"], { stateDir })).code).toBe(0);
    // The controller has noticed: what is saved from here on is held back.
    await page.getByText(/^Paused .*: working sandboxes are not replaced\.$/).waitFor();
    const env = { LANG: "<b>\u202ehcum" };
    await site.writeConfig(agents({ env }));
    const change = page.getByRole("region", { name: "docker.env.LANG" });
    await change.getByText("0 of 2 have it").waitFor();
    await change.getByText("<b>\\u202ehcum").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    // By the keyboard alone, from the overview: why does my sandbox wait, and which line of the config says so?
    await page.goto(gateway.url);
    await page.getByRole("region", { name: "What is not as the config says" }).getByText("Update waits").first().waitFor();
    const keys = keysOf(page);
    await keys.press("Control+k");
    await page.getByText("Not as the config says", { exact: true }).waitFor();
    await keys.press("Enter");
    await page
      .getByRole("status")
      .getByText(/^Update waits: /)
      .waitFor();
    const differs = page.getByRole("region", { name: "What differs from the config" });
    await differs
      .getByRole("row")
      .filter({ hasText: "docker.env.LANG" })
      .getByText(/^openclaw\.json:\d+:\d+$/)
      .waitFor();
    expect(keys.strokes).toBeLessThanOrEqual(STROKES_MAX);
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    await page.goto(`${gateway.url}/rollouts`);
    expect((await cli(["sandbox", "rollout", "resume"], { stateDir })).code).toBe(0);
    await page.getByText("No rollout is in progress; 2 sandboxes are up to date.").waitFor({ timeout: MINUTES_MS / 2 });

    await site.writeConfig(agents({ env, setupCommand: "exit 3" }));
    const broken = page.getByRole("region", { name: "docker.setupCommand" });
    await broken.getByText(/^halted for/).waitFor({ timeout: MINUTES_MS / 2 });
    await broken.getByText(/^fix the config: the rollout then continues by itself/).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);

    await page.goto(gateway.url);
    const health = page.getByRole("region", { name: "Health" });
    for (const line of [/^Gateway ?ready/, /^Controller ?ready/, /^Engine ?answers/, /^Config ?in force/])
      await health.getByRole("listitem").filter({ hasText: line }).waitFor();
    await page
      .getByRole("img", { name: /^Sandboxes over the last .*: 2 ready, 0 not, 0 unknown$/ })
      .locator("canvas")
      .waitFor();
    await page
      .getByRole("img", { name: /^Convergence over the last .*: the newest change took / })
      .locator("canvas")
      .waitFor();
    expect(await findBarriers(page)).toEqual([]);

    // By the keyboard, through the palette.
    await page.keyboard.press("Control+k");
    await page.getByPlaceholder("A page, a sandbox, a session").waitFor();
    await page.keyboard.type("doctor");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: /^Passed \(\d+\)$/ }).waitFor();
    await page.getByRole("heading", { name: "What nothing owns" }).waitFor();
    await page.getByText("openclaw sandbox prune --dry-run").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ["/doctor", "/rollouts", "/"]) {
      await page.goto(`${gateway.url}${path}`);
      await page.getByRole("heading", { name: path === "/" ? "Health" : "From the command line" }).waitFor();
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      expect(await findBarriers(page)).toEqual([]);
    }
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
