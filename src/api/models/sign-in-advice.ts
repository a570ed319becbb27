// What a person should know or do about sign-ins to model providers: those that are of no use, that end soon, and a clock that is wrong. Pure.
// Who shows it is health and doctor.
import { MINUTE_MS } from "../brands.ts";
import type { ProfileStatus } from "./stored-secret.ts";

export interface SignInAdvice {
  /** One clause without a period. */
  message: string;
  fix: string;
}

/** Sign-in servers refuse what is some minutes off, and tokens seem to live that much longer or shorter. */
const CLOCK_OFF_MS_MAX = 2 * MINUTE_MS;

/** Empty: nothing. */
export function judgeSignIns(statuses: readonly ProfileStatus[]): SignInAdvice[] {
  const unusable = statuses.flatMap(({ id, state, because, fix }) =>
    state === "ready"
      ? []
      : [{ message: `${id} is ${state}${because === null ? "" : `: ${because}`}`, fix: fix ?? "openclaw models auth list" }],
  );
  const off = statuses.find(({ clockBehindMs }) => Math.abs(clockBehindMs ?? 0) > CLOCK_OFF_MS_MAX);
  return off === undefined ? unusable : [...unusable, toClockAdvice(off)];
}

function toClockAdvice({ id, clockBehindMs }: ProfileStatus): SignInAdvice {
  const behindMs = clockBehindMs ?? 0;
  const minutes = Math.round(Math.abs(behindMs) / MINUTE_MS);
  const way = behindMs > 0 ? "behind" : "ahead of";
  return {
    message: `this machine's clock was ${minutes} minutes ${way} that of the server of ${id}`,
    fix: "set the clock: timedatectl set-ntp true",
  };
}
