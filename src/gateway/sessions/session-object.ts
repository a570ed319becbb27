// A Session object as its file has it: moments as RFC 3339 text. Pure.
// Where the files are, and who writes them, is sessions.ts's.
import { renderTime } from "../../api/brands.ts";
import type { Session, SessionFile } from "../../api/session.ts";

export function toFile({ apiVersion, kind, metadata, spec }: Session): SessionFile {
  const { createdAt, deletedAt, ...names } = metadata;
  const { lastActivityAt, browserUsedAt, endedAt, ...rest } = spec;
  return {
    apiVersion,
    kind,
    metadata: { ...names, createdAt: renderTime(createdAt), ...(deletedAt !== undefined && { deletedAt: renderTime(deletedAt) }) },
    spec: {
      ...rest,
      ...(lastActivityAt !== undefined && { lastActivityAt: renderTime(lastActivityAt) }),
      ...(browserUsedAt !== undefined && { browserUsedAt: renderTime(browserUsedAt) }),
      ...(endedAt !== undefined && { endedAt: renderTime(endedAt) }),
    },
  };
}
