// `openclaw sandbox events` and `logs`: what happened, and what a sandbox's setup printed.
// Output of processes inside is `sandbox exec` and `sandbox ps log`.
import { isErrorCode } from "../../api/errors.ts";
import type { SandboxEvent } from "../../api/event.ts";
import { renderEvent } from "../../api/event.ts";
import { toSafeLine, toSafeText } from "../../api/safe-text.ts";
import { AdminClient } from "../admin-client.ts";
import { type CliContext, EXIT, type ExitCode, print, printData, printJson, printJsonLine, printNote } from "../context.ts";
import { type StateOptions, toStateDir } from "../paths.ts";
import { findSandboxNamed } from "../sandbox-name.ts";

/** A controller that restarts takes under a second. */
const RECONNECT_MS = 500;

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
    if (!isErrorCode(error, "NotFound") || (await client.events({ sandbox: name })).items.length === 0) throw error;
    return name;
  }
}

/** Goes on over a restart of the controller, from where it was. Ends with the terminal. */
async function followEvents(
  context: CliContext,
  client: AdminClient,
  { name, json }: { name: string | null; json: boolean },
): Promise<ExitCode> {
  const path = `/v1/events${name === null ? "" : `?sandbox=${encodeURIComponent(name)}`}`;
  let lastEventId = 0;
  let told = false;
  // A controller that was never there is an error; one that goes away may come back.
  await client.status();
  for (;;) {
    try {
      for await (const { event, data, id } of client.follow(path, { lastEventId })) {
        told = false;
        lastEventId = id ?? lastEventId;
        if (event !== "event" || !isEvent(data)) continue;
        if (json) printJsonLine(context, data);
        else print(context, toSafeLine(renderEvent(data)));
      }
    } catch (error) {
      if (!isErrorCode(error, "ControllerUnreachable")) throw error;
    }
    if (!told) printNote(context, "openclaw: lost the connection to the controller; waiting for it to return");
    told = true;
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

const isEvent = (value: unknown): value is SandboxEvent =>
  typeof value === "object" && value !== null && "reason" in value && "lastSeen" in value;

export async function showSetupLog(
  context: CliContext,
  sandbox: string,
  options: StateOptions & { tail: number; json?: boolean },
): Promise<ExitCode> {
  const client = new AdminClient(toStateDir(context, options));
  const { metadata } = await findSandboxNamed(client, sandbox);
  const log = await client.logs(metadata.name, options.tail);
  if (options.json === true) printJson(context, log);
  else if (log.state === "none")
    printNote(
      context,
      `no setup of ${metadata.name} has run since the controller started; to see what runs inside: openclaw sandbox ps list ${metadata.name}`,
    );
  else {
    if (log.truncated) printNote(context, "openclaw: earlier output is omitted");
    printData(context, toSafeText(log.text));
    printNote(context, `openclaw: setup ${log.state}`);
  }
  return EXIT.ok;
}
