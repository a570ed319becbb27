// Runs a helper container to its end, returns its output, and removes it whatever happens. What it is for is up to the caller.
// After a crash in between, the sweep removes it by its label.
import type Docker from "dockerode";
import { z } from "zod";
import type { DockerClient } from "./docker-client.ts";

/** Nothing more than a file system that it can read. */
export const ASIDE_CONFINEMENT: Docker.HostConfig = {
  NetworkMode: "none",
  ReadonlyRootfs: true,
  CapDrop: ["ALL"],
  SecurityOpt: ["no-new-privileges:true"],
  PidsLimit: 64,
  // What it says is asked for once, whatever the engine does with the output of others.
  LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "1" } },
};

const Ended = z.object({ StatusCode: z.number() });

export interface Aside {
  code: number;
  /** Of both outputs, as a terminal shows them. */
  said: string;
}

/** @throws OperationError as the engine says */
export async function runAside(client: DockerClient, subject: string, options: Docker.ContainerCreateOptions): Promise<Aside> {
  // Behind a terminal the log is the output itself, without frames.
  const id = await client.create({ ...options, Tty: true, Healthcheck: { Test: ["NONE"] } });
  const container = client.docker.getContainer(id);
  try {
    await client.run("start", subject, async (abortSignal) => await container.start({ abortSignal }));
    const ended = await client.run("start", subject, async (abortSignal) => await container.wait({ abortSignal }));
    const said = await client.run(
      "inspect",
      subject,
      async (abortSignal) => await container.logs({ stdout: true, stderr: true, abortSignal }),
    );
    return { code: Ended.parse(ended).StatusCode, said: said.toString("utf8") };
  } finally {
    await client.run("remove-object", subject, async (abortSignal) => await container.remove({ force: true, v: true, abortSignal }));
  }
}
