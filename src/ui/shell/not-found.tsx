// What an address shows that no page has: which one it is, which one was most likely meant, and a way back.
import { Link, useLocation, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import type { ReactNode } from "react";
import { toSafeText } from "../../api/safe-text.ts";
import { toNearestPath, toReadPath } from "../text/nearest-path.ts";
import { NAVIGATION } from "./navigation.ts";

/** Tells of an address whether there is a page at it. */
export function useExists(): (path: string) => boolean {
  const router = useRouter();
  return (path) => {
    const [, , found] = router.getMatchedRoutes(path);
    return found !== undefined;
  };
}

export function NotFound(): ReactNode {
  const path = useLocation({ select: ({ pathname }) => pathname });
  const exists = useExists();
  const nearest = toNearestPath(path, { pages: NAVIGATION, exists });
  return (
    <div className="empty">
      <Compass aria-hidden="true" />
      <p>
        There is no page at <code className="chip wrap-any">{toSafeText(toReadPath(path))}</code>
      </p>
      {nearest !== null && nearest !== "/" && (
        <p>
          Did you mean{" "}
          <a className="wrap-any" href={nearest}>
            {toSafeText(toReadPath(nearest))}
          </a>
          ?
        </p>
      )}
      <Link className="button" to="/">
        Go to the overview
      </Link>
    </div>
  );
}
