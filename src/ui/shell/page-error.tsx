// What stands in place of a page that could not be shown: most often its files are gone, as after an update of the gateway.
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../parts/button.tsx";

export function PageError({ error }: ErrorComponentProps): ReactNode {
  return (
    <div className="empty" role="alert">
      <TriangleAlert aria-hidden="true" />
      <p>This page could not be shown. If the gateway was updated meanwhile, or was away, loading it anew helps.</p>
      <p className="dim small wrap-any">{error instanceof Error ? error.message : String(error)}</p>
      <div className="row">
        <Button kind="primary" onClick={() => window.location.reload()}>
          Load it anew
        </Button>
        <Link className="button" to="/">
          Go to the overview
        </Link>
      </div>
    </div>
  );
}
