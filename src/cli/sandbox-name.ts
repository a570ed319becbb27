// Finds the sandbox that a person means. What a name may be (a sandbox, an agent, a session, the beginning of a name) is the controller's to say
// (controller/views/named-sandbox.ts), so that the command line and HTTP mean the same.
import { OperationError } from "../api/errors.ts";
import type { Sandbox } from "../api/sandbox.ts";
import type { NameView, SandboxDetail } from "../api/wire.ts";
import type { AdminClient } from "./admin-client.ts";

/** Whether the browser beside the sandbox of that name is meant. */
export interface MeantKind {
  browser?: boolean;
}

/** @throws OperationError `NotFound`: nothing is called that, or it has no sandbox yet; `InvalidArgument`: several are */
export async function findSandboxNamed(client: AdminClient, text: string, kind: MeantKind = {}): Promise<Sandbox> {
  return (await describeSandboxNamed(client, text, kind)).sandbox;
}

/** The same, with its events. */
export async function describeSandboxNamed(client: AdminClient, text: string, { browser }: MeantKind = {}): Promise<SandboxDetail> {
  const name = browser === true ? (await findBrowser(client, text)).metadata.name : text;
  return await client.sandbox(checkName(name));
}

/** The browser that is meant, or that is beside the sandbox that is. One that the config still wants comes before one that is about to go. */
async function findBrowser(client: AdminClient, text: string): Promise<Sandbox> {
  const { sandbox: name, scopeKey } = await lookUpName(client, text);
  const beside = (await client.sandboxes("browser")).filter(({ spec }) => spec.scopeKey === scopeKey);
  const meant = beside.find(({ metadata }) => metadata.name === name) ?? beside.find(({ spec }) => spec.wanted) ?? beside[0];
  if (meant !== undefined) return meant;
  throw new OperationError(
    "NotFound",
    `there is no browser for ${JSON.stringify(scopeKey)}: one starts when a session uses the tool browser`,
    {
      fix: `openclaw sandbox explain --browser ${text}`,
    },
  );
}

/** The same, where it need not have been created yet. */
export async function lookUpName(client: AdminClient, text: string): Promise<NameView> {
  return await client.named(checkName(text));
}

/** What can't be a part of a path is the name of nothing. */
function checkName(text: string): string {
  if (text === "") throw new OperationError("InvalidArgument", "expected the name of a sandbox, an agent or a session, not an empty text");
  if (text === "." || text === "..") throw new OperationError("NotFound", `there is no sandbox, agent or session "${text}"`);
  return text;
}
