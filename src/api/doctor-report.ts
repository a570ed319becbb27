// What the controller found on its machine, as a gateway is told: one look, with its moment. Shapes only; what is looked at is controller/doctor/'s.
import type { Finding } from "./finding.ts";
import type { UnownedObject } from "./wire.ts";

export interface DoctorReport {
  /** When it was looked. Milliseconds since the epoch. */
  at: number;
  findings: Finding[];
  /** What nothing owns: `openclaw sandbox prune` removes those that are removable. */
  unowned: UnownedObject[];
}
