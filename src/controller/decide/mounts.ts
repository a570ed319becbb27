// Decides which mounts of a container are compared with what was checked before it is used, when, and whose word about them counts.
// Pure. Why: the engine looks a source's path up anew at each start, so what was judged before is not for certain what was mounted.
// The comparison itself is mount-check.ts.
import type { ContainerSpec, Mount } from "../../api/sandbox.ts";
import type { Action, OwnedContainer, PlanInput } from "./types.ts";

/**
 * The mounts whose source lies outside the folders that the product itself makes in the state folder: nobody but the controller's own user
 * can put something else in the place of those. Every bind counts as outside.
 * @param stateDir absolute, real
 */
export function outsideMounts(mounts: readonly Mount[], stateDir: string): Mount[] {
  return mounts.filter(({ kind, source }) => kind === "bind" || !isMadeByUs(source, stateDir));
}

function isMadeByUs(source: string, stateDir: string): boolean {
  const parent = source.slice(0, source.lastIndexOf("/"));
  return parent === stateDir || parent === `${stateDir}/sandboxes`;
}

/** Whether commands may be run in it, as far as its mounts go. */
export const mayUseMounts = ({ mounts }: Pick<OwnedContainer, "mounts">): boolean => mounts.kind === "own" || mounts.kind === "compared";

/** Only what runs shows what it has mounted. */
export const needsComparison = ({ mounts, observation }: OwnedContainer): boolean =>
  mounts.kind === "not-compared" && observation.state === "running";

const isRefused = ({ mounts, observation }: OwnedContainer): boolean =>
  (mounts.kind === "refused" || mounts.kind === "unclear") && observation.state !== "removing";

/** The containers that a plan may count on, and the removal of those that mount what they must not: at once, whoever uses them. */
export function withoutRefused(input: PlanInput): { rest: PlanInput; retire: Action[] } {
  const refused = input.containers.filter(isRefused);
  if (refused.length === 0) return { rest: input, retire: [] };
  return {
    rest: { ...input, containers: input.containers.filter((one) => !refused.includes(one)) },
    retire: refused.map(({ mounts, observation: { handle } }) => {
      const because = mounts.kind === "refused" || mounts.kind === "unclear" ? mounts.message : "";
      return { kind: "retire", handle, evidence: { kind: "mounts", says: because }, guard: "always", cause: "external", because };
    }),
  };
}

export function compareMounts({ observation: { handle } }: OwnedContainer): Action {
  return { kind: "compare-mounts", handle, cause: "external", because: "verifying its mounts" };
}

/** Nothing that an agent wrote has run in it: it was started once, and nobody was let in. */
export const isUntouched = ({ observation, setup }: OwnedContainer): boolean =>
  observation.stage === "pending" && !observation.restarted && (setup.kind === "absent" || setup.kind === "fresh");

/** Variables that make the loader or a shell run other files than it is told to. */
const LOADED = /^(?:LD_\w*|GLIBC_\w*|GCONV_PATH|LOCPATH|NLSPATH|BASH_ENV|ENV|SHELLOPTS|BASHOPTS|PS4|IFS|PATH)$/;
/** What a shell and `stat` are loaded from. */
const PROGRAMS = /^\/(?:(?:bin|sbin|usr|etc|lib[^/]*)(?:\/|$)|$)/;

/**
 * Whether programs of an untouched container's image run as the image has them: no variable of the config's and no mount is in between.
 * @param imageEnv null: not known
 */
export function runsImagePrograms(
  { env, mounts }: Pick<ContainerSpec, "env" | "mounts">,
  imageEnv: Readonly<Record<string, string>> | null,
): boolean {
  if (imageEnv === null || Object.keys(env).some((name) => LOADED.test(name))) return false;
  if (mounts.some(({ target }) => PROGRAMS.test(target))) return false;
  return Object.entries(imageEnv).every(([name, value]) => (name === "PATH" ? isSystemPath(value) : !LOADED.test(name)));
}

/** Only folders in which no mount is; those were looked at before. */
const isSystemPath = (path: string): boolean => path.split(":").every((folder) => PROGRAMS.test(folder) && folder !== "/");
