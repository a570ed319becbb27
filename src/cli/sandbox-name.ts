// Finds the sandbox that a person means: by its name, by an unambiguous beginning of it, by its agent or by its session.
// It asks the controller once and changes nothing.
import { renderDidYouMean } from "../api/config/suggest.ts";
import { OperationError } from "../api/errors.ts";
import type { Sandbox } from "../api/sandbox.ts";
import type { AdminClient } from "./admin-client.ts";

/** `main` means `agent:main:main`; what has a colon is a whole key already. */
export const expandSessionKey = (text: string): string => (text.includes(":") ? text : `agent:${text}:main`);

export async function findSandboxNamed(client: AdminClient, text: string): Promise<Sandbox> {
  return chooseSandbox(await client.sandboxes("all"), text);
}

/** @throws OperationError `NotFound` with a did-you-mean, `InvalidArgument` when several are meant */
export function chooseSandbox(sandboxes: readonly Sandbox[], text: string): Sandbox {
  const exact = sandboxes.find(({ metadata }) => metadata.name === text);
  if (exact !== undefined) return exact;
  const tools = sandboxes.filter(({ spec }) => spec.kind === "tools");
  for (const isMeant of [byKey(text), byAgent(text), byBeginning(text)]) {
    const meant = (tools.some(isMeant) ? tools : sandboxes).filter(isMeant);
    const [first, second] = meant;
    if (first !== undefined && second === undefined) return first;
    if (second !== undefined) {
      const names = meant.slice(0, 5).map(({ metadata }) => metadata.name);
      throw new OperationError(
        "InvalidArgument",
        `"${text}" matches ${meant.length} sandboxes: ${names.join(", ")}${meant.length > 5 ? ", ..." : ""}`,
      );
    }
  }
  const fix = renderDidYouMean(
    text,
    sandboxes.flatMap(({ metadata, spec }) => [metadata.name, spec.agentId ?? "shared"]),
  ).fix;
  const known = sandboxes.length === 0 ? "there are no sandboxes" : "list them with: openclaw sandbox list --all";
  throw new OperationError("NotFound", `there is no sandbox "${text}"`, { fix: fix ?? known });
}

const byKey =
  (text: string) =>
  ({ spec }: Sandbox): boolean =>
    spec.scopeKey === text || spec.scopeKey === expandSessionKey(text);

const byAgent =
  (text: string) =>
  ({ spec }: Sandbox): boolean =>
    spec.agentId === text;

const byBeginning =
  (text: string) =>
  ({ metadata }: Sandbox): boolean =>
    text !== "" && metadata.name.startsWith(text);
