// Translates paths of this process to the engine's host, and back: the same outside a container, translated through its mounts inside one.
// Pure; own-container.ts finds the mounts.
import { posix } from "node:path";
import { OperationError } from "../../api/errors.ts";
import type { ContainerSpec } from "../../api/sandbox.ts";

/** A folder of the engine's host and where this process's container has it. Both absolute, in normal form. */
export interface OwnMount {
  /** A named volume's is the folder in which the engine keeps it. */
  source: string;
  destination: string;
}

type Mounting = Pick<ContainerSpec, "mounts">;

/** The container that this process is in. */
export interface OwnContainer {
  mounts: readonly OwnMount[];
  /** Id of its image. */
  image: string;
}

export class HostPaths {
  readonly #mounts: readonly OwnMount[] | null;
  /** null: this process is in no container. */
  readonly image: string | null;

  /** @param own null: this process is in no container, and both sides see the same paths */
  constructor(own: OwnContainer | null) {
    this.#mounts = own?.mounts ?? null;
    this.image = own?.image ?? null;
  }

  /** @throws OperationError `HostRejected`: no mount has it, with the mount to add */
  toEngine(path: string): string {
    if (this.#mounts === null) return path;
    const mount = innermost(this.#mounts, path, "destination");
    if (mount !== null) return posix.join(mount.source, posix.relative(mount.destination, path));
    throw new OperationError("HostRejected", `the engine can't see ${path}: it is in no mount of the controller's container`, {
      fix: `mount it into the controller's container: -v ${path}:${path} (in docker-compose.yml: volumes of openclaw-controller)`,
    });
  }

  /** What the engine calls by a name that no mount has stays as it is: it is nothing of ours. */
  toOwn(path: string): string {
    if (this.#mounts === null) return path;
    const mount = innermost(this.#mounts, path, "source");
    return mount === null ? path : posix.join(mount.destination, posix.relative(mount.source, path));
  }

  /** @throws OperationError `HostRejected`: a source that no mount has */
  toEngineSpec<Spec extends Mounting>(spec: Spec): Spec {
    return withSources(spec, (source) => this.toEngine(source));
  }

  toOwnSpec<Spec extends Mounting>(spec: Spec): Spec {
    return withSources(spec, (source) => this.toOwn(source));
  }
}

const withSources = <Spec extends Mounting>(spec: Spec, rename: (source: string) => string): Spec => ({
  ...spec,
  mounts: spec.mounts.map((mount) => ({ ...mount, source: rename(mount.source) })),
});

/** The deepest mount counts: it covers what an outer one has at the same place. */
function innermost(mounts: readonly OwnMount[], path: string, side: keyof OwnMount): OwnMount | null {
  const above = mounts.filter((mount) => isWithin(path, mount[side]));
  return above.reduce<OwnMount | null>(
    (deepest, mount) => (deepest === null || mount[side].length > deepest[side].length ? mount : deepest),
    null,
  );
}

const isWithin = (path: string, folder: string): boolean => path === folder || folder === "/" || path.startsWith(`${folder}/`);
