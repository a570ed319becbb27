// Where an engine is told how to work: hints name the file of the engine that is there. Pure; what should be set, the checks say.
import type { EngineInfo } from "../engine/engine.ts";

export interface EngineSettings {
  /** Storage that copies nothing. */
  storage: string;
  /** A runtime by its name. */
  runtimes: string;
  /** What lets all system calls through. */
  noSeccomp: string;
  /** Root inside as a user outside. */
  userNamespaces: string;
}

const DOCKER: EngineSettings = {
  storage: 'set "storage-driver": "overlay2" in /etc/docker/daemon.json and restart the engine',
  runtimes: '"runtimes" in /etc/docker/daemon.json',
  noSeccomp: '"seccomp-profile": "unconfined" in /etc/docker/daemon.json',
  userNamespaces: '"userns-remap": "default" in /etc/docker/daemon.json',
};

const PODMAN: EngineSettings = {
  storage:
    'set driver = "overlay" below [storage] in /etc/containers/storage.conf; podman system reset, which it needs then, removes all containers and images',
  runtimes: "[engine.runtimes] in /etc/containers/containers.conf",
  noSeccomp: 'seccomp_profile = "unconfined" in /etc/containers/containers.conf',
  userNamespaces: "rootless Podman",
};

export const settingsOf = ({ product }: Pick<EngineInfo, "product">): EngineSettings => (product === "podman" ? PODMAN : DOCKER);
