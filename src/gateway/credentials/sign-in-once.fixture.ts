// A process of its own that signs in, for tests of a machine whose clock is wrong: it says where to go, is told what came back, and says how it went.
// Argument: the server, as JSON.
import { createInterface } from "node:readline";
import { toEpochMs } from "../../api/brands.ts";
import type { SignInServer } from "../../api/models/providers.ts";
import { beginSignIn, finishSignIn, makeVerifier } from "./oauth-client.ts";

const server = JSON.parse(process.argv[2] ?? "") as SignInServer;
const begun = await beginSignIn(server, { state: "0123456789abcdef0123456789abcdef", verifier: makeVerifier() });
process.stdout.write(`${begun.url}\n`);
const lines = createInterface({ input: process.stdin });
const { value } = await lines[Symbol.asyncIterator]().next();
const now = () => toEpochMs(Date.now());
try {
  const { clockBehindMs } = await finishSignIn(server, { answer: new URLSearchParams(String(value)), begun }, { now });
  process.stdout.write(`behind by ${Math.round((clockBehindMs ?? 0) / 3_600_000)} h\n`);
} catch (error) {
  process.stdout.write(`${String(error)}\n`);
}
lines.close();
