// What an address shows that no page has.
import { Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import type { ReactNode } from "react";

export function NotFound(): ReactNode {
  return (
    <div className="empty">
      <Compass aria-hidden="true" />
      <p>There is no page at this address.</p>
      <Link className="button" to="/">
        Go to the overview
      </Link>
    </div>
  );
}
