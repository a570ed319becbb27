// Routes for the configs that were in force: which there are, and the texts of one. For the owner of the state folder only: a config holds secrets.
// What is kept is records/config-history.ts's; putting one back is the command line's.
import { Hono } from "hono";
import type { ConfigRevisions } from "../../api/config-revision.ts";
import { OperationError } from "../../api/errors.ts";
import type { ConfigHistory } from "../records/config-history.ts";

export function historyRoutes(history: ConfigHistory): Hono {
  const routes = new Hono();
  routes.get("/config-history", async (context) => {
    const revisions: ConfigRevisions = { items: await history.list() };
    return context.json(revisions);
  });
  routes.get("/config-history/:revision", async (context) => {
    const text = context.req.param("revision");
    if (!/^\d{1,8}$/.test(text)) throw new OperationError("InvalidArgument", "revision: expected a whole number");
    return context.json(await history.get(Number(text)));
  });
  return routes;
}
