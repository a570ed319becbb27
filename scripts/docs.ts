// Writes the parts of the documentation that a table in the code knows better than a person: docs/config.md.
// Run as `node scripts/docs.ts`; test/docs.test.ts fails while the file differs from the tables.
import { writeFile } from "node:fs/promises";
import { BROWSER_KEYS, DOCKER_KEYS, type KeyFacts, PRUNE_KEYS, ROLLOUT_KEYS, SANDBOX_KEYS } from "../src/api/config/keys.ts";
import { describeFields } from "../src/controller/decide/fields.ts";

export const CONFIG_PAGE = new URL("../docs/config.md", import.meta.url);

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function renderKeys(title: string, prefix: string, keys: Readonly<Record<string, KeyFacts>>): string {
  const rows = Object.entries(keys).map(([key, facts]) => {
    const value = facts.default === null ? "unset" : `\`${JSON.stringify(facts.default)}\``;
    return `| \`${prefix}${key}\` | ${cell(value)} | ${cell(facts.about)} |`;
  });
  return `## ${title}\n\n| key | default | meaning |\n| --- | --- | --- |\n${rows.join("\n")}\n`;
}

function renderDrift(): string {
  const costs = { live: "changes while the container runs", recreate: "needs a new container" } as const;
  const known = { inspect: "field by field", hash: "by the container's hash" } as const;
  const mended = {
    "docker update": "`docker update`: set back in place",
    "docker network": "`docker network connect`, `disconnect`: undone in place",
  } as const;
  const rows = describeFields().map(
    ({ key, remedy, knownBy, byHand }) =>
      `| \`${key}\` | ${costs[remedy]} | ${known[knownBy]} | ${byHand === null ? "the engine has no way" : mended[byHand]} |`,
  );
  return [
    "## What a change costs",
    "",
    "A limit that is lifted altogether needs a new container too, except `docker.pidsLimit`. `mounts` are `docker.binds`, `workspaceAccess`,",
    "`workspaceRoot` and the agent's `workspace`. Keys that are not here (`rollout`, `prune`, `start`) change nothing in a container.",
    "",
    "| field | a change in the config | a difference is seen | a change by hand |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
    "A change by hand is found at once by the engine's event, and without one at the latest by the look at everything, every 5 minutes. So is",
    "the rest of what people do: a container that was renamed gets its name back, a paused one goes on, a stopped one is started (with a",
    "setup: made anew), a removed one is made anew.",
    "",
  ].join("\n");
}

export function renderConfigPage(): string {
  return [
    "# Config keys",
    "",
    "Made from the tables in the code by `node scripts/docs.ts`. All keys live in `agents.defaults.sandbox`, and per agent in",
    "`agents.list[].sandbox` or `agents.entries.<id>.sandbox`. `openclaw config schema` prints the same as JSON Schema for editors,",
    "`openclaw sandbox explain --agent ID` which value is in force and which line of the file says so.",
    "",
    "Merge, agent over defaults: scalars replace; `tmpfs`, `capDrop`, `dns`, `extraHosts` replace as a whole; `env` and `ulimits` merge by",
    "key (`null` removes one); `binds` add up, and a later bind with the same target wins. With scope `shared` only the defaults count.",
    "",
    renderKeys("Sandbox", "", SANDBOX_KEYS),
    renderKeys("Container", "docker.", DOCKER_KEYS),
    renderKeys("Pruning", "prune.", PRUNE_KEYS),
    renderKeys("Rollout", "rollout.", ROLLOUT_KEYS),
    renderKeys("Browser", "browser.", BROWSER_KEYS),
    renderDrift(),
  ].join("\n");
}

if (process.argv[1] === import.meta.filename) await writeFile(CONFIG_PAGE, renderConfigPage());
