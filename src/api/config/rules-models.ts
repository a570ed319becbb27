// Rules about models and sign-in: references that lead nowhere, addresses that give a key away, prices that a budget lacks, and secrets in the file itself.
// What is only a missing sign-in is not the config's; `models status` says it.
import type { Issue } from "../issue.ts";
import { PROFILE_ID } from "../models/credential.ts";
import { MODEL_APIS } from "../models/providers.ts";
import { isSelfHosted, isTarget, listProviders, type ModelProblem, type ModelTarget, resolveModel } from "../models/resolve.ts";
import type { Config } from "./config.ts";
import { BUDGET_SPANS, type ModelChoice, toKeyFile } from "./models.ts";
import type { Reporter } from "./reporter.ts";
import { findNearest } from "./suggest.ts";
import { type ConfigNode, type ConfigPath, renderPath } from "./tree.ts";

export function checkModels(config: Config, reporter: Reporter): void {
  const used = [
    ...checkChoice(config, config.models.choice, "agents.defaults.model", reporter),
    ...config.agents.flatMap((agent) =>
      agent.model === null || agent.path === null ? [] : checkChoice(config, agent.model, `${agent.path}.model`, reporter),
    ),
  ];
  checkProviders(config, reporter);
  checkAuth(config, reporter);
  checkBudget(config, used, reporter);
}

/** @returns those that can be called */
function checkChoice(config: Config, { primary, fallbacks }: ModelChoice, path: string, reporter: Reporter): ModelTarget[] {
  const isText = !config.locations.has(`${path}.primary`) && !config.locations.has(`${path}.fallbacks`);
  const written: [string, string][] = fallbacks.map((text, index) => [text, `${path}.fallbacks[${index}]`]);
  if (primary !== null) written.unshift([primary, isText ? path : `${path}.primary`]);
  return written.flatMap(([text, at]) => {
    const found = resolveModel(config, text);
    if (isTarget(found)) return [found];
    reportProblem(config, found, at, reporter);
    return [];
  });
}

/** Upstream knows more providers than this product, so the file as a whole is good. */
function reportProblem(config: Config, { written, message, fix }: ModelProblem, at: string, reporter: Reporter): void {
  const provider = written.split("/")[0] ?? "";
  const nearest = written.includes("/") ? findNearest(provider, listProviders(config)) : undefined;
  const meant = nearest === undefined || nearest === provider ? fix : `did you mean "${nearest}${written.slice(provider.length)}"?`;
  reporter.add(at, { severity: "warning", message: `"${written}" is not used: ${message}`, fix: meant });
}

function checkProviders(config: Config, reporter: Reporter): void {
  for (const [id, provider] of Object.entries(config.models.providers)) {
    const at = renderPath(["models", "providers", id]);
    if (provider.api !== null && !(MODEL_APIS as readonly string[]).includes(provider.api))
      reporter.add(`${at}.api`, {
        severity: "warning",
        message: `"${provider.api}" is not spoken here, so the provider is not used`,
        fix: `one of ${MODEL_APIS.join(", ")}`,
      });
    if (provider.baseUrl !== null) checkBaseUrl(provider.baseUrl, `${at}.baseUrl`, reporter);
  }
}

function checkBaseUrl(written: string, at: string, reporter: Reporter): void {
  const url = URL.parse(written);
  const refuse = (message: string, fix: string): void => reporter.add(at, { severity: "error", message, fix });
  if (url === null || !/^https?:$/.test(url.protocol)) refuse("expected an http or https URL", 'such as "http://127.0.0.1:8000/v1"');
  else if (url.username !== "" || url.password !== "") refuse("a URL with a login", "write the key as apiKey, or send it in headers");
  else if (url.search !== "" || url.hash !== "") refuse("expected no query and no fragment: paths are added at its end", "remove them");
  else if (url.protocol === "http:" && !isSelfHosted(written))
    reporter.add(at, { severity: "warning", message: "the key and all that is said can be read on the way", fix: "write https" });
}

