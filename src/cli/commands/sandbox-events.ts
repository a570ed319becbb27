// `openclaw sandbox events`: what the controller did and why, now or as it happens.
// What is printed inside sandboxes is sandbox-logs.ts.
import { isErrorCode } from "../../api/errors.ts";
import type { SandboxEvent } from "../../api/event.ts";
import { renderEvent } from "../../api/event.ts";
import { toSafeLine } from "../../api/safe-text.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printJsonLine } from "../context.ts";
import { followForever } from "../follow.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";

export async function showEvents(
  context: CliContext,
  sandbox: string | undefined,
  options: StateOptions & { follow?: boolean; json?: boolean },
): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const name = sandbox === undefined ? null : await findSubject(client, sandbox);
  if (options.follow !== true) {
    const { items } = await client.events({ sandbox: name });
    if (options.json === true) printJson(context, { items });
    else print(context, items.map((event) => `${toSafeLine(renderEvent(event))}\n`).join(""));
    return EXIT.ok;
  }
  return followEvents(context, client, { name, json: options.json === true });
}

/** Events outlive their sandbox: one that is gone is known by its full name. */
async function findSubject(client: AdminClient, name: string): Promise<string> {
  try {
    return (await findSandboxNamed(client, name)).metadata.name;
  } catch (error) {
    if (!isErrorCode(error, "NotFound") || (await client.events({ sandbox: name, tail: 1 })).items.length === 0) throw error;
    return name;
  }
}

async function followEvents(
  context: CliContext,
  client: AdminClient,
  { name, json }: { name: string | null; json: boolean },
): Promise<ExitCode> {
  const path = `/v1/events${name === null ? "" : `?sandbox=${encodeURIComponent(name)}`}`;
  return await followForever(context, client, { path, lastEventId: 0 }, (data) => {
    if (!isEvent(data)) return;
    if (json) printJsonLine(context, data);
    else print(context, toSafeLine(renderEvent(data)));
  });
}

const isEvent = (value: unknown): value is SandboxEvent =>
  typeof value === "object" && value !== null && "reason" in value && "lastSeen" in value;
