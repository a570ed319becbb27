// Identifies the files at paths inside a running container: by the programs of its image, or from a container beside it that nothing inside
// can reach. It judges nothing.
import { text } from "node:stream/consumers";
import type { InstanceId } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { LABEL } from "../../api/labels.ts";
import { ASIDE_CONFINEMENT, type Aside, runAside } from "./docker-aside.ts";
import { type ExecParts, execInDocker } from "./docker-exec.ts";
import { mustRun } from "./docker-run.ts";
import type { Handle } from "./engine.ts";
import { IDENTIFY, IDENTIFY_BESIDE } from "./exec-scripts.ts";

export interface IdentifyParts extends ExecParts {
  instance: InstanceId;
}

interface Look {
  paths: readonly string[];
  /** As the port says it. */
  by: "image" | "beside";
}

/** A line per path: two numbers of 20 digits at most. */
const LINE = /^(?:(\d{1,20}:\d{1,20})|(\?)|-)$/;
/** Whatever the container's environment says, the loader and the shell read nothing of it. */
const OWN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C",
  LC_ALL: "C",
  ENV: "",
  BASH_ENV: "",
  LD_PRELOAD: "",
  LD_LIBRARY_PATH: "",
  LD_AUDIT: "",
};

/** @throws OperationError `StaleHandle` when another run of the container may have answered */
export async function identifyInDocker(parts: IdentifyParts, handle: Handle, { paths, by }: Look): Promise<(string | null)[]> {
  const { Image } = await mustRun(parts.client, handle);
  const { said, code } = by === "image" ? await askInside(parts, handle, paths) : await askBeside(parts, { handle, image: Image, paths });
  await mustRun(parts.client, handle);
  return parse(said, code, paths);
}

async function askInside(parts: IdentifyParts, handle: Handle, paths: readonly string[]): Promise<Aside> {
  const argv = ["/bin/sh", "-c", IDENTIFY, "openclaw-identify", ...paths];
  const stream = await execInDocker(parts, handle, { argv, env: OWN_ENVIRONMENT, workdir: "/", stdin: false });
  const [said, , code] = await Promise.all([text(stream.stdout), text(stream.stderr), stream.exit]);
  return { said, code };
}

/**
 * Root with the one capability that lets it look into the root of another process, in the process namespace of the container: who has it
 * not, can neither trace nor change it.
 */
async function askBeside(
  { client, instance }: IdentifyParts,
  { handle, image, paths }: { handle: Handle; image: string; paths: readonly string[] },
): Promise<Aside> {
  return await runAside(client, "look", {
    Image: image,
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: [IDENTIFY_BESIDE, "openclaw-identify", ...paths],
    Labels: { [LABEL.instance]: instance, [LABEL.probe]: "1" },
    User: "0:0",
    WorkingDir: "/",
    HostConfig: { ...ASIDE_CONFINEMENT, CapAdd: ["SYS_PTRACE"], PidMode: `container:${handle.id}` },
  });
}

function parse(said: string, code: number, paths: readonly string[]): (string | null)[] {
  const lines = said.split(/\r?\n/).filter((line) => line !== "");
  const found = lines.map((line) => LINE.exec(line));
  if (code !== 0 || found.length !== paths.length || found.includes(null))
    throw new OperationError("EngineFailed", `identifying files inside failed with exit code ${code}: ${said.slice(0, 200).trim()}`);
  return found.map((match) => match?.[1] ?? match?.[2] ?? null);
}
