// Whether an upgrade comes from where it may, as for every request, and how one that does not is refused. Which socket is at which path is its caller's.

import { refuseUpgrade, type Upgrade } from "../../api/http-server.ts";
import type { Say } from "../../api/place.ts";
import { checkHost, checkOrigin, type OriginRules } from "../http/origin.ts";
import { toProblemHere } from "../http/problem.ts";

export const pathOf = ({ request }: Upgrade): string => new URL(request.url ?? "/", "http://gateway").pathname;

/** The last one, where a header came several times. */
export const toHeader = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.at(-1) : value);

/** @throws OperationError `Forbidden` */
export function checkUpgrade({ request }: Upgrade, { hosts, allowedOrigins }: OriginRules): void {
  const { host, origin } = request.headers;
  const rules = { hosts, allowedOrigins };
  checkHost(host, rules);
  checkOrigin({ origin, host, site: toHeader(request.headers["sec-fetch-site"]) }, rules);
}

export function refuse({ socket }: Upgrade, error: unknown, say: Say): void {
  const problem = toProblemHere(error, say);
  refuseUpgrade(socket, {
    status: `${problem.status} ${problem.title}`,
    type: "application/problem+json",
    body: `${JSON.stringify(problem)}\n`,
  });
}
