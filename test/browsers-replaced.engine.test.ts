// What replaces a session's browser on a real engine, or takes it away, and what it waits for: a person who asks, an edit of its image, idleness. A tool that
// is connected comes first each time. What a plan says of it is src/controller/decide's tests; an edit of `headless` is browsers.engine.test.ts's.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { beforeEach, expect, test } from "vitest";
import type { BrowserEndpoint } from "../src/api/browser-session.ts";
import { LABEL } from "../src/api/labels.ts";
import type { Session } from "../src/api/session.ts";
import { docker, staysSo, tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import type { Site } from "../src/controller/fixtures/site.fixture.ts";
import { BROWSER_IMAGE, BrowserSite, START_MS_MAX, withBrowser } from "./browsers.fixture.ts";
import { cli } from "./cli.fixture.ts";

const TEST_MS_MAX = 300_000;
const KEY = "agent:main:web";
/** In which a change would have come, had nothing held it up. */
const STAYS_MS = 4_000;
const ROLLOUT = { hotWindow: "1s", canary: 0 };
const SECONDS_PER_HOUR = 3_600;

beforeEach(async ({ skip }) => {
  skip((await tryDocker("image", "inspect", BROWSER_IMAGE)) === null, `${BROWSER_IMAGE} is not there: scripts/sandbox-browser-setup.sh`);
});

const runsIn = async ({ uid }: BrowserEndpoint): Promise<boolean> =>
  (await docker("ps", "-q", "--filter", `label=${LABEL.uid}=${uid}`)) !== "";

/** The session's browser once it is another one than this. */
async function anotherThan(before: BrowserEndpoint, { browsers }: BrowserSite, session: Session): Promise<BrowserEndpoint> {
  return await until(
    "another browser took its place",
    async () => {
      const found = await browsers.find(session);
      return found !== null && found.uid !== before.uid && found;
    },
    START_MS_MAX,
  );
}

async function recreate({ site }: BrowserSite, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(["sandbox", "recreate", ...args], { stateDir: site.stateDir });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

test(
  "recreate --browser makes another browser once no tool is connected, and the sandbox beside it stays; --all makes both anew",
  async () => {
    const world = await BrowserSite.open(withBrowser({}, { rollout: ROLLOUT }));
    const session = await world.begin("web");
    const first = await world.open(session);
    const { Id: tools } = await world.site.serves(KEY);
    const tool = await world.dial(first);
    expect(await recreate(world, KEY, "--browser")).toBe(`${first.name} will be recreated once no work is running in it\n`);
    await staysSo("the browser of a connected tool stays", () => runsIn(first), STAYS_MS);
    tool.destroy();
    const second = await anotherThan(first, world, session);
    expect(await world.version(second)).toContain("Chrome/");
    expect((await world.site.serving(KEY))?.Id).toBe(tools);

    expect(await recreate(world, "--all", "--browser", "--force")).toBe(`${first.name} will be recreated once no work is running in it\n`);
    const third = await anotherThan(second, world, session);
    expect((await world.site.serving(KEY))?.Id).toBe(tools);

    expect((await recreate(world, "--all", "--force")).trim().split("\n")).toHaveLength(2);
    await anotherThan(third, world, session);
    await world.site.serves(KEY, ({ Id }) => Id !== tools, "another sandbox took its place");
  },
  TEST_MS_MAX,
);

/** The browser's image with one label more; gone after the test. @returns its name and id */
async function makeImage(site: Site): Promise<{ name: string; id: string }> {
  const name = `openclaw-test-${randomBytes(4).toString("hex")}:browser`;
  const container = await docker("create", "--network=none", BROWSER_IMAGE);
  try {
    await docker("commit", "--change", "LABEL openclaw-test=image", container, name);
  } finally {
    await docker("rm", container);
  }
  site.atEnd(async () => void (await tryDocker("rmi", "--force", name)));
  return { name, id: await docker("image", "inspect", "--format", "{{.Id}}", name) };
}

test(
  "an edit of its image converges once the hot window is over, and a connected tool defers it",
  async () => {
    const edit = (browser: object) => withBrowser(browser, { rollout: ROLLOUT });
    const world = await BrowserSite.open(edit({}));
    const { name: image, id } = await makeImage(world.site);
    const session = await world.begin("web");
    const first = await world.open(session);
    const tool = await world.dial(first);
    await world.site.writeConfig(edit({ image }));
    await staysSo("the browser of a connected tool stays", () => runsIn(first), STAYS_MS);
    expect(await world.version(first)).toContain("Chrome/");
    tool.destroy();
    const second = await anotherThan(first, world, session);
    expect(await docker("inspect", "--format", "{{.Image}}", second.name)).toBe(id);
    expect(await world.version(second)).toContain("Chrome/");
    await until("the former container is gone", async () => !(await runsIn(first)));
  },
  TEST_MS_MAX,
);

test(
  "nobody's browser goes after prune.idleHours although a person watches it, and a connected tool's does not; the next use makes another one",
  async () => {
    const idle = (seconds: number) => withBrowser({}, { rollout: ROLLOUT, prune: { idleHours: seconds / SECONDS_PER_HOUR } });
    const world = await BrowserSite.open(idle(SECONDS_PER_HOUR));
    const session = await world.begin("web");
    const first = await world.open(session);
    const tool = await world.dial(first);
    const watching = await world.watch(first);
    const isCutOff = once(watching, "close");
    await world.site.writeConfig(idle(2));
    await staysSo("the browser of a connected tool stays", () => runsIn(first), STAYS_MS);
    tool.destroy();
    await until("the browser is pruned", async () => !(await runsIn(first)), START_MS_MAX);
    await isCutOff;
    await world.site.writeConfig(idle(SECONDS_PER_HOUR));
    const again = await world.open(session);
    expect(again.uid).not.toBe(first.uid);
    expect(await world.version(again)).toContain("Chrome/");
  },
  TEST_MS_MAX,
);
