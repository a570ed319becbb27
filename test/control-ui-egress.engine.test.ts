// Egress in the Control UI: what a sandbox was refused, and from there to the list that allows it. A real browser, gateway, controller, proxy and engine.
// How decisions become lines and rules is src/ui/text/egress.test.ts's.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { tryDocker, until } from "../src/controller/fixtures/docker.fixture.ts";
import { buildEgressImage, removeEgress } from "../src/controller/fixtures/egress.fixture.ts";
import { createSite } from "../src/controller/fixtures/site.fixture.ts";
import { cli } from "./cli.fixture.ts";
import { buildPage, findBarriers, findChromium, findUnreachable, NO_CHROMIUM, openBrowser, openPaired } from "./control-ui.fixture.ts";
import { ownerOf, spawnBoth } from "./gateway.fixture.ts";

const MINUTES_MS = 300_000;
/** What a request's line can hold. */
const HOSTILE = "a'onfocus=alert(1)&lt;b&gt;";

test(
  "a person sees what was refused, and opens one of it by the command that the page hands over, with the keyboard alone",
  async (context) => {
    const program = findChromium();
    if (program === null) return context.skip(NO_CHROMIUM);
    buildPage();
    await buildEgressImage();
    const site = await createSite();
    const egress = { allow: ["allowed.invalid"] };
    await site.writeConfig({ agents: { defaults: { sandbox: { mode: "all", scope: "agent", start: "eager", egress } } } });
    site.atEnd(() => removeEgress(site.instance));
    const gateway = await spawnBoth(site);
    const owner = await ownerOf(site, gateway);
    const name = site.nameOf("agent:main");
    const ask = async (...words: string[]) => await tryDocker("exec", name, "curl", "-sS", "--max-time", "5", ...words);
    await until(
      "the list is in force",
      async () => (await ask("-o", "/dev/null", "-w", "%{http_code}", "http://first.invalid/")) === "403",
    );
    for (const url of ["http://wanted.invalid:8080/", "http://wanted.invalid:8080/", "http://172.17.0.1:22/"]) await ask(url);
    await ask("--request-target", `http://${HOSTILE}/`, "http://127.0.0.1:3128/");

    const browser = await openBrowser(program);
    const { page, faults } = await openPaired(browser, { url: gateway.url, owner, path: `/sandboxes/${name}` });
    const list = page.getByRole("list", { name: "What it was refused, and what it reached" });
    const row = list.getByRole("listitem").filter({ hasText: "wanted.invalid:8080" });
    await row.getByText("2 times").waitFor();
    await row.getByText("NotListed: no rule allows wanted.invalid").waitFor();
    // What no rule opens has no button, and a host's name is text.
    await list.getByText("172.17.0.1:22").waitFor();
    expect(await list.getByRole("button", { name: "Allow this: 172.17.0.1:22" }).count()).toBe(0);
    await list.getByText(HOSTILE).first().waitFor();
    expect(await list.locator("[onfocus]").count()).toBe(0);
    expect(await findBarriers(page)).toEqual([]);
    expect(await findUnreachable(page)).toEqual([]);

    await row.getByRole("button", { name: "Allow this: wanted.invalid:8080" }).press("Enter");
    const handOver = page.getByRole("region", { name: "Apply it on the host" });
    await handOver.getByRole("button", { name: "Copy the command" }).focus();
    expect(await findBarriers(page)).toEqual([]);
    const command = (await handOver.locator(".command code").textContent()) ?? "";
    const [, file = "", diff = ""] = /^openclaw config patch --config (\S+) <<'EOF'\n(.*)EOF$/s.exec(command) ?? [];
    expect(await cli(["config", "patch", "--config", file], { stateDir: site.stateDir, input: diff })).toMatchObject({ code: 0 });
    expect(JSON.parse(await readFile(file, "utf8")).agents.defaults.sandbox.egress).toEqual({
      allow: ["wanted.invalid:8080", "allowed.invalid"],
    });
    // Its name has no address: it is past the list.
    const statusOf = async (url: string) => await ask("-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30", url);
    await until("the list is another one", async () => (await statusOf("http://wanted.invalid:8080/")) === "502", 60_000);
    await list.getByText("NotResolved").first().waitFor();

    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(await findBarriers(page)).toEqual([]);
    expect(faults).toEqual([]);
  },
  MINUTES_MS,
);
