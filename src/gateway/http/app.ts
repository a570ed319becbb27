// The HTTP API as a function from request to response: who may call, in which form, and one form for every error. Checks come before routes, in
// this order: the target host, the origin, the secret, the body. What an operation does is handlers.ts; the socket is server.ts.
import type { BlockList } from "node:net";
import { Readable } from "node:stream";
import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono, type HonoRequest, type MiddlewareHandler } from "hono";
import type { Logger } from "pino";
import { toJsonResponse } from "../../api/direct-response.ts";
import { OperationError } from "../../api/errors.ts";
import type { Operation, SentBody } from "../../api/gateway-protocol/operation.ts";
import { OPERATIONS, type OperationName, toQueryValues } from "../../api/gateway-protocol/operations.ts";
import { PAIR_PATH, PairBody } from "../../api/gateway-protocol/pair.ts";
import { keepConnection } from "../../api/http-server.ts";
import { parseValue } from "../../api/parse-value.ts";
import type { Say } from "../../api/place.ts";
import { readBody } from "../../api/read-body.ts";
import { type Identity, requireScope } from "../devices/identity.ts";
import type { Pairing } from "../devices/pairing.ts";
import type { GatewayMetrics, RouteName } from "../metrics.ts";
import { type AddressLimits, type Credentials, toAuthError } from "./auth.ts";
import { BodyBudget, type HeldBody, TOOL_BODY_BYTES_MAX } from "./body-budget.ts";
import type { GatewayCheck } from "./checks.ts";
import { type ControlUi, isAssetPath, isNavigation, isPagePath } from "./control-ui.ts";
import type { CallOf, Handlers } from "./handler.ts";
import type { Identities } from "./identities.ts";
import { speaksOpenAi, toOpenAiResponse } from "./openai-error.ts";
import { renderOpenApi } from "./openapi.ts";
import { checkHost, checkOrigin, type OriginRules, toCaller } from "./origin.ts";
import { PAGE_POLICY, renderPage } from "./page.ts";
import { toProblemResponse } from "./problem.ts";

/** What of the config the server obeys; asked for at each request, so that an edit needs no restart. */
export interface AccessRules extends OriginRules {
  credentials: Credentials;
  proxies: BlockList;
  /** Whether `/` shows a page. */
  page: boolean;
}

export interface AppParts {
  handlers: Handlers;
  /** The MCP endpoint, behind the same rules of who may in. */
  mcp: { handle(request: Request): Promise<Response> };
  rules(): AccessRules;
  limits: AddressLimits;
  identities: Pick<Identities, "judge">;
  pairing: Pick<Pairing, "pairByLink">;
  metrics: GatewayMetrics;
  ui: Pick<ControlUi, "page" | "asset">;
  /** Whether it can do its job. Must not throw. */
  ready(): Promise<readonly GatewayCheck[]>;
  version: string;
  log: Logger;
  /** A hint as it works where the gateway runs. */
  say: Say;
}

interface Env {
  Bindings: HttpBindings;
  Variables: {
    operation: RouteName;
    /** Who it is. Absent: nobody who showed anything, on a path that is open to all. */
    identity?: Identity;
  };
}

export type GatewayApp = Hono<Env>;

/** A message is at most 1 MiB of text, which JSON may double. */
const BODY_BYTES_MAX = 4_194_304;
/** A key, a signature and a few words. */
const PAIR_BODY_BYTES_MAX = 8_192;
const OPEN_PATHS: Readonly<Record<string, RouteName>> = { "/healthz": "health", "/readyz": "health", [PAIR_PATH]: "pair" };
/** First words of what programs ask for. A browser that goes there is answered as they are. */
const PROGRAM_WORDS: ReadonlySet<string> = new Set(
  ["/assets", "/mcp", "/metrics", ...Object.keys(OPEN_PATHS), ...Object.values(OPERATIONS).map(({ path }) => path)].map(toFirstWord),
);
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

export function makeGatewayApp(parts: AppParts): GatewayApp {
  const { metrics, mcp, log, rules, version, say } = parts;
  const app: GatewayApp = new Hono<Env>();
  const bodies = new BodyBudget();
  app.use(observe(parts));
  app.use(admit(parts));
  app.get("/healthz", (context) => context.text("ok\n"));
  app.get("/readyz", (context) => answerReady(context, parts));
  app.get("/metrics", async (context) => {
    context.set("operation", "metrics");
    requireScope(toIdentity(context), "operator.read");
    const { text, contentType } = await metrics.registry.render(context.req.header("accept"));
    return context.body(text, 200, { "content-type": contentType });
  });
  app.get("/v1/openapi.json", (context) => {
    context.set("operation", "openapi");
    return context.json(renderOpenApi(version));
  });
  app.on("ALL", ["/mcp", "/mcp/"], async (context) => {
    context.set("operation", "mcp");
    requireScope(toIdentity(context), "operator.write");
    const { headers } = context.req.raw;
    const held = bodies.take(headers, TOOL_BODY_BYTES_MAX);
    // The endpoint does not tell how much has come.
    if (headers.has("transfer-encoding")) held.grow(TOOL_BODY_BYTES_MAX);
    return await held.during(async () => await mcp.handle(context.req.raw));
  });
  app.post(PAIR_PATH, async (context) => {
    // Whoever has a link has shown nothing else yet.
    const body = parseValue(PairBody, await readJson(context, PAIR_BODY_BYTES_MAX));
    return context.json(await parts.pairing.pairByLink(body));
  });
  for (const name of Object.keys(OPERATIONS) as OperationName[]) addOperation({ app, parts, bodies }, name);
  app.get("*", async (context) => (rules().page ? await answerUi(context, parts) : null) ?? notFound(context));
  app.notFound(notFound);
  app.onError((error, { req }) => {
    if (!(error instanceof OperationError)) log.error({ err: error, route: req.routePath }, "request failed");
    return speaksOpenAi(req.path) ? toOpenAiResponse(error, say) : toProblemResponse(error, say);
  });
  return app;
}

