// What an engine shows of a container of the egress that was created with given options, for the model and for tests of what is read from it.
import type Docker from "dockerode";
import { RawHardening } from "./egress-hardening.ts";

export interface InspectedEdit {
  host?: object;
  config?: object;
  mounts?: object[];
}

/** As Docker does, in its own words for what was not asked for. */
export function toInspected(options: Docker.ContainerCreateOptions, edit: InspectedEdit = {}): RawHardening {
  const { name, HostConfig, Entrypoint, Cmd, User, Labels } = options;
  const mounts = (HostConfig?.Mounts ?? []).map(({ Source, Target, ReadOnly }) => {
    return { Type: "volume", Name: Source, Destination: Target, RW: ReadOnly !== true };
  });
  return RawHardening.parse({
    Name: `/${name}`,
    Config: { Entrypoint, Cmd, User, Labels, ...edit.config },
    HostConfig: { ...HostConfig, Binds: null, PidMode: "", PortBindings: {}, Devices: [], IpcMode: "private", ...edit.host },
    Mounts: [...mounts, ...(edit.mounts ?? [])],
  });
}
