// Answers programs that watch the controller: metrics, whether it lives, whether it is ready. Reads only; anybody who reaches it may ask,
// so that it binds to loopback by default and shows no names, values or secrets.
import { Hono } from "hono";
import { OperationError } from "../../api/errors.ts";
import { createHttpServer, type HttpLimits } from "../../api/http-server.ts";
import { listenTcp, type TcpServer } from "../../api/listen-tcp.ts";
import type { MetricRegistry } from "../../api/metrics-registry.ts";
import type { HealthCheck } from "./ready-check.ts";

export const METRICS_LISTEN_DEFAULT = "127.0.0.1:9464";

export interface HealthParts {
  registry: Pick<MetricRegistry, "render">;
  /** Whether the process works: the loop turns, the oldest work is within its limit. Failing means: restart it. Must not throw. */
  live(): readonly HealthCheck[];
  /** Whether it can do its job. Must not throw. */
  ready(): readonly HealthCheck[];
}

const LIMITS: HttpLimits = {
  /** All are strangers; a few more, for the moment until the oldest has gone. */
  connectionsMax: 120,
  /** A scrape per second of ten scrapers, each with a connection of its own, ten times over. */
  strangersMax: 100,
  connectionsPerAddressMax: 50,
  headerBytesMax: 8_192,
  headersMsMax: 3_000,
  requestMsMax: 10_000,
  /** An answer is made within milliseconds, and read by a scraper within its own timeout of 10 s. */
  checkEachMs: 1_000,
  strangerMsMax: 10_000,
};
const METHODS = ["GET", "HEAD"];

/** The answers, without a socket. */
export function createHealthApp(parts: HealthParts): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    if (!METHODS.includes(context.req.method)) return context.text("only GET and HEAD are allowed\n", 405, { Allow: METHODS.join(", ") });
    await next();
    context.header("Cache-Control", "no-store");
    context.header("X-Content-Type-Options", "nosniff");
    return;
  });
  app.get("/metrics", async (context) => {
    const { text, contentType } = await parts.registry.render(context.req.header("accept"));
    return context.body(text, 200, { "Content-Type": contentType });
  });
  app.get("/healthz", (context) => answer(parts.live(), context.req.query("verbose") !== undefined));
  app.get("/livez", (context) => answer(parts.live(), context.req.query("verbose") !== undefined));
  app.get("/readyz", (context) => answer(parts.ready(), context.req.query("verbose") !== undefined));
  app.notFound((context) => context.text("not found: try /metrics, /healthz, /readyz?verbose\n", 404));
  return app;
}

/** As Kubernetes' own endpoints: `ok`, or with `verbose` (and whenever something fails) one line per check. */
function answer(checks: readonly HealthCheck[], verbose: boolean): Response {
  const ok = checks.every((check) => check.ok);
  const lines = checks.map(
    (check) => `[${check.ok ? "+" : "-"}]${check.name} ${check.ok ? "ok" : "failed"}${verbose ? `: ${check.message}` : ""}\n`,
  );
  const text = ok && !verbose ? "ok" : `${lines.join("")}${ok ? "ok" : "failed"}\n`;
  return new Response(text, { status: ok ? 200 : 503, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

/**
 * @param listen `host:port`; IPv6 hosts in brackets; an empty host is every address; port 0 is any free one
 * @throws OperationError `InvalidArgument` (not an address), `HostRejected` (taken, forbidden, not of this host)
 */
export async function startHealthServer(parts: HealthParts, listen: string): Promise<TcpServer> {
  const { host, port } = parseListen(listen);
  const server = createHttpServer({ fetch: createHealthApp(parts).fetch, limits: LIMITS });
  return await listenTcp(server, { host, port, fix: "choose another with --metrics-listen 127.0.0.1:PORT; port 0 picks a free one" });
}

/** @throws OperationError `InvalidArgument` */
export function parseListen(listen: string): { host: string | undefined; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new OperationError("InvalidArgument", `--metrics-listen ${JSON.stringify(listen)} is not an address`, {
      fix: `expected host:port such as ${METRICS_LISTEN_DEFAULT}`,
    });
  }
  const host = bracketed ?? plain ?? "";
  return { host: host === "" ? undefined : host, port };
}
