// What both servers of the controller have in common as functions from request to response: one form for every error.
// Routes are the servers' (admin-app.ts, stream-app.ts), sockets are socket-server.ts.
import { Hono } from "hono";
import type { Logger } from "pino";
import { OperationError } from "../../api/errors.ts";
import { toProblem } from "../../api/wire.ts";

export function makeBaseApp(log: Logger): Hono {
  const app = new Hono();
  app.notFound(({ req }) => toErrorResponse(new OperationError("NotFound", `there is no ${req.method} ${req.path.slice(0, 200)} here`)));
  app.onError((error, { req }) => {
    // Hono wraps nothing: what is not an operating error is a bug, whose text may hold anything.
    if (!(error instanceof OperationError)) log.error({ err: error, route: req.routePath }, "request failed");
    return toErrorResponse(error);
  });
  return app;
}

function toErrorResponse(error: unknown): Response {
  const problem = toProblem(error);
  return new Response(JSON.stringify(problem), { status: problem.status, headers: { "content-type": "application/problem+json" } });
}
