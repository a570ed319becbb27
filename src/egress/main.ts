// The egress proxy as a process, and the commands that speak to it: this file reads the arguments.
// `openclaw-egress serve | apply | status | follow [--since SEQ] | test`; the relay beside each sandbox is images/egress/entrypoint.sh's.
import { parseArgs } from "node:util";
import { type ControlRequest, runControlCommand } from "./control-client.ts";

/** Where a controller mounts the volume, and memory that is the proxy's alone. */
const SOCKETS_FOLDER = "/run/openclaw-egress";
const CONTROL_SOCKET = "/run/openclaw/egress.sock";
const USAGE = `usage: openclaw-egress serve              the proxy; it refuses everything until it has a policy
       openclaw-egress apply <policy      hand it a policy (JSON), and wait until it is in force
       openclaw-egress status             what is in force
       openclaw-egress follow [--since N] every decision, one line of JSON each
       openclaw-egress test <request      {"id", "url"}: what would be decided, and why
options: --control PATH  the control socket (${CONTROL_SOCKET})
         --sockets PATH  serve: the folder of the sandboxes' sockets, all of it the proxy's (${SOCKETS_FOLDER})
         --dns ADDRESS   serve: ask these servers, not those of /etc/resolv.conf; may be given more than once
`;

const COMMANDS: Readonly<Record<string, Omit<ControlRequest, "socketPath">>> = {
  apply: { method: "POST", path: "/policy" },
  test: { method: "POST", path: "/test" },
  status: { method: "GET", path: "/status" },
  follow: { method: "GET", path: "/records" },
};

const OPTIONS = {
  since: { type: "string", default: "0" },
  control: { type: "string", default: CONTROL_SOCKET },
  sockets: { type: "string", default: SOCKETS_FOLDER },
  dns: { type: "string", multiple: true },
} as const;

/** @returns the exit code; null: it serves */
async function main(): Promise<number | null> {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: OPTIONS });
  const [name = "", ...more] = positionals;
  const command = COMMANDS[name];
  const isKnown = (name === "serve" || command !== undefined) && more.length === 0 && /^\d{1,15}$/.test(values.since);
  if (!isKnown) {
    process.stderr.write(USAGE);
    return 2;
  }
  if (command === undefined) {
    // A command needs none of it, and begins in a third of the time.
    const { serve } = await import("./serve.ts");
    await serve(values);
    return null;
  }
  const path = name === "follow" ? `${command.path}?since=${values.since}` : command.path;
  const streams = { input: process.stdin, output: process.stdout, errors: process.stderr };
  return await runControlCommand({ ...command, path, socketPath: values.control }, streams);
}

try {
  const code = await main();
  if (code !== null) process.exitCode = code;
} catch (error) {
  process.stderr.write(`openclaw-egress: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
