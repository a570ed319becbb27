// The admin door as a function from request to response: its routes, the limit on bodies, and one form for every error.
// The socket that it is served on is admin-server.ts.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Logger } from "pino";
import { OperationError } from "../../api/errors.ts";
import { toProblem } from "../../api/wire.ts";
import type { AdminViews } from "./admin-views.ts";
import type { Followers } from "./followers.ts";
import type { ProcessDoor } from "./processes.ts";
import { BODY_BYTES_MAX } from "./request.ts";
import { controlRoutes } from "./routes-control.ts";
import { processRoutes } from "./routes-processes.ts";
import { sandboxRoutes } from "./routes-sandboxes.ts";

export interface AdminAppParts {
  views: AdminViews;
  followers: Followers;
  log: Logger;
  /** Absent: there are no routes for detached processes. */
  processes?: ProcessDoor;
}

export function makeAdminApp({ views, followers, log, processes }: AdminAppParts): Hono {
  const app = new Hono();
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => toErrorResponse(new OperationError("InvalidArgument", `the body is larger than ${BODY_BYTES_MAX} bytes`)),
    }),
  );
  app.route("/v1", sandboxRoutes(views, followers));
  app.route("/v1", controlRoutes(views, followers));
  if (processes !== undefined) app.route("/v1", processRoutes(views, processes));
  app.notFound(({ req }) => toErrorResponse(new OperationError("NotFound", `there is no ${req.method} ${req.path.slice(0, 200)} here`)));
  app.onError((error, { req }) => {
    // Hono wraps nothing: what is not an operating error is a bug, whose text may hold anything.
    if (!(error instanceof OperationError)) log.error({ err: error, route: req.routePath }, "admin request failed");
    return toErrorResponse(error);
  });
  return app;
}

function toErrorResponse(error: unknown): Response {
  const problem = toProblem(error);
  return new Response(JSON.stringify(problem), { status: problem.status, headers: { "content-type": "application/problem+json" } });
}
