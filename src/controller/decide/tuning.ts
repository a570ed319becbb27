// What `docker update` can set on a container without a config key for it: every sandbox keeps the engine's defaults. Pure.
// Limits that have a key are fields.ts.
import type { FieldDrift } from "../../api/sandbox.ts";
import type { Tuning } from "./observation.ts";

/** As every container is made. Zero and the empty text are the engine's own choice. */
export const UNTOUCHED: Tuning = {
  restartPolicy: "no",
  cpuShares: 0,
  cpusetCpus: "",
  cpusetMems: "",
  memoryReservation: 0,
  blkioWeight: 0,
};

/** The option that sets it; no engine takes back any but the restart policy while the container is there. */
const OPTIONS: Readonly<Record<keyof Tuning, { option: string; remedy: FieldDrift["remedy"] }>> = {
  restartPolicy: { option: "--restart", remedy: "live" },
  cpuShares: { option: "--cpu-shares", remedy: "recreate" },
  cpusetCpus: { option: "--cpuset-cpus", remedy: "recreate" },
  cpusetMems: { option: "--cpuset-mems", remedy: "recreate" },
  memoryReservation: { option: "--memory-reservation", remedy: "recreate" },
  blkioWeight: { option: "--blkio-weight", remedy: "recreate" },
};

const render = (value: string | number): string => (value === 0 || value === "" ? "unset" : String(value));

/** What somebody has set by hand. */
export function diffTuning(actual: Tuning): FieldDrift[] {
  const names = Object.keys(UNTOUCHED) as (keyof Tuning)[];
  return names
    .filter((name) => actual[name] !== UNTOUCHED[name])
    .map((name) => ({
      field: `docker update ${OPTIONS[name].option}`,
      remedy: OPTIONS[name].remedy,
      desired: render(UNTOUCHED[name]),
      actual: render(actual[name]),
    }));
}
