// A sandbox that is a browser, by the session that has it: what it shows, small in the list, and to be watched and driven on its own page. Looking is no
// use of it; whose a browser is, the list of sessions says.
import { lazy, type ReactNode, Suspense } from "react";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useGateway } from "../../connection/context.tsx";
import { Loading } from "../../parts/notice.tsx";
import { hasBrowser } from "../../text/sessions.ts";
import { Thumbnail } from "../browser/thumbnail.tsx";

/** Comes with the first page of a browser. */
const SessionBrowser = lazy(async () => ({ default: (await import("../browser/browser-page.tsx")).SessionBrowser }));

/** Of several that share it the first. null: none has it any more, or they are not known yet. */
function useSessionOf(spec: Sandbox["spec"]): string | null {
  const { data } = useGateway("sessions.list", {});
  return data?.items.find((session) => hasBrowser(session, spec))?.key ?? null;
}

export function BrowserPicture({ spec }: Pick<Sandbox, "spec">): ReactNode {
  const sessionKey = useSessionOf(spec);
  return sessionKey === null ? null : <Thumbnail sessionKey={sessionKey} isSmall />;
}

export function BrowserOf({ spec }: Pick<Sandbox, "spec">): ReactNode {
  const sessionKey = useSessionOf(spec);
  if (sessionKey === null) return null;
  return (
    <Suspense fallback={<Loading />}>
      <SessionBrowser sessionKey={sessionKey} />
    </Suspense>
  );
}
