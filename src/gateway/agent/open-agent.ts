// Puts the loop together for a gateway: the service, what sessions say to each other, and what is asked of the controller. Who may send is the servers'.
import { availableParallelism } from "node:os";
import type { SessionKey } from "../../api/brands.ts";
import { createSystemClock } from "../../api/clock.ts";
import { isErrorCode } from "../../api/errors.ts";
import type { Session } from "../../api/session.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { SessionFiles } from "../sessions/session-files.ts";
import type { AgentParts } from "./agent-parts.ts";
import { AgentService } from "./agent-service.ts";
import type { Arrivals } from "./arrivals.ts";
import type { PromptFile } from "./decide/prompt.ts";
import { Schedule } from "./schedule.ts";

export interface OpenAgentParts extends Omit<AgentParts, "promptFiles" | "readFile" | "clock" | "runsMaxDefault"> {
  controller: Pick<StreamClient, "promptFiles">;
  files: Pick<SessionFiles, "read">;
  arrivals: Arrivals;
}

/** Most of a run is waiting for a model. */
const RUNS_PER_CORE = 4;
const RUNS_MIN = 8;
/** A picture that a person sends; larger ones are not shown to a model anyway. */
const FILE_BYTES_MAX = 8_388_608;

/** With what begins by itself, until it is stopped. */
export function openAgent({ controller, files, arrivals, ...parts }: OpenAgentParts): AgentService {
  const clock = createSystemClock();
  const agent = new AgentService({
    ...parts,
    clock,
    runsMaxDefault: Math.max(RUNS_MIN, RUNS_PER_CORE * availableParallelism()),
    promptFiles: (session) => readPromptFiles({ controller, ...parts }, session),
    readFile: (session, path, signal) => readWhole(files, { session, path }, signal),
  });
  arrivals.start((arrival) => void agent.arrive(arrival).catch(parts.failed));
  void agent.recover().catch(parts.failed);
  const schedule = new Schedule({ ...parts, agent, clock });
  schedule.start();
  agent.atStop(() => schedule.stop());
  return agent;
}

async function readPromptFiles(
  { controller, log }: Pick<OpenAgentParts, "controller" | "log">,
  session: Session,
): Promise<readonly PromptFile[]> {
  const key: SessionKey = session.spec.key;
  try {
    return await controller.promptFiles(key);
  } catch (error) {
    // A session that the controller has not seen yet has a workspace a moment later.
    if (!isErrorCode(error, "NotFound")) log.warn({ session: key, err: error }, "the workspace's prompt files can't be read");
    return [];
  }
}

async function readWhole(
  files: Pick<SessionFiles, "read">,
  { session, path }: { session: Session; path: string },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { content } = await files.read(session, path, signal);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > FILE_BYTES_MAX) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
