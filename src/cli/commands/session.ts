// `openclaw session ...`: conversations with agents, as the gateway keeps them. A session that is created gets its sandbox at once; its messages are what
// clients wrote. Everything is asked of the gateway: it alone writes session files.
import { text as readText } from "node:stream/consumers";
import { renderTime, toEpochMs } from "../../api/brands.ts";
import { quotePath } from "../../api/config/sources.ts";
import { OperationError } from "../../api/errors.ts";
import { toSafeText } from "../../api/safe-text.ts";
import { confirm } from "../confirm.ts";
import { type CliContext, EXIT, type ExitCode, print, printData, printJson, printNote, toWidth } from "../context.ts";
import { connectGateway } from "../gateway-client.ts";
import type { GatewayTarget } from "../gateway-health.ts";
import { type OutputOptions, printAsData, toOutputForm } from "../output-form.ts";
import { renderTable } from "../table.ts";
import { indent, renderAge } from "../text.ts";

export type SessionOptions = GatewayTarget & { json?: boolean };

/** @param key full or short. Absent: a new conversation */
export async function createSession(
  context: CliContext,
  key: string | undefined,
  options: SessionOptions & { agent?: string },
): Promise<ExitCode> {
  const client = await connectGateway(context, options);
  const body = { ...(key !== undefined && { key }), ...(options.agent !== undefined && { agentId: options.agent }) };
  const session = await client.ask("createSession", { body });
  if (options.json === true) printJson(context, session);
  else {
    print(context, session.key);
    printNote(
      context,
      session.sandboxed
        ? `its tools run in a sandbox, which is being created: openclaw sandbox wait ${quotePath(session.key)}`
        : `its tools run in no sandbox; to see why: openclaw sandbox explain ${quotePath(session.key)}`,
    );
  }
  return EXIT.ok;
}

export async function listSessions(context: CliContext, options: GatewayTarget & OutputOptions): Promise<ExitCode> {
  const { items } = await (await connectGateway(context, options)).ask("listSessions");
  if (await printAsData(context, toOutputForm(options), { value: { items }, names: items.map(({ key }) => key) })) return EXIT.ok;
  if (items.length === 0) printNote(context, "no sessions yet; create one with: openclaw session create main");
  else {
    const now = context.now();
    const age = (at: number | null): string => renderAge(at === null ? null : toEpochMs(at), now);
    const rows = items.map((one) => [
      ...[one.key, one.agentId, one.kind, one.sandboxed ? "yes" : "no", String(one.messages), age(one.createdAt), age(one.lastActivityAt)],
      one.endedAt === null ? "live" : `ended ${age(one.endedAt)} ago`,
    ]);
    print(
      context,
      renderTable(["KEY", "AGENT", "KIND", "SANDBOXED", "MESSAGES", "AGE", "IDLE", "STATE"], rows, {
        width: toWidth(context),
        optional: ["AGENT", "KIND", "AGE", "SANDBOXED"],
      }),
    );
  }
  return EXIT.ok;
}

/** Pages are fetched until the limit or the end is reached. */
export async function showHistory(
  context: CliContext,
  key: string,
  options: SessionOptions & { limit: number; after: number },
): Promise<ExitCode> {
  const client = await connectGateway(context, options);
  const items: Message[] = [];
  let after = options.after;
  while (items.length < options.limit) {
    const limit = String(Math.min(options.limit - items.length, PAGE_LENGTH_MAX));
    const page = await client.ask("listMessages", { params: { key }, query: { after: String(after), limit } });
    items.push(...page.items);
    const last = page.items.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  if (options.json === true) printJson(context, { items });
  else if (items.length === 0) printNote(context, `no messages in ${key}${options.after > 0 ? ` after ${options.after}` : ""}`);
  else printData(context, items.map(renderMessage).join(""));
  return EXIT.ok;
}

const PAGE_LENGTH_MAX = 1_000;

interface Message {
  id: number;
  at: number;
  role: string;
  text: string;
  from: string | null;
}

const renderMessage = ({ id, at, role, text, from }: Message): string =>
  `${id}  ${renderTime(toEpochMs(at))}  ${role}${from === null ? "" : ` from ${toSafeText(from)}`}\n${indent(`${toSafeText(text).trimEnd()}\n`)}`;

/** @param words of the message. None: it comes from stdin */
export async function sendMessage(
  context: CliContext,
  { key, words }: { key: string; words: readonly string[] },
  options: SessionOptions & { role?: string },
): Promise<ExitCode> {
  if (words.length === 0 && context.stdin.isTTY === true)
    throw new OperationError("InvalidArgument", "no message given", { fix: 'openclaw session send KEY "MESSAGE", or pipe one in' });
  const text = words.length === 0 ? await readText(context.stdin) : words.join(" ");
  const client = await connectGateway(context, options);
  const message = await client.ask("sendMessage", {
    params: { key },
    body: { text, ...(options.role !== undefined && { role: options.role }) },
  });
  if (options.json === true) printJson(context, message);
  else print(context, `message ${message.id} was added`);
  return EXIT.ok;
}

export async function resetSession(context: CliContext, key: string, options: SessionOptions & { force?: boolean }): Promise<ExitCode> {
  const client = await connectGateway(context, options);
  const known = await client.ask("getSession", { params: { key } });
  const question = `Reset ${known.key} (its ${known.messages} messages are removed, and running calls are canceled)?`;
  if (!(await isConfirmed(context, question, options))) return EXIT.failed;
  const session = await client.ask("resetSession", { params: { key } });
  if (options.json === true) printJson(context, session);
  else print(context, `${session.key} was reset`);
  return EXIT.ok;
}

export async function deleteSession(context: CliContext, key: string, options: SessionOptions & { force?: boolean }): Promise<ExitCode> {
  const client = await connectGateway(context, options);
  const known = await client.ask("getSession", { params: { key } });
  const question = `Delete ${known.key} (its ${known.messages} messages are removed, and its sandbox, if no other session uses it)?`;
  if (!(await isConfirmed(context, question, options))) return EXIT.failed;
  const { deleted } = await client.ask("deleteSession", { params: { key } });
  if (options.json === true) printJson(context, { deleted });
  else print(context, `${deleted} was deleted`);
  return EXIT.ok;
}

/** Asked only at a terminal; a script has decided. */
async function isConfirmed(context: CliContext, question: string, { force }: { force?: boolean }): Promise<boolean> {
  if (force === true || context.stdin.isTTY !== true || (await confirm(context, question))) return true;
  printNote(context, "openclaw: nothing changed");
  return false;
}
