// A process of its own that needs a profile's secret, as a gateway and a command do beside each other: for tests. It says what it got by its digest.
// Arguments: state folder, how many milliseconds its clock is ahead, what it does ("resolve", or "die": kill -9 between the server's answer and the write).
import { createHash } from "node:crypto";
import { once } from "node:events";
import { toEpochMs } from "../../api/brands.ts";
import { CredentialStore } from "./credential-store.ts";
import { Credentials } from "./credentials.ts";
import { toCredentialsFolder } from "./main.ts";

const [, , stateDir = "", aheadMs = "0", does = "resolve"] = process.argv;
const now = () => toEpochMs(Date.now() + Number(aheadMs));

const dying: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  await response.text();
  process.kill(process.pid, "SIGKILL");
  return response;
};

const credentials = new Credentials({
  ...{ store: new CredentialStore({ folder: toCredentialsFolder(stateDir), now }), now, configured: () => ({ order: {}, profiles: [] }) },
  newRevision: () => createHash("sha256").update(`${process.pid} ${performance.now()}`).digest("hex").slice(0, 16),
  refused: (profile, because) => void process.stderr.write(`${profile}: ${because}\n`),
  ...(does === "die" && { fetch: dying }),
});
process.stdout.write("ready\n");
await once(process.stdin, "data");
const resolved = await credentials.resolve("openai:default", new AbortController().signal);
const said =
  resolved.kind === "secret" && resolved.secret.kind === "oauth"
    ? createHash("sha256").update(resolved.secret.accessToken).digest("hex")
    : JSON.stringify(resolved);
process.stdout.write(`${said}\n`);
process.stdin.destroy();
