// Finds the sandbox that a person means. What a name may be (a sandbox, an agent, a session, the beginning of a name) is the controller's to say
// (controller/views/named-sandbox.ts), so that the command line and HTTP mean the same.
import { OperationError } from "../api/errors.ts";
import type { Sandbox } from "../api/sandbox.ts";
import type { NameView, SandboxDetail } from "../api/wire.ts";
import type { AdminClient } from "./admin-client.ts";

/** @throws OperationError `NotFound`: nothing is called that, or it has no sandbox yet; `InvalidArgument`: several are */
export async function findSandboxNamed(client: AdminClient, text: string): Promise<Sandbox> {
  return (await describeSandboxNamed(client, text)).sandbox;
}

/** The same, with its events. */
export async function describeSandboxNamed(client: AdminClient, text: string): Promise<SandboxDetail> {
  return await client.sandbox(checkName(text));
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