/** What may be read without the secret. @param page whether there is one */
function toOpenRoute(req: HonoRequest, { page }: Pick<AccessRules, "page">): RouteName | undefined {
  const { path } = req;
  if (Object.hasOwn(OPEN_PATHS, path)) return OPEN_PATHS[path];
  return isPagePath(path) || isAssetPath(path) || (page && isLost(req)) ? "page" : undefined;
}

function toFirstWord(path: string): string {
  return path.split("/")[1] ?? "";
}

/** A person at an address that nothing has: the page says so, with a way back. Who shows a secret is a program. */
function isLost(req: HonoRequest): boolean {
  const isPerson = isNavigation(req.method, req.raw.headers) && req.header("authorization") === undefined;
  return isPerson && !isPagePath(req.path) && !PROGRAM_WORDS.has(toFirstWord(req.path));
}

const notFound = ({ req }: Context<Env>): Response =>
  toProblemResponse(new OperationError("NotFound", `there is no ${req.method} ${JSON.stringify(req.path.slice(0, 200))} here`));

/** Counts and times every answer, also refusals. */
function observe({ metrics, rules }: AppParts): MiddlewareHandler<Env> {
  return async (context, next) => {
    const startedMs = performance.now();
    context.set("operation", toOpenRoute(context.req, rules()) ?? "other");
    await next();
    // Hono answers HEAD with the headers of GET, and leaves the body to nobody: what makes it must not wait for a reader for ever.
    if (context.req.method === "HEAD") await context.res.body?.cancel();
    for (const [header, value] of Object.entries(HEADERS)) if (!context.res.headers.has(header)) context.res.headers.set(header, value);
    metrics.request(context.get("operation"), context.res.status, (performance.now() - startedMs) / 1_000);
  };
}

/** A secret that is shown is judged on every path, and a wrong one counted: else health would tell, as often as asked, which guess is right. @throws OperationError `Forbidden`, `Unauthenticated`, `LimitExceeded` */
function admit({ rules, limits, identities, metrics }: AppParts): MiddlewareHandler<Env> {
  return async (context, next) => {
    const { req, env } = context;
    const { credentials, proxies, page, ...origins } = rules();
    const [host, origin, site] = [req.header("host"), req.header("origin"), req.header("sec-fetch-site")];
    checkHost(host, origins);
    // The page itself holds no data and lets nothing frame it: a link to it works from anywhere, as one to any page.
    if (!isLinkTo(req, { page })) checkOrigin({ origin, host, site }, origins);
    const caller = toCaller(env.incoming.socket.remoteAddress ?? "", req.header("x-forwarded-for"), proxies);
    const authorization = req.header("authorization");
    const isOpen = toOpenRoute(req, { page }) !== undefined;
    const judged = await identities.judge(caller, authorization, credentials);
    const failure = typeof judged === "string" ? judged : null;
    if (failure !== null && (!isOpen || authorization !== undefined)) metrics.authFailed(failure);
    if (failure !== null && !isOpen) throw toAuthError(failure);
    // Whoever shows the secret is no flood, and where all have one address he would pay for theirs.
    const isShown = failure === null && authorization !== undefined;
    if (isOpen && !isShown && !limits.takeOpen(caller.address)) {
      metrics.authFailed("limited");
      throw toAuthError("limited");
    }
    // Strangers keep no connection: there are only so many.
    if (typeof judged !== "string") letIn(context, judged);
    await next();
  };
}

/** A person follows a link of another site to the page. Browsers alone send these headers, and scripts can't. */
function isLinkTo(req: HonoRequest, { page }: Pick<AccessRules, "page">): boolean {
  const isFollowed = req.header("sec-fetch-mode") === "navigate" && req.header("sec-fetch-dest") === "document";
  const isPage = isPagePath(req.path) || (page && isLost(req));
  return req.method === "GET" && isFollowed && req.header("origin") === undefined && isPage;
}

