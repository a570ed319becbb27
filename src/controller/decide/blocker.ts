// Decides what on the host prevents a container from being created now: no image, or no workspace its user can write to. Pure.
import { type DurationMs, later, SECOND_MS } from "../../api/brands.ts";
import { BROWSER_IMAGE } from "./browser.ts";
import { EGRESS_IMAGE } from "./egress-facts.ts";
import { parseOwner } from "./spec.ts";
import type { DesiredSandbox, PlanInput, ResolvedSpec, Verdict } from "./types.ts";

type Wanted = Pick<PlanInput, "image" | "workspace" | "now"> & { want: { desired: DesiredSandbox } };
type Ready = Extract<ResolvedSpec, { kind: "ready" }>;
type Blocked = Extract<Verdict, { kind: "blocked" }>;

/** What on the host keeps a container from being made now. */
export function blockerOf({ image: fact, workspace, want, now }: Wanted, spec: Ready): Blocked | null {
  if (fact?.kind === "missing") {
    const image = spec.container.image;
    return {
      kind: "blocked",
      code: "ImageMissing",
      message: `image ${image} is not on this engine; ${imageFix(image)}`,
      retryAt: later(now, imageRetryMs),
    };
  }
  if (workspace?.kind === "refused") {
    return { kind: "blocked", code: "HostRejected", message: workspace.message, retryAt: later(now, hostRetryMs) };
  }
  const unwritable = workspace?.kind === "ready" ? unwritableBecause(workspace, spec, want.desired.workspace.dir) : null;
  if (unwritable !== null) return { kind: "blocked", code: "HostRejected", message: unwritable, retryAt: later(now, hostRetryMs) };
  return null;
}

/** An image event wakes it at once; this is for engines that lose one. */
const imageRetryMs = (30 * SECOND_MS) as DurationMs;
/** Nothing tells when a folder is put right. */
export const hostRetryMs = (10 * SECOND_MS) as DurationMs;

/** The permission bits say whether the container's user can write to its workspace; a name instead of a number can't be judged. */
function unwritableBecause(folder: Extract<PlanInput["workspace"], { kind: "ready" }>, spec: Ready, dir: string): string | null {
  const user = parseOwner(spec.container.user);
  if (user === null || user.uid === 0) return null;
  const bit = user.uid === folder.uid ? 0o200 : user.gid === folder.gid ? 0o020 : 0o002;
  if ((folder.mode & bit) !== 0) return null;
  return `user ${spec.container.user} can't write to its workspace ${dir}, which belongs to ${folder.uid}:${folder.gid}; run: chown -R ${user.uid}:${user.gid} ${dir}`;
}

/** Where it is needed for a list of destinations. */
export const egressImageMissing = (image: string): string => `the image ${image} is missing; ${imageFix(image)}`;

/** The command that brings an image to the engine. */
export function imageFix(image: string): string {
  if (image === "openclaw-sandbox:bookworm-slim") return "build it with scripts/sandbox-setup.sh";
  if (image === "openclaw-sandbox-common:bookworm-slim") return "build it with scripts/sandbox-common-setup.sh";
  if (image === BROWSER_IMAGE) return "build it with scripts/sandbox-browser-setup.sh";
  if (image === EGRESS_IMAGE) return "build it with scripts/sandbox-egress-setup.sh";
  return `build it, or run: docker pull ${image}`;
}
