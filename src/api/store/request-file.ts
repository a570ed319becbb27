// Writes a person's request about one sandbox as a file, which the controller watches. Keeps what an earlier request set and this one does not.
// What the controller does with it is not known here.
import { join } from "node:path";
import { type EpochMs, renderTime, type SandboxName } from "../brands.ts";
import {
  REQUEST_FILE_SUFFIX,
  ROLLOUT_REQUEST_NAME,
  ROLLOUT_REQUEST_SUFFIX,
  type RolloutRequestFile,
  SandboxRequest,
  type SandboxRequestFile,
} from "../request.ts";
import { API_VERSION } from "../session.ts";
import { readBounded, replaceFile } from "./atomic-file.ts";
import { makeFolder } from "./group-folder.ts";

/** A request is under 1 KiB. */
const REQUEST_BYTES_MAX = 16_384;

/** @throws OperationError `HostRejected` */
export async function requestRecreation(
  stateDir: string,
  name: SandboxName,
  { after, kill }: { after: EpochMs; kill: boolean },
): Promise<void> {
  await changeRequest(stateDir, name, ({ kill: _, ...before }) => ({ ...before, recreateAfter: after, ...(kill && { kill }) }));
}

/** Lets a removal through. @param since the wait that is ended: a later one needs another approval. @throws OperationError `HostRejected` */
export async function approveRemoval(stateDir: string, name: SandboxName, since: EpochMs): Promise<void> {
  await changeRequest(stateDir, name, (before) => ({ ...before, approve: since }));
}

/** A pin is newer than a pending request to recreate: that one ends. @throws OperationError `HostRejected` */
export async function pinSandbox(stateDir: string, name: SandboxName, pinned: boolean): Promise<void> {
  await changeRequest(stateDir, name, ({ recreateAfter, kill, pin: _, ...before }) =>
    pinned
      ? { ...before, pin: true }
      : { ...before, ...(recreateAfter !== undefined && { recreateAfter }), ...(kill !== undefined && { kill }) },
  );
}

/** @param since null: rollouts go on. @throws OperationError `HostRejected` */
export async function requestPause(stateDir: string, since: EpochMs | null): Promise<void> {
  const request: RolloutRequestFile = {
    apiVersion: API_VERSION,
    kind: "RolloutRequest",
    metadata: { name: ROLLOUT_REQUEST_NAME },
    spec: since === null ? {} : { pausedSince: renderTime(since) },
  };
  await writeRequest(await openRequests(stateDir), `${ROLLOUT_REQUEST_NAME}${ROLLOUT_REQUEST_SUFFIX}`, request);
}

type RequestSpec = SandboxRequest["spec"];

async function changeRequest(stateDir: string, name: SandboxName, change: (before: RequestSpec) => RequestSpec): Promise<void> {
  const folder = await openRequests(stateDir);
  const file = `${name}${REQUEST_FILE_SUFFIX}`;
  const { recreateAfter, approve, ...rest } = change(await readRequest(join(folder, file)));
  const request: SandboxRequestFile = {
    apiVersion: API_VERSION,
    kind: "SandboxRequest",
    metadata: { name },
    spec: {
      ...rest,
      ...(recreateAfter !== undefined && { recreateAfter: renderTime(recreateAfter) }),
      ...(approve !== undefined && { approve: renderTime(approve) }),
    },
  };
  await writeRequest(folder, file, request);
}

/** Makes the folder when it is not there. */
async function openRequests(stateDir: string): Promise<string> {
  const folder = join(stateDir, "requests");
  await makeFolder(folder);
  return folder;
}

/** The controller may run as another user of the same group; nothing in a request is secret. */
async function writeRequest(folder: string, file: string, request: SandboxRequestFile | RolloutRequestFile): Promise<void> {
  await replaceFile(join(folder, file), `${JSON.stringify(request, null, 2)}\n`, { durable: true, mode: 0o644 });
}

/** A file that is not a valid request is replaced. */
async function readRequest(path: string): Promise<SandboxRequest["spec"]> {
  const read = await readBounded(path, REQUEST_BYTES_MAX);
  if (read.kind !== "read") return {};
  try {
    return SandboxRequest.parse(JSON.parse(read.text)).spec;
  } catch {
    return {};
  }
}
