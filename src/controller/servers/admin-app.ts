// The admin server as a function from request to response: its routes.
// The socket that it is served on is admin-server.ts.
import type { Hono } from "hono";
import type { Logger } from "pino";
import type { ApprovalKeys } from "../records/approval-keys.ts";
import type { ConfigHistory } from "../records/config-history.ts";
import type { OutputLog } from "../records/output-log.ts";
import type { AdminViews } from "../views/admin-views.ts";
import type { Audit } from "./audit.ts";
import { makeBaseApp } from "./base-app.ts";
import type { Followers } from "./followers.ts";
import type { ProcessService } from "./processes.ts";
import { findSandbox } from "./request.ts";
import { approvalKeyRoutes } from "./routes-approvals.ts";
import { controlRoutes, viewRoutes } from "./routes-control.ts";
import { type EgressService, egressRoutes } from "./routes-egress.ts";
import { historyRoutes } from "./routes-history.ts";
import { outputRoutes } from "./routes-output.ts";
import { type ProcessTarget, processRoutes } from "./routes-processes.ts";
import { sandboxRoutes } from "./routes-sandboxes.ts";

export interface AdminAppParts {
  views: AdminViews;
  followers: Followers;
  log: Logger;
  /** Absent: there are no routes for detached processes. */
  processes?: ProcessService;
  /** Absent: there are no routes for devices' keys. */
  approvals?: { keys: ApprovalKeys; audit: Audit };
  /** Absent: there are no routes for earlier configs. */
  history?: ConfigHistory;
  /** Absent: there is no route for what commands print. */
  output?: OutputLog;
  /** Absent: there are no routes for what sandboxes reach. */
  egress?: EgressService;
}

export function makeAdminApp({ views, followers, log, processes, approvals, output, history, egress }: AdminAppParts): Hono {
  const app = makeBaseApp(log);
  app.route("/v1", sandboxRoutes(views, followers));
  app.route("/v1", viewRoutes(views, followers));
  app.route("/v1", controlRoutes(views));
  const target: ProcessTarget = ({ req }) => findSandbox(views, req.param("name")).metadata.name;
  if (processes !== undefined) app.route("/v1", processRoutes("/sandboxes/:name", target, processes));
  if (approvals !== undefined) app.route("/v1", approvalKeyRoutes(approvals.keys, approvals.audit));
  if (output !== undefined) app.route("/v1", outputRoutes(views, output, followers));
  if (egress !== undefined) app.route("/v1", egressRoutes(views, egress, followers));
  if (history !== undefined) app.route("/v1", historyRoutes(history));
  return app;
}