function letIn(context: Context<Env>, identity: Identity): void {
  const { outgoing } = context.env;
  context.set("identity", identity);
  keepConnection(outgoing);
  if (identity.kind !== "device") return;
  // Whatever is under way: an answer that never ends must not outlive what it was let in by.
  const end = (): void => void outgoing.destroy();
  identity.revoked.addEventListener("abort", end, { once: true });
  outgoing.once("close", () => identity.revoked.removeEventListener("abort", end));
}

/** @throws OperationError `Unauthenticated` */
function toIdentity(context: Context<Env>): Identity {
  const identity = context.get("identity");
  if (identity === undefined) throw toAuthError("missing");
  return identity;
}

/** Names and messages are for whoever has the secret: others learn only whether it is ready. */
async function answerReady(context: Context<Env>, { ready }: AppParts): Promise<Response> {
  const checks = await ready();
  const ok = checks.every((check) => check.ok || check.isAdvice === true);
  const status = ok ? 200 : 503;
  return context.get("identity") !== undefined ? context.json({ ready: ok, checks }, status) : context.json({ ready: ok }, status);
}

/** Where the Control UI was not built, `/` is a page that says what to run. null: there is nothing of that name. */
async function answerUi(context: Context<Env>, parts: AppParts): Promise<Response | null> {
  const { path } = context.req;
  if (isAssetPath(path)) return await parts.ui.asset(path, context.req.header("accept-encoding"));
  if (isLost(context.req)) return await parts.ui.page(404);
  if (!isPagePath(path)) return null;
  return (await parts.ui.page(200)) ?? (path === "/" ? await answerPlainPage(context, parts) : null);
}

async function answerPlainPage(context: Context<Env>, { ready, version }: AppParts): Promise<Response> {
  const checks = await ready();
  context.header("content-security-policy", PAGE_POLICY);
  return context.html(renderPage({ version, ready: checks.every(({ ok, isAdvice }) => ok || isAdvice === true) }));
}

function addOperation<Name extends OperationName>(
  { app, parts, bodies }: { app: GatewayApp; parts: AppParts; bodies: BodyBudget },
  name: Name,
): void {
  const operation: Operation = OPERATIONS[name];
  const bytesMax = toBodyBytesMax(name);
  const read = async (context: Context<Env>, held: HeldBody): Promise<unknown> =>
    operation.bytes === "body" ? toSentBody(context) : await readJson(context, bytesMax, held);
  const path = operation.path.replaceAll("{path}", ":path{.+}").replaceAll(/\{(\w+)\}/g, ":$1");
  app.on(operation.method.toUpperCase(), path, async (context) => {
    context.set("operation", name);
    const { req } = context;
    const identity = toIdentity(context);
    requireScope(identity, operation.scope);
    // Files pass through, and are held nowhere.
    const isHeld = operation.body !== undefined && operation.bytes !== "body";
    const held = bodies.take(isHeld ? req.raw.headers : new Headers(), bytesMax);
    return await held.during(async () => {
      const query = operation.query === undefined ? undefined : parseValue(operation.query, toQueryValues(operation.query, req.query()));
      const body = operation.body === undefined ? undefined : parseValue(operation.body, await read(context, held));
      // Parsed by the schemas of the same operation, which the type of its handler is made from.
      const call = { params: req.param(), query, body, headers: req.raw.headers, identity, signal: req.raw.signal } as CallOf<Name>;
      const answer = await parts.handlers[name](call);
      return answer instanceof Response ? answer : toJsonResponse(answer);
    });
  });
}

function toSentBody(context: Context<Env>): SentBody {
  const told = context.req.header("content-length");
  return { bytesTold: told === undefined ? null : Number(told), chunks: toChunks(context) };
}

/**
 * Node's own stream where there is one: what stands in front of it reads ahead, and takes a tenth of a millisecond to be made. Whoever reads no more of it can
 * still be answered.
 */
function toChunks({ env, req }: Context<Env>): SentBody["chunks"] {
  const { incoming } = env;
  return incoming instanceof Readable ? incoming.iterator({ destroyOnReturn: false }) : (req.raw.body ?? Readable.from([]));
}

function toBodyBytesMax(name: OperationName): number {
  return name === "callTool" || name === "invokeTool" ? TOOL_BODY_BYTES_MAX : BODY_BYTES_MAX;
}

/** A page can send text/plain anywhere without asking first; JSON it can't. @throws OperationError `UnsupportedMediaType`, `InvalidArgument` */
async function readJson(context: Context<Env>, bytesMax: number, held?: HeldBody): Promise<unknown> {
  const { req } = context;
  const source = { headers: req.raw.headers, body: toChunks(context) };
  const text = await readBody(source, bytesMax, (bytes) => held?.grow(bytes));
  const type = req.header("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" && (text !== "" || type !== undefined))
    throw new OperationError("UnsupportedMediaType", "the body must be JSON", { fix: "send content-type: application/json" });
  try {
    return text === "" ? {} : JSON.parse(text);
  } catch (error) {
    throw new OperationError("InvalidArgument", "the body is not JSON", { cause: error });
  }
}