function checkAuth(config: Config, reporter: Reporter): void {
  for (const id of Object.keys(config.auth.profiles)) {
    const { provider } = config.auth.profiles[id] ?? { provider: "" };
    const at = renderPath(["auth", "profiles", id]);
    if (!PROFILE_ID.test(id))
      reporter.add(at, {
        severity: "error",
        message: "expected the id of a profile: <provider>:<name>",
        fix: `such as "${provider}:default"`,
      });
    else if (!id.startsWith(`${provider}:`))
      reporter.add(at, { severity: "error", message: `the id says another provider than "${provider}"`, fix: `write "${provider}:..."` });
  }
  for (const [provider, ids] of Object.entries(config.auth.order))
    for (const [index, id] of ids.entries())
      if (!id.startsWith(`${provider}:`))
        reporter.add(`${renderPath(["auth", "order", provider])}[${index}]`, {
          severity: "warning",
          message: `"${id}" is no profile of "${provider}", so it has no effect`,
          fix: `a profile of its is "${provider}:NAME"`,
        });
}

function checkBudget({ models, agents }: Config, used: readonly ModelTarget[], reporter: Reporter): void {
  const ofAll = BUDGET_SPANS.filter((span) => models.budget[span].usd !== null).map((span) => `agents.defaults.budget.${span}.usd`);
  const own = agents.flatMap(({ path, budget }) =>
    (["session", "agentDay"] as const).filter((span) => budget[span].usd !== null).map((span) => `${path}.budget.${span}.usd`),
  );
  const [key] = [...ofAll, ...own];
  if (key === undefined) return;
  const unpriced = used.find(({ price }) => price === null || price.input === null || price.output === null);
  if (unpriced === undefined) return;
  const { provider, model } = unpriced;
  reporter.add(key, {
    severity: "warning",
    message: `does not count "${provider}/${model}", whose price is not in the config`,
    fix: `add { id: "${model}", cost: { input, output } } to models.providers.${provider}.models, or limit tokens`,
  });
}

const SECRET_HEADER = /authorization|key|token|secret|cookie/i;

/** Of a tree whose variables are not replaced yet: a key in the file is in every copy and backup of it. */
export function findWrittenSecrets(root: ConfigNode): Issue[] {
  const at = (node: ConfigNode | undefined, key: string): ConfigNode | undefined =>
    node?.kind === "object" ? node.members.find((member) => member.key === key)?.value : undefined;
  const providers = at(at(root, "models"), "providers");
  if (providers?.kind !== "object") return [];
  return providers.members.flatMap(({ key, value }): Issue[] => {
    const headers = at(value, "headers");
    const named = headers?.kind === "object" ? headers.members.filter((member) => SECRET_HEADER.test(member.key)) : [];
    const written: [ConfigPath, ConfigNode | undefined][] = [
      [["apiKey"], at(value, "apiKey")],
      ...named.map((member): [ConfigPath, ConfigNode] => [["headers", member.key], member.value]),
    ];
    const fix = `openclaw models auth paste-api-key --provider ${key}, and remove it here`;
    return written.flatMap(([rest, node]): Issue[] => {
      const message = node === undefined ? null : explainSecret(node);
      if (node === undefined || message === null) return [];
      return [{ severity: "warning", ...node.at, path: renderPath(["models", "providers", key, ...rest]), message, fix }];
    });
  });
}

/** null: nothing to say. */
function explainSecret(node: ConfigNode): string | null {
  if (node.kind === "scalar")
    return typeof node.value === "string" && node.value !== "" && !node.value.includes("${") ? "a secret in the config file" : null;
  const at = (name: string): unknown => {
    const found = node.kind === "object" ? node.members.find(({ key }) => key === name)?.value : undefined;
    return found?.kind === "scalar" ? found.value : undefined;
  };
  const source = at("source");
  switch (source) {
    case undefined:
    case "env":
      return null;
    case "file":
      return toKeyFile(String(at("id"))) === null ? 'the id of a secret of source "file" is no absolute path, so there is no key' : null;
    case "exec":
      return 'a program is run for no key (source "exec"): it would run with all that the gateway may do, so there is no key';
    default:
      return `a secret of source ${JSON.stringify(source)} is not read here, so there is no key`;
  }
}
